from __future__ import annotations

from dataclasses import replace

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.model.cluster import Observation, ServiceState
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.embedded.planning import planned_record
from kafka_tasks.settings import Settings


def test_a_quorum_keeps_its_ports_while_one_of_it_runs(
    project: Project, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nodes that run were told where the killed one listens; their own ports are in use."""
    chosen = replace(settings, version="4.4.0", brokers=3, port="auto", controller_port="auto")
    firsts = iter((21000, 22000, 23000, 24000))
    monkeypatch.setattr(ports, "pick", lambda *_: next(firsts))
    first = planned_record(project, chosen, "4.4.0", Observation(), lambda _: None)
    project.make_state()
    state.write(project, first)
    running = {"kafka", "kafka-3"}
    held = {p for s in first.topology.only(running) for p in ports.of(s).values()}
    monkeypatch.setattr(processes, "port_is_free", lambda port: port not in held)
    seen = Observation(
        tuple(
            ServiceState(each.name, each.role, alive=each.name in running, address=each.address)
            for each in first.topology
        )
    )
    again = planned_record(project, chosen, "4.4.0", seen, lambda _: None)
    assert again.topology == first.topology
