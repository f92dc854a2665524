"""KRaft mode in containers: which file, which variables, which roles, and whose data."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.clients.container import Container
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import Topology, kraft_cluster, zookeeper_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose import (
    compose_file,
    containers,
    file_variables,
    old_data,
    override,
)
from kafka_tasks.settings import Settings, load
from tests.unit.recorded import cluster_record
from tests.unit.runtimes.compose.engine import FakeEngine, container

DATA = "/var/lib/kafka/data"


def _settings(project: Project, **environ: str) -> Settings:
    variables = {f"KAFKA_TASKS_{name}": value for name, value in environ.items()}
    return load(project.path, environ={"KAFKA_TASKS_VERSION": "8.3", **variables})


def _node(name: str, roles: str, **changes: Any) -> Container:
    environment = {
        "KAFKA_PROCESS_ROLES": roles,
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "HOST://0.0.0.0:9092,CONTAINER://0.0.0.0:29092",
    }
    if "controller" in roles:
        environment["KAFKA_LISTENERS"] = "HOST://:9092,CONTROLLER://0.0.0.0:29093"
    ports_ = {29093: 19093} if roles == "controller" else {9092: 9092, 29093: 19093}
    return container(name, environment=environment, **{"ports": ports_, **changes})


# -- the file -------------------------------------------------------------------------------------


def test_the_packaged_file_is_that_of_the_mode(project: Project) -> None:
    """One for each mode."""
    found = compose_file.choose(_settings(project))
    assert found == compose_file.ComposeFile(compose_file.packaged("kraft"))
    assert found.path.name == "docker-compose.kraft.yml"


def test_a_file_of_zookeeper_mode_does_not_fit(project: Project) -> None:
    """It is said so; named, it is refused."""
    own = project.path / "docker-compose.yml"
    own.write_text("services: {zookeeper: {image: x}, kafka: {image: x}}")
    reason = "has a service zookeeper, and KRaft mode has none"
    found = compose_file.choose(_settings(project))
    assert found.notice == f"docker-compose.yml {reason}; using the packaged one"
    with pytest.raises(InvalidInput, match=reason):
        compose_file.choose(_settings(project, COMPOSE_FILE=own.name))
    own.write_text("services: {kafka: {image: x}}")
    assert compose_file.choose(_settings(project)).path == own


def _variables(project: Project, topology: Topology) -> dict[str, str]:
    settings = _settings(project, BROKERS=str(len(topology.brokers)))
    return file_variables.of(settings, ports.as_set(settings, topology), "shop", "the-id")


def test_voters_and_their_ports_are_variables(project: Project) -> None:
    """Combined nodes by their number as brokers, dedicated controllers by their own."""
    one = _variables(project, kraft_cluster(1))
    assert (one["QUORUM_VOTERS"], one["COMBINED_3"]) == ("1@kafka:29093", "")
    assert (one["CLUSTER_ID"], one["KAFKA_TASKS_CONTROLLER_PORT"]) == ("the-id", "19093")
    assert "COMBINED_1" not in one
    three = _variables(project, kraft_cluster(3))
    assert three["QUORUM_VOTERS"] == "1@kafka:29093,2@kafka-2:29093,3@kafka-3:29093"
    assert (three["COMBINED_3"], three["CONTROLLER_3_PORT"]) == ("yes", "19095")
    assert three["BROKER_3_PORT"] == "9094"
    apart = _variables(project, kraft_cluster(2, controllers=3))
    assert apart["QUORUM_VOTERS"].startswith("3001@controller:29093,3002@controller-2:29093,")
    assert (apart["COMBINED_1"], apart["COMBINED_3"]) == ("", "")
    assert (apart["CONTROLLER_2_PORT"], apart["BROKER_2_PORT"]) == ("19094", "9093")


def test_the_file_has_every_variable(project: Project) -> None:
    """Whatever is told to Compose is a variable of the packaged file, and none is invented."""
    text = compose_file.packaged("kraft").read_text(encoding="utf-8")
    known = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    for topology in (kraft_cluster(5), kraft_cluster(5, controllers=3)):
        assert set(_variables(project, topology)) <= known


def test_profiles() -> None:
    """One for the brokers, one for dedicated controllers."""
    assert compose_file.profiles(kraft_cluster(2)) == ("brokers-2",)
    assert compose_file.profiles(kraft_cluster(1, controllers=3)) == ("brokers-1", "controllers-3")
    assert compose_file.profiles(zookeeper_cluster(1)) == ("brokers-1",)


@pytest.mark.parametrize(
    ("roles", "topology", "said"),
    [
        (None, kraft_cluster(1), "is not set, and has to be broker,controller here"),
        ("broker", kraft_cluster(1), "is broker, and has to be broker,controller here"),
        ("broker,controller", kraft_cluster(1, 1), "is broker,controller, and has to be broker"),
        ("broker", zookeeper_cluster(1), "is broker, which is KRaft mode"),
        ("controller, broker", kraft_cluster(1), None),
        (None, zookeeper_cluster(1), None),
    ],
)
def test_roles_of_the_file(roles: str | None, topology: Topology, said: str | None) -> None:
    """A node that has another role in the file than in the settings is refused."""
    environment = {"KAFKA_ADVERTISED_LISTENERS": "HOST://localhost:9092"}
    if roles:
        environment["KAFKA_PROCESS_ROLES"] = roles
    published = [{"target": 9092, "published": "9092"}]
    config = {"services": {"kafka": {"environment": environment, "ports": published}}}
    if said is None:
        compose_file.check(config, topology)
        return
    with pytest.raises(InvalidInput, match=f"kafka: KAFKA_PROCESS_ROLES {said}"):
        compose_file.check(config, topology)


def test_further_properties_reach_controllers() -> None:
    """They decide the defaults of new topics."""
    text = override.rendered(
        {},
        topology=kraft_cluster(1, controllers=1),
        further=BrokerProperties({"a": "b"}),
        start_interval=True,
    )
    assert text is not None
    assert re.findall(r"^  ([\w-]+):$", text, re.MULTILINE) == ["controller", "kafka"]


@pytest.mark.parametrize(
    ("image", "variable"),
    [("bitnami/kafka:3.9.0", "KAFKA_CFG_A_B"), ("cp-kafka:7.9.6", "KAFKA_A_B")],
)
def test_further_properties_have_the_names_of_the_image(image: str, variable: str) -> None:
    """Of bitnami's, other variables become no properties."""
    text = override.rendered(
        {"kafka": {"image": image}},
        topology=kraft_cluster(1),
        further=BrokerProperties({"a.b": "c"}),
        start_interval=True,
    )
    assert text is not None
    assert f"      {variable}: c\n" in text


