from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import PortHolder
from kafka_tasks.errors import MachineError, PortTaken
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import port_holder, ports
from kafka_tasks.settings import load
from tests.unit.recorded import cluster_record

HERE = Path("/some/project")
SERVICES = zookeeper_cluster(1).at((2181, 9092))


def _free(_: int) -> bool:
    return True


@given(name=st.text("abcdef/", min_size=1), width=st.integers(1, 5))
def test_a_project_has_a_place_of_its_own(name: str, width: int) -> None:
    """The same project gets the same ports each time, below those of outgoing connections."""
    project = Path("/") / name
    first = ports.pick(project, width, free=_free)
    assert first == ports.pick(project, width, free=_free)
    assert first >= 20000 and first + width <= 32768


def test_projects_do_not_crowd() -> None:
    """A hundred projects do not begin at the same few ports."""
    found = {ports.pick(Path(f"/project/{n}"), 1, free=_free) for n in range(100)}
    assert len(found) > 90


@given(width=st.integers(1, 5), taken=st.integers(0, 4), busy=st.integers(0, 4))
def test_all_neighbours_are_free_and_not_avoided(width: int, taken: int, busy: int) -> None:
    """No port of the range is held or to be avoided, wherever in the range it would lie."""
    start = ports.pick(HERE, width, free=_free)
    held = {start + busy, start + 8 + busy}
    avoid = {start + taken}
    first = ports.pick(HERE, width, avoid, free=lambda port: port not in held)
    assert not set(range(first, first + width)) & (held | avoid)


def test_no_free_ports_is_exit_4() -> None:
    """A machine without free neighbouring ports is a sentence."""
    with pytest.raises(MachineError, match="no 3 neighbouring free ports"):
        ports.pick(HERE, 3, free=lambda port: port % 2 == 0)


def test_brokers_take_the_ports_after_the_first() -> None:
    """kafka has the first port, kafka-3 the third, ZooKeeper its own."""
    settings = load(HERE, environ={"KAFKA_TASKS_BROKERS": "3", "KAFKA_TASKS_PORT": "19092"})
    found = {each.name: each.port for each in ports.as_set(settings, settings.topology)}
    assert found == {"zookeeper": 2181, "kafka": 19092, "kafka-2": 19093, "kafka-3": 19094}
    free = load(HERE, environ={"KAFKA_TASKS_PORT": "auto"})
    assert [each.port for each in ports.as_set(free, free.topology)] == [2181, None]


@pytest.mark.parametrize(
    ("service", "port", "variable"),
    [("kafka", 9092, "KAFKA_TASKS_PORT"), ("zookeeper", 2181, "KAFKA_TASKS_ZOOKEEPER_PORT")],
)
def test_a_taken_port_names_its_holder(
    monkeypatch: pytest.MonkeyPatch, service: str, port: int, variable: str
) -> None:
    """The sentence has port, service and holder; the hint stops the holder or moves the port."""
    holder = PortHolder(port, 77, "nc", f"nc -l {port}")
    monkeypatch.setattr(processes, "port_is_free", lambda number: number != port)
    monkeypatch.setattr(processes, "port_holder", lambda number: holder)
    with pytest.raises(PortTaken) as caught:
        ports.require_free(SERVICES)
    assert caught.value.exit_code == 4
    assert caught.value.message == (
        f"Port {port}, which {service} needs, is held by nc (process 77: nc -l {port})."
    )
    assert caught.value.hint == f"kill 77, or {variable}=auto invoke kafka.up"


@pytest.mark.parametrize(
    ("holder", "named"),
    [(None, "another process"), (PortHolder(9092), "a process of another user")],
)
def test_a_holder_that_is_not_known_cannot_be_killed(
    monkeypatch: pytest.MonkeyPatch, holder: PortHolder | None, named: str
) -> None:
    """Without a pid the hint has no kill."""
    monkeypatch.setattr(processes, "port_is_free", lambda number: False)
    monkeypatch.setattr(processes, "port_holder", lambda number: holder)
    monkeypatch.setattr(port_holder, "_publisher", lambda number, engine: None)
    with pytest.raises(PortTaken, match=f"is held by {named}") as caught:
        ports.require_free(SERVICES.brokers)
    assert caught.value.hint == "KAFKA_TASKS_PORT=auto invoke kafka.up"


