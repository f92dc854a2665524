"""Where tokens come from: commands, and the renewal in time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from kafka_tasks.clients import secret_command
from kafka_tasks.clients.kafka import kafka_python, token_source
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.clients.kafka.token_source import TokenSource
from kafka_tasks.clients.secret_command import Printed
from kafka_tasks.errors import CannotConnect, MachineError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes.remote import RemoteRuntime
from kafka_tasks.settings import load
from tests.unit.clients.kafka.test_token import jwt

_REMOTE = {
    "KAFKA_TASKS_BOOTSTRAP_SERVERS": "localhost:1",
    "KAFKA_TASKS_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_TASKS_SASL_MECHANISM": "OAUTHBEARER",
    "KAFKA_TASKS_TOKEN_COMMAND": "giver",
}
OAUTH = {"sasl.mechanism": "OAUTHBEARER"}


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    token_source._of_command.cache_clear()


def cluster(command: str | None = None, **client: str) -> Cluster:
    """Return a remote cluster with this log-in."""
    properties = {**OAUTH, **{name.replace("_", "."): value for name, value in client.items()}}
    return Cluster(Path(), "remote", Topology(), (), 1, client=properties, token_command=command)


def test_a_token_is_asked_for_once_in_most_of_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is renewed when a fifth is left, as librdkafka does it."""
    now = 1000.0
    monkeypatch.setattr(time, "time", lambda: now)
    given: list[Token] = []

    def fetch() -> Token:
        given.append(Token(f"t{len(given)}", now + 100))
        return given[-1]

    source = TokenSource(fetch, "pool=one,other=a=b")
    assert [source.token().value for _ in range(2)] == ["t0", "t0"]
    now += 79
    assert source.token().value == "t0"
    now += 1
    assert source.for_librdkafka("") == ("t1", 1180.0, "", {"pool": "one", "other": "a=b"})


def test_a_failed_renewal_is_tried_again() -> None:
    """It is the caller's error."""
    answers: list[Token | CannotConnect] = [
        CannotConnect("no", finding="token-missing", hint=""),
        Token("t", time.time() + 100),
    ]

    def fetch() -> Token:
        found = answers.pop(0)
        if isinstance(found, CannotConnect):
            raise found
        return found

    source = TokenSource(fetch)
    with pytest.raises(CannotConnect) as caught:
        source.token()
    assert source.failure is caught.value
    assert source.token().value == "t" and source.failure is None


def test_all_clients_of_a_command_share_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may ask a person, or an identity provider that counts."""
    ran: list[str] = []

    def run(line: str, *, limit_s: float, keeps_errors: bool) -> Printed:
        ran.append(line)
        return Printed(0, json.dumps({"access_token": "t", "expires_in": 60}))

    monkeypatch.setattr(secret_command, "run", run)
    for _ in range(2):
        source = token_source.of(cluster("giver --x"))
        assert source is not None and source.token().value == "t"
    assert kafka_python._tokens(cluster("giver --x"))["sasl_oauth_token_provider"].token() == "t"
    assert ran == ["giver --x"]
    assert token_source.of(cluster()) is None
    assert token_source.of(cluster(sasl_mechanism="PLAIN")) is None


def test_the_timeout_of_the_task_is_that_of_its_token_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command that hangs must not take longer than the task may."""
    limits: list[float] = []

    def run(line: str, *, limit_s: float, keeps_errors: bool) -> Printed:
        limits.append(limit_s)
        return Printed(0, json.dumps({"access_token": "t", "expires_in": 60}))

    monkeypatch.setattr(secret_command, "run", run)
    settings = load(Path(), environ={"KAFKA_TASKS_TIMEOUT": "7", **_REMOTE})
    source = token_source.of(RemoteRuntime(settings).plan(settings))
    assert source is not None and source.token().value == "t"
    assert limits == [7.0]


@pytest.mark.parametrize(
    ("done", "said", "evidence"),
    [
        (Printed(7, "s3cret", "one\nthe reason\n\n"), "failed with exit code 7", ("the reason",)),
        (Printed(0, "s3cret", ""), "printed neither a JWT nor a JSON object", ()),
        (Printed(0, "", "a warning"), "printed nothing", ("a warning",)),
        (MachineError("giver did not exit within 60 s."), "did not exit within 60 s", ()),
    ],
)
def test_a_command_without_a_token_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    done: Printed | MachineError,
    said: str,
    evidence: tuple[str, ...],
) -> None:
    """With the last line of its stderr, and neither its arguments nor what it printed."""

    def run(*_: str, **__: float) -> Printed:
        if isinstance(done, MachineError):
            raise done
        return done

    monkeypatch.setattr(secret_command, "run", run)
    source = token_source.of(cluster("giver --secret=x"))
    assert source is not None
    with pytest.raises(CannotConnect, match=rf"^The token command giver {said}") as caught:
        source.token()
    error = caught.value
    assert (error.finding, error.exit_code, error.evidence) == ("token-command-failed", 3, evidence)
    assert "s3cret" not in f"{error.message}{error.hint}" and "--secret" not in error.message


def test_an_expired_token_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this machine may be the reason."""
    monkeypatch.setattr(secret_command, "run", lambda *_, **__: Printed(0, jwt(exp=1_000_000_000)))
    source = token_source.of(cluster("giver"))
    assert source is not None
    with pytest.raises(CannotConnect, match="expired at 2001-09-09 01:46:40 UTC") as caught:
        source.token()
    assert caught.value.finding == "token-expired" and "clock" in caught.value.evidence[0]