# -- containers -----------------------------------------------------------------------------------


def test_roles_of_containers() -> None:
    """By the variable that the images read; a foreign service called controller is none of ours."""
    there = [
        _node("kafka", "broker,controller"),
        _node("kafka-2", "broker"),
        _node("controller", "controller"),
        container("controller-2", image="example/app:1"),
    ]
    found = containers.by_service(FakeEngine(there), "/some/shop")  # type: ignore[arg-type]
    assert {each.name: str(each.role) for each in containers.topology(found)} == {
        "controller": "controller",
        "kafka": "combined",
        "kafka-2": "broker",
    }


def test_a_cluster_that_was_started_by_hand(settings: Settings) -> None:
    """Its containers tell roles and ports; a pure broker's port for controllers leads nowhere."""
    there = {
        "kafka": _node("kafka", "broker"),
        "controller": _node("controller", "controller"),
    }
    found = containers.cluster(settings.project, there, None, settings).topology
    assert [(each.name, each.port, each.quorum_port) for each in found] == [
        ("controller", 19093, 19093),
        ("kafka", 9092, None),
    ]
    assert found.mode == "kraft"


def test_a_listener_for_controllers_that_is_not_published(settings: Settings) -> None:
    """The quorum cannot be asked from here, and is not waited for."""
    there = {"kafka": _node("kafka", "broker,controller", ports={9092: 9092})}
    found = containers.cluster(settings.project, there, None, settings).topology
    assert found.unreachable_layers == {"quorum"}
    there = {"kafka": _node("kafka", "broker,controller")}
    found = containers.cluster(settings.project, there, None, settings).topology
    assert found.unreachable_layers == frozenset()