def test_free_ports_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about ports that are free, and no holder is looked for."""
    asked: list[int] = []

    def free(number: int) -> bool:
        asked.append(number)
        return True

    monkeypatch.setattr(processes, "port_is_free", free)
    monkeypatch.setattr(processes, "port_holder", lambda number: pytest.fail("looked for"))
    ports.require_free(SERVICES)
    assert asked == [2181, 9092]


class Resolved:
    """What `assign` makes of settings and record; `held` ports are not free."""

    def __init__(
        self,
        project: Project,
        monkeypatch: pytest.MonkeyPatch,
        *,
        port: str = "auto",
        keeper: str = "auto",
        before: ClusterRecord | None = None,
        own: Collection[int] = (),
        held: Collection[int] = (),
        brokers: int = 1,
    ) -> None:
        self.notices: list[str] = []
        monkeypatch.setattr(processes, "port_is_free", lambda number: number not in held)
        monkeypatch.setattr(ports.pick, "__defaults__", ((), lambda number: number not in held))
        environ = {
            "KAFKA_TASKS_PORT": port,
            "KAFKA_TASKS_ZOOKEEPER_PORT": keeper,
            "KAFKA_TASKS_BROKERS": str(brokers),
        }
        settings = load(project.path, environ=environ)
        assigned = ports.assign(
            project.path, settings, settings.topology, before, own, self.notices.append
        )
        self.auto = assigned.auto
        zookeeper, *numbers = [service.port or 0 for service in assigned.topology]
        self.keeper, self.port = zookeeper, numbers[0]
        assert numbers == list(range(self.port, self.port + brokers))


def _before(port: int, keeper: int, *auto: str) -> ClusterRecord:
    return cluster_record(
        runtime="compose", wanted="stopped", port=port, zookeeper_port=keeper, auto_ports=auto
    )


BOTH = ("port", "zookeeper_port")


def test_ports_that_were_given_are_taken(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they are free is asked elsewhere, and what was picked before does not count."""
    before = _before(25000, 25010, *BOTH)
    found = Resolved(
        project, monkeypatch, port="9092", keeper="2181", before=before, held=(9092, 2181)
    )
    assert (found.auto, found.port, found.keeper, found.notices) == ((), 9092, 2181, [])


def test_auto_picks_ports_that_do_not_meet(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The brokers' neighbouring ports and ZooKeeper's are all different."""
    found = Resolved(project, monkeypatch, brokers=5)
    assert found.auto == BOTH
    assert found.port == ports.pick(project.path, 5, free=_free)
    assert found.keeper not in range(found.port, found.port + 5)


def test_auto_keeps_clear_of_a_given_port(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ZooKeeper port in the middle of the place that would be picked is walked around."""
    first = ports.pick(project.path, 3, free=_free)
    found = Resolved(project, monkeypatch, keeper=str(first + 2), brokers=3)
    assert found.auto == ("port",)
    assert found.keeper == first + 2
    assert found.keeper not in range(found.port, found.port + 3)
    turned = Resolved(project, monkeypatch, port=str(first), brokers=3)
    assert turned.auto == ("zookeeper_port",)
    assert turned.keeper not in range(first, first + 3)


def test_what_was_picked_before_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that were configured yesterday connect today."""
    found = Resolved(project, monkeypatch, before=_before(25000, 25010, *BOTH))
    assert (found.auto, found.port, found.keeper) == (BOTH, 25000, 25010)
    assert found.notices == []


def test_what_was_picked_before_is_in_use_by_now(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another is picked and it is said so; the port beside it is kept."""
    found = Resolved(project, monkeypatch, before=_before(25000, 25010, *BOTH), held=(25000,))
    assert found.port not in (25000, 25010)
    assert found.keeper == 25010
    assert found.notices == ["port 25000 is in use by now; picking another"]


def test_a_neighbour_that_is_in_use_moves_all(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three brokers need three free ports, not the one that was kept."""
    found = Resolved(
        project, monkeypatch, before=_before(25000, 25010, *BOTH), held=(25002,), brokers=3
    )
    assert found.port != 25000
    assert found.notices == ["port 25000 is in use by now; picking another"]


def test_ports_of_our_own_services_are_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that runs is not moved: it is our own service that holds the port."""
    own = (25000, 25010)
    before = _before(25000, 25010, *BOTH)
    found = Resolved(project, monkeypatch, before=before, own=own, held=own)
    assert (found.port, found.keeper, found.notices) == (25000, 25010, [])


def test_what_was_given_before_is_not_what_auto_picked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """9092 of yesterday's setting is no choice of ours: `auto` picks."""
    found = Resolved(project, monkeypatch, before=_before(9092, 2181))
    assert found.port == ports.pick(project.path, 1, free=_free)
    assert found.keeper not in (2181, found.port)
    assert found.notices == []


def test_a_running_cluster_is_kept_whoever_gave_its_port(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting `auto` while 9092 of before is running does not start it anew elsewhere."""
    own = (9092, 2181)
    found = Resolved(project, monkeypatch, before=_before(9092, 2181), own=own, held=own)
    assert (found.auto, found.port, found.keeper) == (BOTH, 9092, 2181)


def test_zookeepers_port_gives_way_to_the_brokers(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More brokers than before may reach the port that ZooKeeper had."""
    before = _before(25000, 25002, *BOTH)
    found = Resolved(project, monkeypatch, port="25000", before=before, brokers=3)
    assert found.keeper not in range(25000, 25003)
