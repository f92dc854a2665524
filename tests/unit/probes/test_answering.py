from __future__ import annotations

from dataclasses import replace

import pytest

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.probes import answering as module
from kafka_tasks.probes.answering import answering
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet
from kafka_tasks.settings import Settings
from kafka_tasks.testing import FakeRuntime

NAMES = ("zookeeper", "kafka", "kafka-2", "kafka-3")


class _Only:
    """A broker layer that holds at some addresses alone."""

    layer = "broker"
    silent: frozenset[int] = frozenset()

    def check(self, context: Context) -> list[Held]:
        (address,) = context.cluster.bootstrap
        if address.port in self.silent:
            raise NotYet("silence")
        return [Held("kafka")]


@pytest.fixture
def three(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[FakeRuntime, Cluster]:
    """Three brokers that live and answer."""
    monkeypatch.setattr(module, "BrokerProbe", _Only)
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)
    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", lambda *_, **__: "standalone")
    runtime = FakeRuntime(settings.project)
    cluster = runtime.start(replace(settings, brokers=3))
    return runtime, cluster


def _services(runtime: FakeRuntime) -> tuple[ServiceState, ...]:
    return runtime.observe().services


def test_all_that_live_answer(three: tuple[FakeRuntime, Cluster]) -> None:
    """A dead broker takes nothing away from the others."""
    runtime, cluster = three
    assert answering(cluster, _services(runtime)) == frozenset(NAMES)
    runtime.kill("kafka-2")
    assert answering(cluster, _services(runtime)) == {"zookeeper", "kafka", "kafka-3"}


def test_one_that_lives_and_is_silent(
    three: tuple[FakeRuntime, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is stopped is alive and does not answer."""
    runtime, cluster = three
    monkeypatch.setattr(_Only, "silent", frozenset({cluster.bootstrap[2].port}))
    assert answering(cluster, _services(runtime)) == {"zookeeper", "kafka", "kafka-2"}


def test_one_that_is_suspended_is_not_asked(three: tuple[FakeRuntime, Cluster]) -> None:
    """It could not answer, and waiting for it would take its time."""
    runtime, cluster = three
    runtime.suspend("kafka-3")
    assert answering(cluster, _services(runtime)) == {"zookeeper", "kafka", "kafka-2"}


def test_a_zookeeper_that_cannot_be_asked_counts(
    three: tuple[FakeRuntime, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Compose file need not publish its port."""
    runtime, cluster = three
    monkeypatch.delattr("kafka_tasks.clients.zookeeper.mode")
    hidden = replace(cluster, topology=cluster.topology.at((None, 9092, 9093, 9094)))
    assert answering(hidden, _services(runtime)) == frozenset(NAMES)


def test_without_zookeeper_nobody_counts(
    three: tuple[FakeRuntime, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brokers without a ZooKeeper answer from memory, whether it is dead or silent."""
    runtime, cluster = three

    def silent(*_: object, **__: object) -> str:
        raise Unanswered("silence")

    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", silent)
    assert answering(cluster, _services(runtime)) == frozenset()
    runtime.kill("zookeeper")
    assert answering(cluster, _services(runtime)) == frozenset()
