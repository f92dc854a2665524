from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.stop import down, restart
from kafka_tasks.model.events import Event
from kafka_tasks.model.security import Security
from kafka_tasks.project import choices, state, written_by
from kafka_tasks.project.directory import Project
from kafka_tasks.project.written_by import WrittenBy
from kafka_tasks.runtimes.secure import issuing
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Origin
from kafka_tasks.testing import FakeRuntime
from tests.unit.lifecycle.conftest import record

_MINE = {"version": "7.8.3", "kafka_version": "3.8.1", "mode": "zookeeper"}


def _written(session: Session, runtime: FakeRuntime, **changes: Any) -> None:
    """Give the project data that this has written."""
    runtime.files.there = {"kafka/meta.properties": b"version=0"}
    written_by.write(session.project, "fake", WrittenBy(**{**_MINE, **changes}))


def _with(session: Session, **changes: Any) -> Session:
    """Return the session with these settings, given by a flag."""
    origins = {**session.settings.origins, **{name: Origin("flag") for name in changes}}
    return replace(session, settings=replace(session.settings, **changes, origins=origins))


def test_a_start_records_what_writes_the_data(session: Session) -> None:
    """Version, Kafka and mode, until the data is deleted."""
    up(session)
    found = written_by.read(session.project, "fake")
    assert found is not None
    assert (found.version, found.kafka_line, found.mode) == (
        session.settings.version,
        (3, 9),
        "zookeeper",
    )
    down(session)
    assert written_by.read(session.project, "fake") == found
    down(session, wipe=True, confirmed=True)
    assert written_by.read(session.project, "fake") is None


def test_an_upgrade_is_told_in_one_line(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """Once: from then on the data is the newer version's."""
    _written(session, runtime)
    up(session)
    told = [event.text for event in heard if event.text.startswith("upgrading the data")]
    assert len(told) == 1
    assert "from Kafka 3.8.1 (version 7.8.3) to Kafka 3.9 " in told[0]
    down(session)
    up(session)
    assert len([event for event in heard if "upgrading the data" in event.text]) == 1


@pytest.mark.parametrize(
    ("written", "wanted", "words", "way"),
    [
        ({}, {"version": "7.5.14"}, "which is older", "KAFKA_TASKS_VERSION=7.8.3 "),
        (
            {"version": "4.4.0", "kafka_version": "4.4.0", "mode": "kraft"},
            {"version": "8.2.3"},
            "which is older",
            "KAFKA_TASKS_VERSION=4.4.0 ",
        ),
        ({}, {"version": "4.4.0"}, "in KRaft mode", "KAFKA_TASKS_MODE=zookeeper "),
        ({"mode": "kraft"}, {"version": "7.8.3"}, "in ZooKeeper mode", "KAFKA_TASKS_MODE=kraft "),
    ],
)
def test_a_downgrade_and_another_mode_are_refused(
    session: Session,
    runtime: FakeRuntime,
    written: dict[str, str],
    wanted: dict[str, str],
    words: str,
    way: str,
) -> None:
    """Nothing starts; the error says what there is, what would be lost, and the ways on."""
    _written(session, runtime, **written)
    with pytest.raises(InvalidInput) as refused:
        up(_with(session, **wanted))
    assert refused.value.exit_code == 3
    assert words in refused.value.message
    assert "every topic, record and committed offset" in refused.value.evidence[0]
    assert way in (refused.value.hint or "")
    assert f"invoke kafka.snapshot.save before-{wanted['version']}" in (refused.value.hint or "")
    assert runtime.calls == []


@pytest.mark.parametrize("version", ["7.8.1", "3.8.1"])
def test_another_patch_or_family_of_the_line_reads_the_data(
    session: Session, runtime: FakeRuntime, heard: list[Event], version: str
) -> None:
    """Nothing is said of it."""
    _written(session, runtime)
    up(_with(session, version=version))
    assert not [event for event in heard if "the data" in event.text]


def test_data_that_is_gone_or_unknown_is_not_judged(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """A record without data, and data without a record."""
    _written(session, runtime)
    runtime.files.there.clear()
    up(_with(session, version="7.5.14"))
    down(session)
    written_by.forget(session.project, "fake")
    runtime.files.there = {"kafka/meta.properties": b"version=0"}
    up(session)
    assert not [event for event in heard if "the data" in event.text]


def test_restart_with_another_version_is_refused_as_by_up(
    session: Session, runtime: FakeRuntime
) -> None:
    """The cluster keeps running; other settings are what a restart is for."""
    up(session)
    record(session, fingerprint={"version": session.settings.version, "heap": "1g"})
    runtime.calls.clear()
    other = _with(session, version="7.8.3")
    for verb in (up, restart):
        with pytest.raises(InvalidInput, match="started with other settings: KAFKA_TASKS_VERSION"):
            verb(other)
    assert runtime.calls == []
    restart(_with(session, heap="2g"))
    assert runtime.calls[0].startswith("stop")
    down(session)
    runtime.files.there = {"kafka/meta.properties": b"version=0"}
    with pytest.raises(InvalidInput, match="which is older"):
        restart(other)


def test_secured_data_whose_records_are_lost_is_not_started_in_clear(session: Session) -> None:
    """Its certificates are there, and nothing says how its users log in; a flag does."""
    session.project.make_state()
    issuing.ensure(SecureStore.of(session.project), Security("scram"))
    with pytest.raises(InvalidInput, match="no record of how its clients log in") as caught:
        up(session)
    assert "--secure none" in str(caught.value.hint)
    up(_with(session, secure="none"))
    found = written_by.read(session.project, session.runtime.name)
    assert found is not None and found.security is None
    state.forget(session.project)
    assert up(session).state == "ready"


@pytest.mark.parametrize("security", [None, Security("mtls", acl=True, hosts=("kafka.test",))])
def test_a_lost_record_does_not_lose_how_the_data_is_secured(
    project: Project, security: Security | None
) -> None:
    """It is written beside the data, too."""
    project.make_state()
    assert choices.remembered(project) == {}
    found = WrittenBy(version="7.8.3", kafka_version="3.8.1", mode="zookeeper", security=security)
    written_by.write(project, "embedded", found)
    assert choices.remembered(project) == (security.choices if security else {})
