from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.errors import InvalidInput, Refused
from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.stop import down, restart
from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeRuntime
from tests.unit.lifecycle.conftest import ScriptedBroker, alive


def test_down_stops_brokers_first_and_keeps_the_data(
    session: Session, runtime: FakeRuntime
) -> None:
    """The order is the safe one, and nothing is wiped."""
    up(session)
    assert down(session) == ("kafka", "zookeeper")
    assert runtime.calls[-1] == "stop"
    assert down(session) == ()


def test_down_without_confirmation_wipes_nothing(session: Session, runtime: FakeRuntime) -> None:
    """An unconfirmed wipe is exit 6 and does not even stop the cluster."""
    up(session)
    with pytest.raises(Refused, match="was not confirmed") as caught:
        down(session, wipe=True)
    assert caught.value.exit_code == 6
    assert alive(runtime) == ["zookeeper", "kafka"]
    assert down(session, wipe=True, confirmed=True) == ("kafka", "zookeeper")
    assert runtime.calls[-1] == "stop wipe"
    assert runtime.observe().services == ()


def test_down_where_nothing_ever_was_leaves_no_trace(
    tmp_path: Path, settings: Settings, broker: ScriptedBroker
) -> None:
    """In a directory without state nothing is stopped and nothing is created."""
    bare = tmp_path / "bare"
    bare.mkdir()
    runtime = FakeRuntime(bare)
    session = Session(Project(bare), settings, runtime, "test", Recorder())
    assert down(session) == ()
    assert list(bare.iterdir()) == []
    assert runtime.calls == []


def test_down_stops_what_was_started_by_hand(
    tmp_path: Path, settings: Settings, broker: ScriptedBroker
) -> None:
    """Services that run where nothing was written down, as by `docker compose up`, are stopped."""
    bare = tmp_path / "bare"
    bare.mkdir()
    runtime = FakeRuntime(bare)
    runtime.start(settings)
    session = Session(Project(bare), settings, runtime, "test", Recorder())
    assert down(session) == ("kafka", "zookeeper")
    assert alive(runtime) == []


def test_restart_stops_and_starts_everything(session: Session, runtime: FakeRuntime) -> None:
    """Every service gets a new process."""
    up(session)
    before = {service.pid for service in runtime.observe().services}
    found = restart(session)
    assert (found.state, found.changed) == ("ready", True)
    assert not before & {service.pid for service in found.services}


def test_restart_of_one_service_leaves_the_others(session: Session, runtime: FakeRuntime) -> None:
    """Only the named service gets a new process."""
    up(session)
    before = {service.name: service.pid for service in runtime.observe().services}
    after = {s.name: s.pid for s in restart(session, "kafka").services}
    assert after["zookeeper"] == before["zookeeper"]
    assert after["kafka"] != before["kafka"]


def test_restart_of_an_unknown_service_stops_nothing(
    session: Session, runtime: FakeRuntime
) -> None:
    """A service that is not there is exit 3 and lists those that are."""
    up(session)
    with pytest.raises(InvalidInput, match=r"no service 'kafka-9' here \(there is: zookeeper, ka"):
        restart(session, "kafka-9")
    assert alive(runtime) == ["zookeeper", "kafka"]


@pytest.mark.parametrize(
    "verb",
    [
        up,
        restart,
        down,
        lambda session: down(session, wipe=True, confirmed=True),
    ],
)
def test_a_remote_cluster_declines_in_words(tmp_path: Path, verb: Callable[[Session], Any]) -> None:
    """up, restart and down of somebody else's cluster say so, and leave no state behind."""
    settings = load(tmp_path, environ={"KAFKA_TASKS_BOOTSTRAP_SERVERS": "a.example:9092"})
    session = open_session(Project(tmp_path), settings)
    assert session.runtime.name == "remote"
    with pytest.raises(InvalidInput, match=r"a\.example:9092 is a remote cluster"):
        verb(session)
    assert list(tmp_path.iterdir()) == []
