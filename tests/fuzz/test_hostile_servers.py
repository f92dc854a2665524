"""Whoever answers on the probed port, a probe ends in time."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.kafka import reassignment
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.probes import readiness
from kafka_tasks.probes.broker import BrokerProbe
from kafka_tasks.probes.cluster import ClusterProbe
from kafka_tasks.probes.context import Context
from kafka_tasks.probes.coordinator import CoordinatorProbe
from kafka_tasks.retry import NotYet
from tests.fuzz import hostile
from tests.fuzz.conftest import Room
from tests.fuzz.corpus import Id
from tests.fuzz.judging import Campaign, Case

# What a wait may take beyond its own timeout; other work may have the machine at the same time.
SLACK_S = 3.0
_AT_ONCE = 8
_MEMORY_MB = 1500

# What is asked of the address, and how long that may take, in seconds.
Question = tuple[Callable[[Address, Path], object], float]


def _cluster(address: Address, room: Path, *, keeper: bool = False) -> Cluster:
    broker, zookeeper = (None, address.port) if keeper else (address.port, None)
    topology = zookeeper_cluster(1).at((zookeeper, broker))
    return Cluster(room, "remote", topology, (address,), 1)


def _probed(address: Address, room: Path) -> object:
    context = Context(_cluster(address, room), lambda: ())
    try:
        return [probe.check(context) for probe in (BrokerProbe(), ClusterProbe())]
    except NotYet as error:
        return str(error)
    finally:
        context.close()


def _glanced(address: Address, room: Path) -> object:
    watch = readiness.Watch(lambda: (), lambda *_: [], fail_on_death=False)
    return readiness.glance(_cluster(address, room), watch, Recorder())


def _topics(address: Address, room: Path) -> object:
    with Admin(_cluster(address, room)) as admin:
        return admin.topics(timeout_s=1.0)


def _answers_as(address: Address, room: Path) -> object:
    with Admin(_cluster(address, room)) as admin:
        admin.answers_as(1, timeout_s=1.0)
        return admin.look()


def _sizes(address: Address, room: Path) -> object:
    with Admin(_cluster(address, room), timeout_s=1.0) as admin:
        return reassignment.sizes(admin)


BROKER: tuple[Question, ...] = (
    (_probed, 2.0),
    (_glanced, 3.0),
    (_topics, 2.5),
    (_answers_as, 3.0),
)


def _asked(ask: Callable[[Address, float], object]) -> Callable[[Address, Path], object]:
    def question(address: Address, _: Path) -> object:
        try:
            return ask(address, 1.0)
        except Unanswered as error:
            return str(error)

    return question


def _keeper_probed(address: Address, room: Path) -> object:
    context = Context(_cluster(address, room, keeper=True), lambda: (), recall=True)
    try:
        return CoordinatorProbe("zookeeper").check(context)
    except NotYet as error:
        return str(error)


# Connecting, asking and saying goodbye each have their second.
ZOOKEEPER: tuple[Question, ...] = (
    (_asked(zookeeper.mode), 1.0),
    (_asked(lambda address, limit: zookeeper._four_letter_word(address, "dump", limit)), 1.0),
    (_asked(zookeeper.registered_brokers), 3.0),
    (_asked(zookeeper.topics), 3.0),
    (_asked(zookeeper.cluster_id), 3.0),
    (_asked(lambda at, limit: zookeeper.session_left_s(at, "/brokers/ids/1", limit)), 4.0),
    (_keeper_probed, 12.0),
)


@contextmanager
def _bounded_memory() -> Any:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before
    assert grown < _MEMORY_MB, f"{grown} MB were taken by answers"


def _run(
    fuzz: Campaign,
    target: str,
    share: float,
    root: Path,
    talks: Sequence[hostile.Talk],
    questions: Sequence[Question],
    *,
    least: int,
) -> None:
    tally = fuzz.tally(target)

    def carry_out(id: Id) -> None:
        rng: random.Random = fuzz.generator(target, id)
        talk, (ask, limit_s) = rng.choice(talks), rng.choice(questions)
        with hostile.server(rng, talk) as port:
            name = getattr(ask, "__qualname__", "")
            case = Case(
                (talk.__name__, name),
                lambda: ask(Address("127.0.0.1", port), root),
                talk.__name__,
            )
            fuzz.judge(tally, id, case, root, limit_s=limit_s + SLACK_S)

    with _bounded_memory(), fuzz.boundary.around(root), ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(carry_out, fuzz.chosen(target, share, least=least)))
    fuzz.conclude(tally)


def test_hostile_broker(fuzz: Campaign, room: Room) -> None:
    """Garbage, endless, slow, closed early, and almost right: `BrokerUnreachable`, or a view."""
    talks, least = hostile.BROKER, 24
    _run(fuzz, "hostile broker", 0.0035, room.root, talks, BROKER, least=least)


def test_hostile_zookeeper(fuzz: Campaign, room: Room) -> None:
    """The same for four-letter words and sessions."""
    talks, least = hostile.ZOOKEEPER, 24
    _run(fuzz, "hostile ZooKeeper", 0.0035, room.root, talks, ZOOKEEPER, least=least)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_hostile_broker_for_sizes(fuzz: Campaign, room: Room) -> None:
    """The client that moves replicas and measures logs has its ten seconds."""
    talks: Sequence[hostile.Talk] = hostile.BROKER
    questions = ((_sizes, 20.0),)
    _run(fuzz, "hostile broker: log sizes", 0.0003, room.root, talks, questions, least=4)
