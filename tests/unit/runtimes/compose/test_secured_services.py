"""What the containers of a secured cluster get beside the packaged Compose file."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from kafka_tasks.clients.certificates import Authority
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import listener
from kafka_tasks.model.address import Address, Inside
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Service, Topology, planned
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ServiceRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose import containers, override, secured_services
from kafka_tasks.runtimes.compose.runtime import ComposeRuntime
from kafka_tasks.runtimes.secure.store import SecureStore
from tests.unit.recorded import cluster_record
from tests.unit.runtimes.compose.engine import container
from tests.unit.runtimes.compose.test_runtime import World

ACL = Security("scram", acl=True)


def placed(
    mode: Any = "zookeeper", brokers: int = 1, controllers: int = 0, security: Security = ACL
) -> Topology:
    """Return such a cluster at ports of this machine."""
    found = planned(mode, brokers, controllers)
    services = tuple(
        each.at(20000 + at, 21000 + at, 22000 + at) for at, each in enumerate(found, start=1)
    )
    return Topology(services, security)


def secured_world(project: Project, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a project on an engine in memory, where a free port is found without a look."""
    monkeypatch.setattr(ports, "pick", lambda *_: 22000)
    return World(project, monkeypatch)


def changes(topology: Topology) -> dict[str, dict[str, Any]]:
    """Return the changes of a project."""
    return secured_services.changes(topology, Path("/some/shop"))


def listeners(environment: dict[str, str], name: str) -> dict[str, tuple[str, int]]:
    """Return host and port of each listener in a property."""
    return {each.name: (each.host, each.port) for each in listener.parse(environment[name])}


def test_a_cluster_without_security_stays_as_the_file_has_it() -> None:
    """There is no second way for it."""
    assert changes(planned("zookeeper", 1)) == {}


@pytest.mark.parametrize("mode", ["zookeeper", "kraft"])
def test_each_listener_is_advertised_to_those_who_use_it(mode: str) -> None:
    """To this machine as localhost, to containers by the name of the service."""
    topology = placed(mode, brokers=2)
    found = changes(topology)["kafka-2"]
    broker = topology.service("kafka-2")
    assert broker is not None and broker.internal_port is not None
    told = listeners(found["environment"], "advertised.listeners")
    assert told == {
        "SECURE": ("localhost", broker.port),
        "CONTAINER": ("kafka-2", 29092),
        "BROKERS": ("kafka-2", 29094),
        "INTERNAL": ("127.0.0.1", broker.internal_port),
    }
    assert found["ports"] == [f"127.0.0.1:{broker.internal_port}:29095"]
    assert not any("SSL" in name or "SASL" in name for name in told)


