"""Which answers about topics count: by ZooKeeper, by a controller, by all brokers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from kafka_tasks.clients.kafka.answers import ClusterView, TopicsAnswer
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.lifecycle import complete_answers
from kafka_tasks.lifecycle.complete_answers import (
    _ByBrokers,
    _ByController,
    _ByCoordinator,
    completeness,
)
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology, kraft_cluster
from kafka_tasks.testing import FakeClock

BROKERS = {1: Address("localhost", 9092), 2: Address("localhost", 9093)}
EMPTY = ClusterView("id", 1, BROKERS)


def answer(*names: str, lacking: str = "", whole: bool = True) -> TopicsAnswer:
    """An answer with these topics, without one that was asked for."""
    view = structs.replace(EMPTY, topics=frozenset(names))
    return TopicsAnswer(view, frozenset({lacking} - {""}), whole)


class _Keeper:
    """A coordinator that knows these names."""

    def __init__(self, *names: str) -> None:
        self.names: frozenset[str] | None = frozenset(names)

    def topics(self, timeout_s: float) -> frozenset[str]:
        """Return them, or nothing at all."""
        if self.names is None:
            raise Unanswered("it is gone")
        return self.names


class _Asked:
    """Brokers that show these topics, by port; None does not answer."""

    def __init__(self, shown: Mapping[int, tuple[str, ...] | None]) -> None:
        self.shown = dict(shown)
        self.asked: list[int] = []

    def __call__(self, address: Address) -> ClusterView:
        self.asked.append(address.port)
        names = self.shown[address.port]
        if names is None:
            raise BrokerUnreachable("No broker answered.")
        return structs.replace(EMPTY, topics=frozenset(names))


@pytest.mark.parametrize(
    ("given", "doubted"),
    [
        (answer("orders", "payments"), None),
        (answer("orders", "payments", "made-since"), None),
        (answer(), "2 of 2 topics are not shown yet, such as orders"),
        (answer("payments"), "1 of 2 topics are not shown yet, such as orders"),
        (answer(lacking="orders", whole=False), "1 of 2 topics are not shown yet, such as orders"),
        (answer(lacking="refunds", whole=False), None),
    ],
)
def test_every_topic_of_zookeeper_is_in_the_answer(
    given: TopicsAnswer, doubted: str | None
) -> None:
    """A controller and a cluster id in the answer prove nothing; the names do."""
    keeper: Any = _Keeper("orders", "payments")
    assert _ByCoordinator(keeper, _ByController()).doubt(given, 1.0) == doubted


def test_without_zookeeper_the_brokers_are_asked() -> None:
    """It may have died while the brokers serve."""
    keeper: Any = _Keeper()
    keeper.names = None
    asked = _Asked({9092: ("orders",), 9093: ()})
    judge = _ByCoordinator(keeper, _ByBrokers(asked, FakeClock()))
    doubt = judge.doubt(answer(), 1.0)
    assert doubt is not None and "broker 1 shows orders" in doubt
    assert asked.asked == [9092]


@pytest.mark.parametrize(
    ("view", "believed"),
    [
        (EMPTY, True),
        (structs.replace(EMPTY, controller=None), False),
        (structs.replace(EMPTY, brokers={}), False),
    ],
)
def test_in_kraft_mode_a_controller_and_a_broker_are_enough(
    view: ClusterView, believed: bool
) -> None:
    """An empty answer of such a broker is the cluster's."""
    assert (_ByController().doubt(TopicsAnswer(view), 1.0) is None) is believed


def test_full_answers_of_a_remote_cluster_ask_no_broker() -> None:
    """Nothing is delayed where some topic is shown and none is lacking."""
    asked = _Asked({})
    assert _ByBrokers(asked, FakeClock()).doubt(answer("orders"), 1.0) is None
    assert not asked.asked


@pytest.mark.parametrize("given", [answer(), answer("other", lacking="orders")])
def test_all_brokers_have_to_say_the_same_for_a_second(given: TopicsAnswer) -> None:
    """Each is asked by its own address, some times in that second."""
    clock = FakeClock()
    asked = _Asked({9092: ("other",) if given.lacking else (), 9093: ()})
    judge, tries = _ByBrokers(asked, clock), 0
    while judge.doubt(given, 1.0) is not None:
        tries += 1
        assert tries < 1000
        clock.sleep(0.05)
    assert 1.0 <= clock() < 1.3
    assert asked.asked.count(9092) == asked.asked.count(9093) >= 4


@pytest.mark.parametrize(("took", "believed_after"), [(0.02, 1.0), (0.1, 2.5), (0.8, 4.0)])
def test_slow_brokers_have_to_say_the_same_for_longer(took: float, believed_after: float) -> None:
    """A busy machine takes longer to tell a broker its topics, and has a limit all the same."""
    clock = FakeClock()

    def ask(_: Address) -> ClusterView:
        clock.sleep(took)
        return EMPTY

    judge = _ByBrokers(ask, clock)
    while judge.doubt(answer(), 1.0) is not None:
        assert clock() < 60
        clock.sleep(0.05)
    assert believed_after <= clock() < believed_after + 4 * took + 0.3


def test_a_broker_that_shows_more_or_is_silent_begins_the_second_again() -> None:
    """Agreement that was interrupted does not count."""
    clock = FakeClock()
    asked = _Asked({9092: (), 9093: ()})
    judge = _ByBrokers(asked, clock)
    assert judge.doubt(answer(lacking="orders"), 1.0) is not None
    for shown, said in ((("orders",), "broker 2 shows orders"), (None, "broker 2 at")):
        clock.sleep(0.9)
        asked.shown[9093] = shown
        assert said in str(judge.doubt(answer(lacking="orders"), 1.0))
    asked.shown[9093] = ()
    clock.sleep(0.9)
    assert judge.doubt(answer(lacking="orders"), 1.0) is not None
    clock.sleep(1.0)
    assert judge.doubt(answer(lacking="orders"), 1.0) is None


def test_an_answer_without_brokers_does_not_count() -> None:
    """Nobody could be asked."""
    judge = _ByBrokers(_Asked({}), FakeClock())
    nobody = TopicsAnswer(structs.replace(EMPTY, brokers={}))
    assert judge.doubt(nobody, 1.0) == "the answer names no broker"


def test_the_cluster_decides_who_judges(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """ZooKeeper here, a controller in KRaft mode, the brokers of a remote cluster."""
    assert isinstance(completeness(cluster), _ByCoordinator)
    kraft = replace(cluster, topology=kraft_cluster(1))
    assert isinstance(completeness(kraft), _ByController)
    remote = completeness(replace(cluster, topology=Topology()))
    assert isinstance(remote, _ByBrokers)

    class _Admin:
        def __init__(self, _: Cluster, bootstrap: str) -> None:
            assert bootstrap == "localhost:9092"

        def __enter__(self) -> _Admin:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def look(self, timeout_s: float) -> ClusterView:
            return EMPTY

    monkeypatch.setattr(complete_answers, "Admin", _Admin)
    assert remote.ask(BROKERS[1]) is EMPTY
