"""Tasks against secured clusters: every way in, and every way to be refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, NewTopic, ResourceType

from tests.integration.answers import call
from tests.integration.conftest import Sandbox, eventually
from tests.integration.rights import LEAST, REFUSED, Rights, acting
from tests.integration.secured import KEY_PASSWORD, PASSWORDS, Secured

pytestmark = pytest.mark.timeout(300)

Env = dict[str, str | None]


@pytest.fixture(scope="module", params=["3.9", "4.4"])
def secured(
    request: pytest.FixtureRequest,
    warm: Path,
    environ: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secured]:
    """A secured cluster that runs, in each mode."""
    line = str(request.param)
    cluster = Secured(line, tmp_path_factory.mktemp(f"secured-{line}").resolve(), environ)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def guest(secured: Secured, new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project without a cluster of its own."""
    sandbox = new_project("guest")
    del sandbox.environ["KAFKA_TASKS_RUNTIME"]
    return sandbox


def way(secured: Secured, listener: str, **changes: str | None) -> Env:
    """The settings that reach this listener; `changes` replace some, None takes one out."""
    protocol = {"INTERNAL": "PLAINTEXT", "SASL": "SASL_PLAINTEXT"}.get(
        listener, "SASL_SSL" if listener in ("SASLTLS", "SCRAM") else "SSL"
    )
    found: Env = {"BOOTSTRAP_SERVERS": secured.address(listener), "SECURITY_PROTOCOL": protocol}
    if "SASL" in protocol:
        found |= {"SASL_MECHANISM": "SCRAM-SHA-512", "SASL_USERNAME": "admin"}
        found |= {"SASL_PASSWORD": PASSWORDS["admin"]}
    if "SSL" in protocol:
        found["SSL_CA_LOCATION"] = secured.file("ca.crt")
    if listener == "MTLS":
        found |= {"SSL_CERTIFICATE_LOCATION": secured.file("alice.crt")}
        found |= {"SSL_KEY_LOCATION": secured.file("alice.key"), "SSL_KEY_PASSWORD": KEY_PASSWORD}
    return {f"KAFKA_TASKS_{name}": value for name, value in {**found, **changes}.items()}


def test_tasks_need_no_more_rights_than_documented(secured: Secured, guest: Sandbox) -> None:
    """A user with exactly these rights carries out each task."""
    rights = Rights(secured)
    rights.prepare()
    wrong = {}
    with acting(secured, guest, "bob"):
        for row in LEAST:
            done = rights.run(row)
            if done.code or row.shows.replace("NAME", rights.name(row)) not in done.out:
                wrong[row.line] = (done.code, done.out, done.err)
    assert wrong == {}, "\n".join(f"{line}: {done}" for line, done in wrong.items())


def test_a_refusal_names_user_right_and_resource(secured: Secured, guest: Sandbox) -> None:
    """A user without rights learns which one is missing; a size that is hidden is null."""
    name = "closed"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    with acting(secured, guest, "alice"):
        for line, right in REFUSED.items():
            done = call(*line.replace("NAME", name).split())
            topic = "other" if "other" in line else name
            assert done.code == 1, f"{line}: {done.out}{done.err}"
            assert f"User alice lacks the right {right} on topic {topic}." in done.err
            assert f"--operation {right.capitalize()} --topic '{topic}'" in done.err
        secured.grant("alice", ResourceType.TOPIC, name, AclOperation.DESCRIBE)

        def shown() -> Any:
            return call("topic.list", "--sizes", "-o", "json").document["topics"]

        eventually(shown, "the right is heeded")
        assert [(topic["name"], topic["bytes"]) for topic in shown()] == [(name, None)]
        described = call("topic.describe", name, "-o", "json").document
        assert (described["config"], described["partitions"][0]["end"]) == (None, 0)
        refused = call("produce", name, "--file", "one.jsonl")
        assert refused.code == 1 and f"lacks the right WRITE on topic {name}" in refused.err
        secured.fill([name])
        refused = call("consume", name, "--exit", "-o", "json")
        assert f"lacks the right READ on topic {name}" in refused.document["error"]["message"]


@pytest.mark.parametrize("listener", ["INTERNAL", "TLS", "MTLS", "SASL", "SASLTLS", "SCRAM"])
def test_a_cluster_is_ready_through_every_listener(
    secured: Secured, guest: Sandbox, listener: str
) -> None:
    """`status` is ready, with the right certificate, key and password."""
    done = guest.run("status", "-o", "json", env=way(secured, listener))
    assert done.code == 0, done.out + done.err
    assert done.document["state"] == "ready"


def test_plain_passwords_work_too(secured: Secured, guest: Sandbox) -> None:
    """PLAIN beside SCRAM, on the same listener."""
    done = guest.run("status", env=way(secured, "SASLTLS", SASL_MECHANISM="PLAIN"))
    assert done.code == 0, done.out + done.err


def test_what_the_rights_forbid_is_not_permitted(secured: Secured, guest: Sandbox) -> None:
    """`verify` of a user with rights on topics alone skips groups and transactions, in words."""
    rights = ("CREATE", "DELETE", "DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE")
    secured.grant("carol", ResourceType.TOPIC, "*", *(AclOperation[right] for right in rights))
    carol = {"SASL_USERNAME": "carol", "SASL_PASSWORD": PASSWORDS["carol"]}
    done = guest.run("verify", "-o", "json", env=way(secured, "SASL", **carol))
    assert done.code == 0, done.out + done.err
    refused = {
        each["id"]: each["message"]
        for each in done.document["criteria"]
        if each["message"].startswith("not permitted: ")
    }
    assert set(refused) == {"group-resumes", "transaction"}
    assert "GROUP_AUTHORIZATION_FAILED" in refused["group-resumes"]
    assert "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" in refused["transaction"]
