from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import PortHolder
from kafka_tasks.errors import MachineError, PortTaken
from kafka_tasks.runtimes import ports

HERE = Path("/some/project")


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
    found = {name: ports.of_service(name, 9092, 2181) for name in ("zookeeper", "kafka", "kafka-3")}
    assert found == {"zookeeper": 2181, "kafka": 9092, "kafka-3": 9094}


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
        ports.require_free({"zookeeper": 2181, "kafka": 9092})
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
    with pytest.raises(PortTaken, match=f"is held by {named}") as caught:
        ports.require_free({"kafka": 9092})
    assert caught.value.hint == "KAFKA_TASKS_PORT=auto invoke kafka.up"


def test_free_ports_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about ports that are free, and no holder is looked for."""
    asked: list[int] = []

    def free(number: int) -> bool:
        asked.append(number)
        return True

    monkeypatch.setattr(processes, "port_is_free", free)
    monkeypatch.setattr(processes, "port_holder", lambda number: pytest.fail("looked for"))
    ports.require_free({"zookeeper": 2181, "kafka": 9092})
    assert asked == [2181, 9092]
