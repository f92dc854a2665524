from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from kafka_tasks.clients import secret_command
from kafka_tasks.clients.secret_command import Printed
from kafka_tasks.errors import InvalidInput, Refused
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import contexts as declared
from kafka_tasks.tasks import contexts, kafka
from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.confirm import require_yes
from kafka_tasks.tasks.terminal import in_color
from tests.unit.fakes import FakeAdmin
from tests.unit.settings.sources import loaded
from tests.unit.tasks.conftest import Run
from tests.unit.tasks.test_confirm import CALL, Terminal

TEXT = """
contexts:
  dev: {bootstrap_servers: 'dev:9092', password_command: printer --secret=x, confirm: name}
  tokens:
    {bootstrap_servers: 'i:1', sasl_mechanism: OAUTHBEARER, token_command: giver --secret=x}
  client:
    bootstrap_servers: i:1
    sasl_mechanism: OAUTHBEARER
    client_secret_command: giver x
    sasl_oauthbearer_token_endpoint_url: https://i.test/t
    sasl_oauthbearer_client_id: me
  prod: {bootstrap_servers: 'prod:9092', read_only: true}
  test: {bootstrap_servers: 'test:9092'}
"""
# Tasks that look, or that work on this machine and refuse a remote cluster by themselves.
HARMLESS = {
    *("init", "up", "down", "restart", "status", "list", "pull", "wait", "logs", "doctor"),
    *("config", "env", "consume", "whoami", "topic.list", "topic.describe", "topic.validate"),
    *("topic.plan", "topic.export", "group.list", "group.describe", "user.list", "acl.list"),
    *("context.list", "context.show", "context.test"),
    *("snapshot.save", "snapshot.restore", "snapshot.list", "snapshot.delete"),
}


@pytest.fixture(autouse=True)
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's file has two contexts."""
    found = tmp_path / "contexts.yaml"
    found.write_text(TEXT)
    monkeypatch.setattr(declared, "_user_file", lambda: found)


def test_contexts_are_listed_and_shown(ready: Run) -> None:
    """Without what a command may have in its arguments."""
    rows = ready("context.list --context prod").out.splitlines()
    assert rows[3].split() == ["dev", "dev:9092", "red"]
    assert rows[4].split() == ["prod", "*", "prod:9092", "green", "read-only"]
    ran = ready("context.show dev")
    assert "  password           command printer …\n" in ran.out and "secret" not in ran.out
    found = ready("context.show prod -o json").document
    assert (found["read_only"], found["confirm"], found["current"]) == (True, None, False)
    assert found["color"] == "green" and "  color              red\n" in ran.out
    assert ready("context.show pord").code == 3
    shown = ready("context.show tokens").out
    assert "  token command      giver …\n" in shown and "secret=x" not in shown
    assert ready("context.show client -o json").document["client_secret"] == "command giver …"


