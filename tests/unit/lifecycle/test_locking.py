from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.status import status
from kafka_tasks.lifecycle.stop import restart
from kafka_tasks.model.events import Event
from kafka_tasks.model.security import Security
from kafka_tasks.runtimes.secure import issuing
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import load
from kafka_tasks.testing import FakeRuntime
from tests.unit.lifecycle.conftest import alive, record


def test_strays_are_taken_in_with_a_notice(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """What a crash left running is found again, and is not started twice."""
    runtime._strays = ["zookeeper", "kafka"]
    assert not up(session).changed
    assert runtime.calls == []
    assert "found running and not recorded: zookeeper, kafka" in [event.text for event in heard]


def test_a_corrupt_record_is_set_aside_with_a_notice(session: Session, heard: list[Event]) -> None:
    """An unreadable state file is moved, said so, and does not hinder the start."""
    (session.project.state / "state.json").write_bytes(b"{")
    assert up(session).state == "ready"
    kept = session.project.state / "state.json.corrupt"
    assert kept.read_bytes() == b"{"
    texts = [event.text for event in heard]
    assert f"the state file was unreadable; it was moved to {kept}" in texts


def test_other_settings_than_the_running_clusters_are_refused(
    session: Session, runtime: FakeRuntime
) -> None:
    """What was asked for and differs is exit 3 and shows both; a default was not asked for."""
    up(session)
    record(session, fingerprint={"heap": "1g", "port": "9092"})
    assert not up(session).changed
    asked = load(session.project.path, environ={"KAFKA_TASKS_HEAP": "2g"})
    with pytest.raises(InvalidInput) as caught:
        up(replace(session, settings=asked))
    assert "KAFKA_TASKS_HEAP is 2g, the cluster has 1g" in caught.value.message
    assert alive(runtime) == ["zookeeper", "kafka"]


def test_another_security_than_the_running_clusters_is_refused(session: Session) -> None:
    """Kind, authorizer and names; a record without them is of a cluster that is not secured."""
    path = session.project.path
    environ = {"KAFKA_TASKS_SECURE": "scram", "KAFKA_TASKS_ACL": "true"}
    asked = replace(session, settings=load(path, environ=environ))
    up(session)
    record(session)
    with pytest.raises(InvalidInput, match="SECURE is scram, the cluster has none") as caught:
        up(asked)
    assert "KAFKA_TASKS_ACL is true, the cluster has false" in caught.value.message
    record(session, security=Security("scram", acl=True, hosts=("a.test",)))
    issuing.ensure(SecureStore.of(session.project), Security("scram"))
    up(asked)
    named = load(path, environ={**environ, "KAFKA_TASKS_SAN": "b.test,a.test"})
    with pytest.raises(InvalidInput, match=r"KAFKA_TASKS_SAN is a.test,b.test, the cluster has a."):
        up(replace(session, settings=named))
    record(session, security=Security("scram", acl=True))
    with pytest.raises(InvalidInput, match=r"KAFKA_TASKS_SAN is a.test,b.test, the cluster has no"):
        up(replace(session, settings=named))


def test_auto_ports_agree_with_any(session: Session) -> None:
    """`auto` means whatever port the cluster has."""
    up(session)
    record(session, fingerprint={"port": "23456"})
    auto = load(session.project.path, environ={"KAFKA_TASKS_PORT": "auto"})
    assert not up(replace(session, settings=auto)).changed


@pytest.mark.parametrize("verb", [up, restart])
def test_what_is_suspended_goes_on(
    session: Session,
    runtime: FakeRuntime,
    heard: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    verb: Callable[[Session], Any],
) -> None:
    """`up` and `restart` wake a service that a signal holds, and say so; `status` tells of it."""
    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", lambda *_, **__: "standalone")
    up(session)
    runtime.suspend("kafka")
    seen = status(session)
    assert (seen.state, seen.failed_layer) == ("degraded", "process")
    assert seen.reason and seen.reason.startswith("kafka suspended")
    assert {service.name: service.state for service in seen.services} == {
        "zookeeper": "ready",
        "kafka": "degraded",
    }
    assert verb(session).state == "ready"
    assert "resumed, was suspended: kafka" in [event.text for event in heard]
    assert status(session).state == "ready"


def test_no_new_certificates_are_made_beside_brokers_that_run(
    session: Session, runtime: FakeRuntime
) -> None:
    """The brokers have the lost ones, and no layer would ever hold; a request says so, too."""
    settings = load(session.project.path, environ={"KAFKA_TASKS_SECURE": "scram"})
    asked = replace(session, settings=settings)
    up(session)
    record(session, security=Security("scram"))
    for act in (lambda: up(asked), asked.require_running):
        with pytest.raises(InvalidInput, match=r"internal/ca\.crt .* it is missing") as caught:
            act()
        assert "kafka.down" in str(caught.value.hint)
    assert not SecureStore.of(session.project).was_issued