def test_clients_log_in_to_both_listeners_in_the_same_way() -> None:
    """The other listeners want a certificate of an authority that signs no user."""
    environment = changes(placed())["kafka"]["environment"]
    for name in ("secure", "container"):
        assert environment[f"listener.name.{name}.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"
    for name in ("brokers", "internal"):
        prefix = f"listener.name.{name}.ssl"
        assert environment[f"{prefix}.client.auth"] == "required"
        assert environment[f"{prefix}.truststore.location"].endswith("/internal/ca.crt")
    protocols = "SECURE:SASL_SSL,CONTAINER:SASL_SSL,BROKERS:SSL,INTERNAL:SSL"
    assert environment["listener.security.protocol.map"] == protocols
    assert environment["inter.broker.listener.name"] == "BROKERS"


def test_zookeeper_publishes_no_port() -> None:
    """It asks for no password. Its record has no port either."""
    topology = secured_services.without_open_ports(placed())
    keeper = topology.services[0]
    assert (keeper.port, keeper.address) == (None, None)
    assert changes(topology)["zookeeper"] == {"ports": override.RESET}
    kept = ServiceRecord.of(keeper).service
    assert kept == keeper
    plain = planned("zookeeper", 1)
    assert secured_services.without_open_ports(plain) is plain


def test_a_dedicated_controller_has_the_files_of_no_broker() -> None:
    """It serves no client, and its own listener is published by the file."""
    found = changes(placed("kraft", controllers=1))
    controller = found["controller"]
    assert controller["environment"]["listeners"] == "CONTROLLER://0.0.0.0:29093"
    assert not any(".secure." in name for name in controller["environment"])
    assert "ports" not in controller
    sources = {name: found[name]["volumes"][0]["source"] for name in ("controller", "kafka")}
    assert [Path(source).name for source in sources.values()] == ["controller", "broker"]


def test_no_password_is_in_the_environment_of_a_container() -> None:
    """Whoever may use the engine reads that; brokers read the users of PLAIN from a file."""
    environment = changes(placed(security=Security("plain")))["kafka"]["environment"]
    login = environment["listener.name.container.plain.sasl.jaas.config"]
    assert login == "${file:/etc/kafka-tasks/secure/users.properties:login}"
    assert environment["config.providers"] == "file"
    assert "config.providers" not in changes(placed())["kafka"]["environment"]


def test_the_override_file_is_what_compose_reads() -> None:
    """Properties become variables, and Compose reads no dollar as a variable of its own."""
    topology = secured_services.without_open_ports(placed())
    text = override.rendered(
        {name: {} for name in topology.names},
        topology=topology,
        further=BrokerProperties({"num.io.threads": "3"}),
        start_interval=True,
        secured=changes(topology),
    )
    assert text is not None and "ports: !reset []" in text
    found = yaml.safe_load(text.replace("!reset", ""))["services"]["kafka"]
    rule = "KAFKA_LISTENER_NAME_SECURE_SSL_PRINCIPAL_MAPPING_RULES"
    assert found["environment"][rule] == "RULE:^CN=([^,]+)$$/$$1/"
    assert found["environment"]["KAFKA_NUM_IO_THREADS"] == "3"
    assert found["environment"]["KAFKA_OPTS"] == "-Dkeystore.pkcs12.keyPbeIterationCount=1"
    assert "$$(timeout" in found["healthcheck"]["test"][-1]


def test_an_old_engine_gets_the_health_check_without_its_interval() -> None:
    """It does not know `start_interval`, and its check is still the one for TLS."""
    topology = secured_services.without_open_ports(placed())
    text = override.rendered(
        {name: {"healthcheck": {"start_interval": "1s"}} for name in topology.names},
        topology=topology,
        further=BrokerProperties(),
        start_interval=False,
        secured=changes(topology),
    )
    assert text is not None
    found = yaml.safe_load(text.replace("!reset", ""))["services"]
    assert set(found["kafka"]["healthcheck"]) == {"test", "start_interval"}
    assert set(found["zookeeper"]) == {"healthcheck", "ports"}


def test_the_health_check_sends_what_a_server_with_tls_answers(tmp_path: Path) -> None:
    """The bytes are a first message of TLS 1.3 that needs no key of the client's."""
    script = changes(placed())["kafka"]["healthcheck"]["test"][-1]
    sent = script.partition("printf '")[2].partition("'")[0]
    hello = sent.encode().decode("unicode_escape").encode("latin-1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    identity = Authority("health check").issue("server", ["localhost"])
    (tmp_path / "server.pem").write_bytes(identity.key_pem() + identity.certificate_pem)
    context.load_cert_chain(tmp_path / "server.pem")
    received, answer = ssl.MemoryBIO(), ssl.MemoryBIO()
    received.write(hello)
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(received, answer, server_side=True).do_handshake()
    assert answer.read(2).hex() == "1603"


def test_a_file_of_ones_own_and_an_image_without_sasl_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made, and with the way out."""
    world = World(project, monkeypatch)
    native = world.settings(SECURE="scram", KAFKA_IMAGE="apache/kafka-native:4.4.0", MODE="kraft")
    with pytest.raises(InvalidInput, match="kafka-native"):
        world.runtime.start(native)
    (project.path / "compose.yml").write_text("services: {zookeeper: {}, kafka: {}}\n")
    with pytest.raises(InvalidInput, match=r"compose\.yml is a Compose file of your own") as raised:
        world.runtime.start(world.settings(SECURE="scram"))
    assert "--runtime embedded" in str(raised.value.hint)
    assert not SecureStore.of(project).root.exists()
    assert secured_services.unfit(world.settings()) is None


def test_kafka_tasks_connects_by_its_own_listener(project: Project) -> None:
    """ZooKeeper is asked inside its container, and only where the cluster is secured."""
    listening = "SECURE://0.0.0.0:20002,INTERNAL://0.0.0.0:29095"
    told = "INTERNAL://127.0.0.1:22002,SECURE://localhost:20002"
    environment = {"KAFKA_LISTENERS": listening, "KAFKA_ADVERTISED_LISTENERS": told}
    out = {20002: 20002, 29095: 22002}
    there = {
        "zookeeper": container("zookeeper", project.path, id="keeper", ports={}),
        "kafka": container("kafka", project.path, ports=out, environment=environment),
    }
    topology = secured_services.without_open_ports(placed())
    record = cluster_record(security=ACL, services=tuple(map(ServiceRecord.of, topology)))
    settings: Any = None
    found = containers.cluster(project.path, there, record, settings)
    assert found.topology.security == ACL
    assert found.bootstrap == (Address("127.0.0.1", 22002),)
    assert found.bootstrap_servers == "localhost:20002"
    assert found.client["security.protocol"] == "SSL"
    keeper, _ = found.topology
    assert keeper.coordination_endpoint == Inside("keeper", 2181)
    plain = cluster_record(services=record.services)
    keeper, _ = containers.cluster(project.path, there, plain, settings).topology
    assert keeper.coordination_endpoint is None


def test_containers_without_a_record_are_known_as_secured(project: Project) -> None:
    """Else kafka-tasks would ask them in plain text."""
    settings = World.settings(SimpleNamespace(project=project))  # type: ignore[arg-type]
    there = {
        "zookeeper": container("zookeeper", project.path, ports={}),
        "kafka": container("kafka", project.path),
    }
    for security in (ACL, Security("mtls")):
        labels = {**there["kafka"].labels, **containers.labelled(security)}
        there["kafka"] = replace(there["kafka"], labels=labels)
        found = containers.cluster(project.path, there, None, settings)
        assert found.topology.security == security


def test_a_start_makes_files_and_a_wipe_deletes_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record has the security, which later starts keep; `down` keeps the files."""
    world = secured_world(project, monkeypatch)
    runtime: ComposeRuntime = world.runtime
    runtime.start(world.settings(SECURE="scram", ACL="true"))
    store = SecureStore.of(project)
    assert (store.copies / "broker" / "server.pem").is_file()
    recorded = state.read(project)
    assert recorded is not None and recorded.security == ACL
    assert recorded.topology.services[0].port is None
    runtime.stop()
    assert store.index() is not None
    runtime.stop(wipe=True)
    assert not store.root.exists()


def test_an_unsecured_start_leaves_no_copies(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificates stay for a later secured one."""
    world = secured_world(project, monkeypatch)
    world.runtime.start(world.settings(SECURE="scram"))
    world.runtime.stop()
    world.runtime.start(world.settings(SECURE="none"))
    store = SecureStore.of(project)
    assert store.index() is not None and not store.copies.exists()


def test_services_are_of_the_packaged_file(project: Project) -> None:
    """Each has a change, so that none is forgotten."""
    topology = placed("kraft", brokers=3, controllers=3)
    assert set(changes(topology)) == {service.name for service in topology}
    assert isinstance(topology.services[0], Service)
