from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.kafka import admin as admin_module
from kafka_tasks.clients.kafka import records
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import BrokerUnreachable, CannotConnect, ClusterError, NotPermitted
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Topology
from kafka_tasks.probes.advertised import AdvertisedProbe
from kafka_tasks.probes.broker import BrokerProbe
from kafka_tasks.probes.cluster import ClusterProbe
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.probes.coordinator import CoordinatorProbe
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.probes.roundtrip import RoundtripProbe
from kafka_tasks.retry import NotYet
from kafka_tasks.testing import FakeClock
from tests.unit.fakes import FakeAdmin, topic

UNREACHABLE = BrokerUnreachable("No broker answered.", evidence=("_TRANSPORT: refused",))


@pytest.fixture
def admins(monkeypatch: pytest.MonkeyPatch) -> dict[str | None, FakeAdmin]:
    """The connections that probes open, by the address they were opened for."""
    opened: dict[str | None, FakeAdmin] = {}

    def connect(cluster: Cluster, *, bootstrap: str | None = None) -> FakeAdmin:
        assert bootstrap not in opened or opened[bootstrap].calls == [], "connected twice"
        return opened.setdefault(bootstrap, FakeAdmin())

    monkeypatch.setattr(admin_module, "Admin", connect)
    return opened


def _services(*entries: ServiceState) -> Callable[[], tuple[ServiceState, ...]]:
    return lambda: entries


ALIVE = ServiceState("zookeeper", Role.ZOOKEEPER, alive=True, pid=7)


def test_process_holds_when_each_service_lives(cluster: Cluster) -> None:
    """Every service is shown with its pid, or the short id of its container."""
    other = ServiceState("kafka", Role.BROKER, alive=True, container="0123456789abcdef")
    assert ProcessProbe().check(Context(cluster, _services(ALIVE, other))) == [
        Held("zookeeper", "pid 7"),
        Held("kafka", "container 0123456789ab"),
    ]


def test_process_names_what_is_suspended(cluster: Cluster) -> None:
    """A service that lives and stands still does not hold the layer."""
    held = ServiceState("kafka", Role.BROKER, alive=True, pid=8, suspended=True)
    with pytest.raises(NotYet, match=r"^kafka suspended, which invoke kafka\.up ends$"):
        ProcessProbe().check(Context(cluster, _services(ALIVE, held)))


def test_process_names_the_dead(cluster: Cluster) -> None:
    """Each service that does not live is named."""
    dead = [ServiceState(name, Role.BROKER, alive=False) for name in ("kafka", "kafka-2")]
    with pytest.raises(NotYet, match=r"^kafka, kafka-2 not running$"):
        ProcessProbe().check(Context(cluster, _services(ALIVE, *dead)))