def test_a_context_that_answers(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the id of its cluster."""
    assert ready("context.test prod").out == "Context prod works: cluster kraftless-id, 1 broker.\n"


@pytest.mark.parametrize(
    "line",
    [
        "topic.create t",
        "topic.delete t --yes",
        "acl.grant a read t",
        "group.reset g --to 1 --execute",
    ],
)
def test_a_read_only_context_refuses_changes(ready: Run, line: str) -> None:
    """Before anything is sent."""
    ran = ready(f"{line} --context prod")
    assert ran.code == 6 and "The context prod is read-only" in ran.err


TEST, PROD = "-- context test: test:9092\n", "-- context prod: prod:9092 (read-only)\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("topic.create t --context test", TEST),
        ("topic.delete t --yes --context test", TEST),
        ("produce t --file records.jsonl --context test", TEST),
        ("verify --dry --context test", TEST),
        ("topic.delete t --dry --context prod", PROD),
        ("topic.list --context test", ""),
        ("topic.create t", ""),
    ],
)
def test_a_change_names_its_cluster_first(ready: Run, line: str, told: str) -> None:
    """Once, in plain text where there is no terminal; other tasks do not."""
    ran = ready(line)
    assert ran.err.startswith(told) and ran.err.count("context") == bool(told)
    assert "context" not in ran.out


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("topic.plan --context prod", "Plan for prod:\n"),
        ("topic.delete t --dry --context prod", "Plan for prod:\nwould delete t\n"),
        ("topic.apply --dry --context test", "Plan for test:\nwould apply:\n"),
        ("topic.apply --context test", "1 created."),
        ("topic.plan", "+ create t"),
    ],
)
def test_a_plan_has_the_context_as_its_heading(
    project: Project, ready: Run, admin: FakeAdmin, line: str, heading: str
) -> None:
    """So that it still says where it belongs when it is read elsewhere; no document has it."""
    (project.path / "topics.yaml").write_text("topics: [{name: t, partitions: 1}]\n")
    if "delete" in line:
        assert ready("topic.create t").code == 0
    ran = ready(line)
    assert ran.out.startswith(heading), ran.out + ran.err
    assert "Plan for" not in ready(f"{line} -o json").out


def test_only_a_terminal_is_told_in_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the user wants none; what is colored has no other control characters."""
    monkeypatch.setenv("TERM", "xterm")
    shown = in_color("context\x1b[2J", "red", Terminal())
    assert re.fullmatch(r"\x1b\[1;31mcontext\\x1b\[2J\x1b\[0m", shown)
    assert in_color("context", "red", io.StringIO()) == "context"
    monkeypatch.setenv("NO_COLOR", "1")
    assert in_color("context", "red", Terminal()) == "context"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert in_color("context", "red", Terminal()) == "context"


def test_a_remote_cluster_is_not_started(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint works for the way in which the context was chosen."""
    ran = run("up --context test")
    assert ran.code == 3 and "Hint: leave out --context\n" in ran.err
    (project.path / ".env").write_text("KAFKA_TASKS_CONTEXT=test\n")
    ran = run("down")
    assert "chosen by .env" in ran.err and "KAFKA_TASKS_CONTEXT= in front of" in ran.err


def test_every_task_changes_or_is_known_to_be_harmless() -> None:
    """A new task has to be decided on."""
    every = {kafka[name].full_name.removeprefix("kafka.") for name in kafka.task_names}
    changing = {name for name in every if contexts.is_told(f"kafka.{name}")} - {"topic.plan"}
    assert changing | HARMLESS == every and not changing & HARMLESS


def test_a_dry_run_of_a_reset_is_no_change(tmp_path: Path) -> None:
    """Only --execute is."""
    prod = declared.named("prod", tmp_path, {})
    contexts.require_writable(prod, "kafka.group.reset", {"execute": False})
    contexts.require_writable(prod, "kafka.topic.list", {})
    with pytest.raises(Refused):
        contexts.require_writable(prod, "kafka.group.reset", {"execute": True})


def test_a_command_prints_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first line; what it is called with is not shown where it fails."""
    answers = [Printed(0, "w0rd\nmore"), Printed(3, "")]
    monkeypatch.setattr(secret_command, "run", lambda _, **__: answers.pop(0))
    settings = loaded(tmp_path, flags={"context": "dev"})
    found = contexts.with_passwords(settings)
    assert found.sasl_password == "w0rd" and found.origins["sasl_password"].kind == "context"
    with pytest.raises(InvalidInput, match="of the context dev failed with exit code 3") as caught:
        contexts.with_passwords(settings)
    assert "--secret" not in f"{caught.value.evidence}{caught.value.hint}"


def test_a_command_prints_a_client_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one of the settings that OAUTHBEARER needs."""
    monkeypatch.setattr(secret_command, "run", lambda _, **__: Printed(0, "s3cret\n"))
    found = contexts.with_passwords(loaded(tmp_path, flags={"context": "client"}))
    assert found.client()["sasl.oauthbearer.client.secret"] == "s3cret"


@pytest.mark.parametrize(("answer", "goes"), [("dev\n", True), ("y\n", False)])
def test_a_context_may_be_confirmed_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, goes: bool
) -> None:
    """The question names it first."""
    call = Call(CALL.context, task=CALL.task, given={**CALL.given, "context": "dev"})
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if goes:
        require_yes(call, ["All goes."], yes=False)
    else:
        with pytest.raises(Refused, match="nothing was changed"):
            require_yes(call, ["All goes."], yes=False)
    told = "-- context dev: dev:9092\n"
    assert capsys.readouterr().err == f"{told}All goes.\nType dev to continue: "
