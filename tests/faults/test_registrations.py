"""Registrations of killed brokers are removed, those of brokers that stand still are not."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest
from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.zookeeper_session import ZookeeperSession
from kafka_tasks.model.address import Address
from kafka_tasks.runtimes.roles.zookeeper import SESSION_S
from tests.faults import ledger
from tests.faults.arena import HEAL_TIMEOUT_S, Arena
from tests.faults.report import Report
from tests.faults.rounds import more
from tests.integration.conftest import eventually

pytestmark = pytest.mark.timeout(1800)

# ZooKeeper rounds the expiry of a session up to its tick of 2 s.
_EXPIRED_S = SESSION_S + 4


@dataclass(frozen=True)
class _Seen:
    """Which session registered each broker, and which broker is the controller."""

    owners: dict[int, int]
    controller: int


def _seen(arena: Arena) -> _Seen:
    status = json.loads(arena.run("status", "-o", "json").out)
    host, _, port = status["zookeeper"].partition(":")
    session = ZookeeperSession(Address(host, int(port)), 10, session_s=4)
    try:
        ids = session.get_children("/brokers/ids")
        owners = {int(each): session.get(f"/brokers/ids/{each}")[1].ephemeralOwner for each in ids}
        return _Seen(owners, json.loads(session.get("/controller")[0])["brokerid"])
    finally:
        session.stop()
        session.close()


def _name(broker: int) -> str:
    return "kafka" if broker == 1 else f"kafka-{broker}"


def _written(arena: Arena, brokers: int) -> ledger.Writer:
    """Start so many brokers, and a client that writes to all of them."""
    done = arena.run("up", "--brokers", str(brokers))
    assert done.code == 0, done.err
    done = arena.run(
        "topic.create", ledger.TOPIC, "--partitions", str(ledger.PARTITIONS),
        "--replication-factor", str(brokers), "--config", f"min.insync.replicas={brokers - 1}",
    )  # fmt: skip
    assert done.code == 0, done.err
    writer = ledger.Writer(arena.client())
    more(writer, 100)
    return writer


def _in_sync(arena: Arena) -> bool:
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{arena.port}", "log_level": 0})
    topic = client.list_topics(ledger.TOPIC, timeout=15).topics[ledger.TOPIC]
    return all(len(each.isrs) == len(each.replicas) for each in topic.partitions.values())


def _healed_beside(arena: Arena, killed: int, held: int) -> None:
    """Kill one broker while another one stands still: only the first loses its registration."""
    before = _seen(arena)
    arena.hold(_name(held))
    arena.kill(_name(killed))
    done = arena.run("up", "--timeout", str(HEAL_TIMEOUT_S))
    assert done.code == 0, done.err
    assert f"{_name(killed)} was killed; removed its registration" in done.err
    assert "waiting for its session" not in done.err
    after = _seen(arena)
    assert after.owners.keys() == before.owners.keys()
    changed = [each for each in before.owners if after.owners[each] != before.owners[each]]
    assert changed == [killed]


def _survived(arena: Arena, writer: ledger.Writer) -> None:
    """The end of the old sessions takes nothing along: no registration, no record."""
    before = _seen(arena)
    time.sleep(_EXPIRED_S)
    assert _seen(arena).owners == before.owners
    more(writer, 100)
    writer.close()
    assert ledger.check_all(writer, arena.client()) == writer.acknowledged


@pytest.mark.size("registrations")
def test_killed_brokers_come_back_at_once_and_held_ones_stay(
    embedded: Arena, report: Report, size: int
) -> None:
    """A follower, then the controller, each beside a broker that SIGSTOP holds."""
    writer = _written(embedded, 3)
    try:
        for _ in range(size):
            leader = _seen(embedded).controller
            follower, other = (each for each in (1, 2, 3) if each != leader)
            for killed, held in ((follower, other), (leader, other)):
                _healed_beside(embedded, killed, held)
                more(writer, 100)
                eventually(lambda: _in_sync(embedded), "every replica is in sync", 60)
        _survived(embedded, writer)
    finally:
        writer.close()
    report.others["registrations"] = {"kills": 2 * size, "records_lost": 0}


@pytest.mark.size("compose-registrations")
def test_a_paused_container_keeps_its_registration(
    compose: Arena, report: Report, size: int
) -> None:
    """A broker is killed beside a paused one."""
    writer = _written(compose, 2)
    try:
        for number in range(size):
            killed = 1 + number % 2
            _healed_beside(compose, killed, 3 - killed)
            more(writer, 100)
            eventually(lambda: _in_sync(compose), "every replica is in sync", 60)
        _survived(compose, writer)
    finally:
        writer.close()
    report.others["compose-registrations"] = {"kills": size, "records_lost": 0}