# -- data -----------------------------------------------------------------------------------------


def _engine(meta: str, voters: list[int] | None = None) -> FakeEngine:
    engine = FakeEngine()
    engine.files["id-shop-kafka", f"{DATA}/meta.properties"] = meta.encode()
    if voters is not None:
        state = {"currentVoters": [{"voterId": voter} for voter in voters]}
        path = f"{DATA}/__cluster_metadata-0/quorum-state"
        engine.files["id-shop-kafka", path] = json.dumps(state).encode()
    return engine


NODE = "version=1\ncluster.id=kept\nnode.id=1\n"


def test_the_cluster_id_is_that_of_the_data() -> None:
    """Else the recorded one, else that of the containers, else a new one."""
    there = {"kafka": replace(_node("kafka", "broker,controller"), environment={"CLUSTER_ID": "t"})}
    before = cluster_record(cluster_id="noted")
    one = kraft_cluster(1)

    def found(engine: FakeEngine, record: Any, **present: Container) -> str | None:
        return old_data.cluster_id(engine, present, one, record, "new")  # type: ignore[arg-type]

    assert found(_engine(NODE), before, **there) == "kept"
    assert found(FakeEngine(), before, **there) == "noted"
    assert found(FakeEngine(), None, **there) == "t"
    assert found(FakeEngine(), None) == "new"
    zookeeper = zookeeper_cluster(1)
    assert old_data.cluster_id(_engine(NODE), there, zookeeper, before, "new") is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "topology", "said"),
    [
        (_engine(NODE), zookeeper_cluster(1), "was written in the mode kraft"),
        (
            _engine("version=0\nbroker.id=1\n"),
            kraft_cluster(1),
            "was written in the mode zookeeper",
        ),
        (_engine(NODE, [1]), kraft_cluster(3), "has the voters 1, and these settings have 1, 2, 3"),
        (_engine(NODE.replace("id=1", "id=7")), kraft_cluster(1), "belongs to node 7"),
    ],
)
def test_data_that_does_not_fit(engine: FakeEngine, topology: Topology, said: str) -> None:
    """Of another mode or quorum: refused, with what is there and the ways on."""
    there = {"kafka": _node("kafka", "broker,controller")}
    with pytest.raises(InvalidInput, match=said) as caught:
        old_data.require_fit(engine, there, topology, packaged=True)  # type: ignore[arg-type]
    assert "invoke kafka" in (caught.value.hint or "")
    assert caught.value.evidence[0].startswith("volume of kafka: meta.properties: ")


def test_data_that_fits() -> None:
    """A further broker needs no other quorum; in a file of one's own, ids may be any."""
    there = {"kafka": _node("kafka", "broker,controller")}
    for engine, topology, packaged in (
        (_engine(NODE, [1]), kraft_cluster(2), True),
        (_engine(NODE.replace("id=1", "id=7"), [7]), kraft_cluster(1), False),
        (_engine("version=0\nbroker.id=1\n"), zookeeper_cluster(1), True),
    ):
        old_data.require_fit(engine, there, topology, packaged=packaged)  # type: ignore[arg-type]


def test_volumes_without_a_container_go_by_the_record() -> None:
    """A change of voters or of the mode is refused; a further broker is none."""
    before = cluster_record(brokers=1)
    with pytest.raises(InvalidInput, match="was written in the mode zookeeper"):
        old_data.require_same_quorum(before, kraft_cluster(1))
    old_data.require_same_quorum(before, zookeeper_cluster(3))