def test_zookeeper_holds_with_a_mode(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply's mode is what is shown."""
    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", lambda *_, **__: "standalone")
    found = CoordinatorProbe("zookeeper").check(Context(cluster, _services()))
    assert found == [Held("zookeeper", "localhost:2181 standalone")]


def test_zookeeper_that_does_not_answer_is_not_yet(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen instead of a mode is the cause."""

    def silent(address: Address, timeout_s: float) -> str:
        raise Unanswered("an empty reply")

    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", silent)
    with pytest.raises(NotYet, match="an empty reply"):
        CoordinatorProbe("zookeeper").check(Context(cluster, _services()))


def test_zookeeper_is_skipped_where_it_is_not_known(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A remote cluster's ZooKeeper is nobody's business, and is not asked."""
    monkeypatch.setattr(zookeeper, "_four_letter_word", None)
    remote = replace(cluster, topology=Topology())
    assert CoordinatorProbe("zookeeper").check(Context(remote, _services())) == []


def test_broker_holds_when_metadata_is_answered(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """One address is asked through the connection that the other layers use too."""
    context = Context(cluster, _services())
    assert BrokerProbe().check(context) == [Held("kafka", "localhost:9092")]
    assert list(admins) == [None]


def test_broker_asks_each_address_until_it_has_answered(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """With several brokers each address counts, and one that answered is not asked again."""
    addresses = tuple(Address("localhost", 9092 + n) for n in range(3))
    several = replace(cluster, bootstrap=addresses, brokers=3)
    admins["localhost:9093"] = FakeAdmin(errors={"look": [UNREACHABLE]})
    context = Context(several, _services())
    probe = BrokerProbe()
    with pytest.raises(NotYet, match=r"^localhost:9093: _TRANSPORT: refused$"):
        probe.check(context)
    assert [held.service for held in probe.check(context)] == ["kafka", "kafka-2", "kafka-3"]
    assert {key: len(fake.calls) for key, fake in admins.items()} == {
        "localhost:9092": 1,
        "localhost:9093": 2,
        "localhost:9094": 1,
    }


def test_a_context_closes_what_it_opened(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """Every connection is closed once."""
    context = Context(cluster, _services())
    context.admin()
    context.admin("localhost:9092")
    context.close()
    context.close()
    assert [fake.closed for fake in admins.values()] == [1, 1]


def test_cluster_holds_with_all_brokers_and_a_controller(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """The layer learns the cluster id on the way."""
    context = Context(cluster, _services())
    assert ClusterProbe().check(context) == [Held(None, "1 broker, controller 1")]
    assert context.findings == {"cluster_id": "kraftless-id"}


@pytest.mark.parametrize(
    ("admin", "seen"),
    [
        (FakeAdmin(brokers={}), "0 of 1 brokers are registered"),
        (FakeAdmin(controller=None), "there is no controller yet"),
        (FakeAdmin(controller=9), "there is no controller yet"),
        (FakeAdmin(errors={"look": [UNREACHABLE]}), "_TRANSPORT: refused"),
    ],
)
def test_cluster_says_what_is_missing(
    cluster: Cluster, admins: dict[str | None, FakeAdmin], admin: FakeAdmin, seen: str
) -> None:
    """Missing brokers, a missing controller or no answer are not yet."""
    admins[None] = admin
    with pytest.raises(NotYet, match=f"^{seen}$"):
        ClusterProbe().check(Context(cluster, _services()))


def test_a_remote_cluster_that_lacks_a_broker_serves(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """Its metadata names brokers with replicas that are not registered; of ours, each is known."""
    for remote, absent in ((_remote(cluster, 1), {2, 3}), (cluster, set[int]())):
        admins.clear()
        admins[None] = FakeAdmin(there={"t": topic("t", replicas=3)})
        context = Context(remote, _services())
        held = ClusterProbe().check(context)
        assert context.absent == absent
        assert [each.without for each in held] == [False, True][: 1 + bool(absent)]
        assert [each.text.partition(": ")[2][:5] for each in held[1:]] == ["2, 3;"] * bool(absent)


def test_no_request_goes_on_after_the_deadline(cluster: Cluster, clock: FakeClock) -> None:
    """A moment is left for each, so that the last one can be answered."""
    context = Context(cluster, _services(), deadline=clock.deadline(3))
    assert context.within(2.0) == 2.0
    clock.now = 2.5
    assert context.within(2.0) == pytest.approx(0.6)
    assert Context(cluster, _services()).within(2.0) == 2.0


def test_advertised_asks_each_broker_at_its_address(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """Every broker of the metadata is asked by its id."""
    two = {1: Address("localhost", 9092), 2: Address("localhost", 9093)}
    admins[None] = FakeAdmin(brokers=two)
    found = AdvertisedProbe().check(Context(cluster, _services()))
    assert found == [Held(None, "localhost:9092, localhost:9093")]
    assert admins[None].calls == ["look", "answers_as 1", "answers_as 2"]


def test_advertised_names_the_address_that_does_not_answer(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """An address that leads nowhere, or to another broker, is named with what was seen."""
    admins[None] = FakeAdmin(
        brokers={1: Address("kafka", 29092)}, errors={"answers_as": [UNREACHABLE]}
    )
    with pytest.raises(NotYet, match=r"broker 1 advertises kafka:29092, which does not .*refused"):
        AdvertisedProbe().check(Context(cluster, _services()))


def test_advertised_takes_a_refusal_for_want_of_rights_as_an_answer(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """A broker that says no has been reached."""
    denied = NotPermitted("Not permitted", evidence=("CLUSTER_AUTHORIZATION_FAILED: no",))
    admins[None] = FakeAdmin(errors={"answers_as": [denied]})
    assert len(AdvertisedProbe().check(Context(cluster, _services()))) == 1


def test_roundtrip_holds_when_the_record_comes_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of the canary is shown and found."""
    monkeypatch.setattr(records, "roundtrip", lambda *_, **__: 12.5)
    context = Context(cluster, _services())
    assert RoundtripProbe("canary").check(context) == [Held(None, "canary in 12.5 ms")]
    assert context.findings == {"roundtrip_ms": "12.5"}


def test_roundtrip_that_fails_is_not_yet(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that does not come back is the cause in its own words."""

    def lost(*_: object, **__: object) -> float:
        raise ClusterError("The canary record did not come back.")

    monkeypatch.setattr(records, "roundtrip", lost)
    with pytest.raises(NotYet, match="did not come back"):
        RoundtripProbe("canary").check(Context(cluster, _services()))


def _remote(cluster: Cluster, count: int) -> Cluster:
    """Return a remote cluster with so many bootstrap addresses."""
    addresses = tuple(Address("localhost", 9092 + number) for number in range(count))
    return replace(cluster, topology=Topology(), bootstrap=addresses)


def test_a_remote_cluster_holds_at_one_of_its_addresses(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """The others are asked again, with patience, and those that stay silent are named."""
    admins["localhost:9092"] = FakeAdmin(errors={"look": [UNREACHABLE, UNREACHABLE]})
    admins["localhost:9094"] = FakeAdmin(errors={"look": [UNREACHABLE]})
    said = "localhost:9092: _TRANSPORT: refused; the cluster serves without this address"
    assert BrokerProbe().check(Context(_remote(cluster, 3), _services())) == [
        Held("kafka", said, without=True),
        Held("kafka-2", "localhost:9093"),
        Held("kafka-3", "localhost:9094"),
    ]


def test_a_remote_cluster_without_an_address_that_answers_is_not_yet(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """The first of its addresses is named, and none is waited for with patience."""
    for port in (9092, 9093):
        admins[f"localhost:{port}"] = FakeAdmin(errors={"look": [UNREACHABLE]})
    with pytest.raises(NotYet, match=r"^localhost:9092: _TRANSPORT: refused$"):
        BrokerProbe().check(Context(_remote(cluster, 2), _services()))
    assert [admin.calls for admin in admins.values()] == [["look"], ["look"]]


def _refused(finding: str) -> CannotConnect:
    return CannotConnect("Not with these settings.", finding=finding, hint="export …")


@pytest.mark.parametrize("finding", ["name-unresolved", "log-in-refused"])
def test_a_remote_cluster_that_refuses_everywhere_ends_the_wait(
    cluster: Cluster, admins: dict[str | None, FakeAdmin], finding: str
) -> None:
    """Waiting changes nothing; a refused password is not sent to the next address."""
    for port in (9092, 9093):
        admins[f"localhost:{port}"] = FakeAdmin(errors={"look": [_refused(finding)]})
    with pytest.raises(CannotConnect):
        BrokerProbe().check(Context(_remote(cluster, 2), _services()))
    asked = admins["localhost:9093"].calls
    assert asked == ([] if finding == "log-in-refused" else ["look"])


def test_an_address_of_a_remote_cluster_that_cannot_work_is_a_notice(
    cluster: Cluster, admins: dict[str | None, FakeAdmin]
) -> None:
    """The others serve."""
    errors = [_refused("certificate-host"), _refused("certificate-host")]
    admins["localhost:9092"] = FakeAdmin(errors={"look": list(errors)})
    admins["localhost:9093"] = FakeAdmin()
    held = BrokerProbe().check(Context(_remote(cluster, 2), _services()))
    assert [each.without for each in held] == [True, False]
    assert held[0].text.startswith("Not with these settings; the cluster serves")
