from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model import topology
from kafka_tasks.model.role import MAX_BROKERS, Role

NUMBERS = st.integers(1, MAX_BROKERS)


@given(number=NUMBERS)
def test_names_and_numbers_of_brokers_belong_together(number: int) -> None:
    """The broker with number n is called kafka or kafka-n, and its name leads back to n."""
    found = topology.identify(topology.broker_name(number))
    assert found is not None
    assert (found.role, found.number) == (Role.BROKER, number)


@pytest.mark.parametrize(
    "name",
    ["", "kafka-", "kafka-1", "kafka-02", "kafka-ui", "kafka2", "zookeeper-log", "Kafka", "zoo"],
)
def test_other_services_have_no_role(name: str) -> None:
    """Only the names that are given here mean a service of ours."""
    assert topology.identify(name) is None


def test_services_start_with_their_coordinator() -> None:
    """ZooKeeper comes first, then the brokers at once; they stop the other way round."""
    found = topology.zookeeper_cluster(3)
    assert found.names == ("zookeeper", "kafka", "kafka-2", "kafka-3")
    waves = [[service.name for service in wave] for wave in found.start_waves]
    assert waves == [["zookeeper"], ["kafka", "kafka-2", "kafka-3"]]
    stopped = [service.name for wave in found.stop_waves for service in wave]
    assert stopped == ["kafka-3", "kafka-2", "kafka", "zookeeper"]


@given(brokers=NUMBERS, data=st.data())
def test_names_in_any_order_are_the_same_cluster(brokers: int, data: st.DataObject) -> None:
    """A record or an engine may list services as it likes, and others among them."""
    whole = topology.zookeeper_cluster(brokers)
    names = data.draw(st.permutations([*whole.names, "kafka-ui", "schema-registry"]))
    assert topology.of_names(names) == whole


@given(brokers=NUMBERS)
def test_every_data_place_leads_back_to_its_service(brokers: int) -> None:
    """Places are sorted as they are saved: snapshots and logs of ZooKeeper, then brokers."""
    whole = topology.zookeeper_cluster(brokers)
    assert whole.places[:3] == ("zookeeper", "zookeeper-log", "kafka")
    mixed = whole.places[::-1]
    assert tuple(sorted(mixed, key=topology.place_order)) == whole.places
    for service in whole:
        assert all(topology.owner_of(place) == service for place in service.places)
    assert topology.owner_of("kafka-log") is None


@pytest.mark.parametrize(
    ("name", "below", "place"),
    [
        ("zookeeper", "version-2/snapshot.0", "zookeeper"),
        ("zookeeper", "version-2/log.1f", "zookeeper-log"),
        ("kafka-2", "orders-0/00000000000000000000.log", "kafka-2"),
        ("kafka", "meta.properties", "kafka"),
        ("kafka", ".lock", None),
    ],
)
def test_a_file_has_its_place(name: str, below: str, place: str | None) -> None:
    """ZooKeeper's transaction logs lie apart; a broker's lock is not kept."""
    service = topology.identify(name)
    assert service is not None
    assert topology.place_of(service, below) == place


def test_addresses_are_those_that_are_known() -> None:
    """A service without a port has no address, and is not where clients connect."""
    found = topology.zookeeper_cluster(2).at((None, 9092, None))
    assert found.zookeeper is None
    assert found.zookeeper_connect is None
    assert [str(address) for address in found.bootstrap] == ["localhost:9092"]
    assert found.unreachable_layers == {"zookeeper"}
    assert found.at((2181, 1, 2)).unreachable_layers == frozenset()


def test_an_ensemble_of_zookeeper() -> None:
    """Each server that can be reached is in the text; each has its own data."""
    names = ("zookeeper", "zookeeper-2", "zookeeper-3", "kafka")
    found = topology.of_names(names).at((2181, None, 2183, 9092))
    assert found.zookeeper_connect == "localhost:2181,localhost:2183"
    assert [each.number for each in found.coordinators] == [1, 2, 3]
    places = [f"{name}{tail}" for name in names[:3] for tail in ("", "-log")]
    assert found.places == (*places, "kafka")
    assert [topology.owner_of(place) for place in places[4:]] == [
        topology.identify("zookeeper-3")
    ] * 2


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("process", "zookeeper"),
        ("zookeeper", "zookeeper"),
        ("broker", "kafka"),
        ("cluster", "kafka"),
        ("advertised", "kafka"),
        ("roundtrip", "kafka"),
    ],
)
def test_a_layer_has_a_suspect(layer: str, name: str) -> None:
    """The log that tells most is that of the service which the layer is about."""
    assert topology.zookeeper_cluster(3).suspect(layer) == name


def test_a_cluster_of_nothing_has_no_layers_of_coordinators() -> None:
    """A remote cluster is proven by its brokers alone."""
    assert topology.Topology().layers == ("process", "broker", "cluster", "replicas", "advertised")
    assert topology.Topology().suspect("process") == "kafka"


@pytest.mark.parametrize(
    ("brokers", "controllers", "combined", "voters"),
    [
        (1, 0, None, ["kafka"]),
        (2, 0, None, ["kafka"]),
        (3, 0, None, ["kafka", "kafka-2", "kafka-3"]),
        (5, 0, None, ["kafka", "kafka-2", "kafka-3"]),
        (3, 0, 1, ["kafka"]),
        (2, 3, None, ["controller", "controller-2", "controller-3"]),
        (2, 1, 1, ["controller"]),
    ],
)
def test_voters_are_dedicated_or_the_first_nodes(
    brokers: int, controllers: int, combined: int | None, voters: list[str]
) -> None:
    """What was decided at the first start is kept; every broker serves clients all the same."""
    found = topology.kraft_cluster(brokers, controllers, combined)
    assert [each.name for each in found.voters] == voters
    assert [each.number for each in found.brokers] == list(range(1, brokers + 1))
    assert found.mode == "kraft"
    assert found.layers == ("process", "quorum", "broker", "cluster", "replicas", "advertised")
    assert len({each.node_id for each in found}) == len(found.services)


def test_a_quorum_stops_at_the_same_moment() -> None:
    """Pure brokers leave first; voters leave together, for the last one would hang."""
    waves = [[each.name for each in wave] for wave in topology.kraft_cluster(4).stop_waves]
    assert waves == [["kafka-4"], ["kafka", "kafka-2", "kafka-3"]]
    dedicated = topology.kraft_cluster(2, 3).stop_waves
    assert [len(wave) for wave in dedicated] == [2, 3]


def test_a_majority_of_controllers_coordinates() -> None:
    """One of three may be gone, two may not; ZooKeeper is alone."""
    three = topology.kraft_cluster(3)
    assert three.is_coordinated({"kafka", "kafka-3"})
    assert not three.is_coordinated({"kafka-2"})
    assert not topology.zookeeper_cluster(1).is_coordinated({"kafka"})


def test_a_name_has_the_role_that_is_recorded() -> None:
    """A node called kafka may be combined; a controller is called otherwise."""
    combined = topology.service_of("kafka-2", Role.COMBINED)
    assert combined is not None
    assert (combined.role, combined.node_id) == (Role.COMBINED, 2)
    assert topology.service_of("kafka", Role.CONTROLLER) is None
    assert topology.service_of("kafka-ui", Role.BROKER) is None
