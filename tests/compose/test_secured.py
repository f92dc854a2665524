"""Secured clusters in containers: who is let in, from this machine and from another container."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from kafka_tasks.clients.kafka import listener_probe
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address
from tests.compose.conftest import APACHE_IMAGE, CP_8_IMAGE, KAFKA_IMAGE, KRAFT, Bench
from tests.refusals import refusal

_LIMIT_S = 60
APACHE = {"KAFKA_TASKS_VERSION": "4.4", "KAFKA_TASKS_KAFKA_IMAGE": APACHE_IMAGE}


def secured(project: Bench, *flags: str) -> Any:
    """The report of an `up --secure` that must succeed."""
    done = project.run("up", "-o", "json", "--secure", *flags)
    assert done.code == 0, done.out + done.err
    assert done.json["timeline"][-1]["layer"] == "users"
    return done.json


def printed(project: Bench, form: str, user: str = "admin") -> str:
    """What env prints for this user, with the password."""
    done = project.run("env", "--user", user, "--format", form, "--show-secrets")
    assert done.code == 0, done.err
    return done.out


def properties(project: Bench, user: str = "admin", **changes: str) -> dict[str, Any]:
    """The librdkafka properties of a user, with some of them changed."""
    found: dict[str, Any] = json.loads(printed(project, "json", user))
    return found | {name.replace("_", "."): value for name, value in changes.items()}


def recorded(project: Bench, name: str = "kafka") -> Any:
    """What is written down of a service."""
    record = json.loads((project.path / ".kafka-tasks" / "state.json").read_text())
    return next(each for each in record["services"] if each["name"] == name)


def published(project: Bench, name: str) -> set[tuple[str, int]]:
    """Host and port of each binding of a service's container."""
    bindings = project.containers[name].attrs["NetworkSettings"]["Ports"].values()
    return {(each["HostIp"], int(each["HostPort"])) for many in bindings for each in many or ()}


def kill(project: Bench, *names: str) -> None:
    """Kill containers, and wait until they have exited."""
    killed = [project.containers[name] for name in names]
    for container in killed:
        container.kill()
    for container in killed:
        container.wait()


def inside(project: Bench, image: str, user: str, address: str) -> str:
    """The topics that Kafka's own tool lists in a container on the network, with its log-in."""
    text = printed(project, "java", user)
    lines = {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}
    store = Path(lines["ssl.truststore.location"])
    mounted = {"ssl.truststore.location": "/client/trust.p12", "bootstrap.servers": address}
    folder = project.path / "client"
    folder.mkdir(exist_ok=True)
    (folder / "trust.p12").write_bytes(store.read_bytes())
    (folder / "client.properties").write_text(
        "".join(f"{name}={value}\n" for name, value in {**lines, **mounted}.items())
    )
    done = project.docker(
        *("run", "--rm", "--network", f"kafka-tasks-{project.path.name}"),
        *("--volume", f"{folder}:/client:ro", "--entrypoint", "kafka-topics", image),
        *("--bootstrap-server", address, "--command-config", "/client/client.properties"),
        "--list",
    )
    assert done.code == 0, done.out + done.err
    return done.out


def require_gone(project: Bench) -> None:
    """Fails unless a wipe has left no container, volume or key."""
    done = project.run("down", "--wipe", "--yes")
    assert done.code == 0, done.err
    assert not project.containers
    label = f"com.docker.compose.project={project.path.name}"
    assert project.engine.volumes.list(filters={"label": label}) == []
    assert not (project.path / ".kafka-tasks" / "secure").exists()


def test_zookeeper_mode_with_rights(project: Bench) -> None:
    """Without a port ZooKeeper still tells what was killed; alice may nothing, admin everything."""
    report = secured(project, "--acl")
    assert report["zookeeper"] is None
    broker = recorded(project)
    assert published(project, "zookeeper") == set()
    ports = {broker["port"], broker["internal_port"]}
    assert published(project, "kafka") == {("127.0.0.1", port) for port in ports}
    admin = AdminClient(properties(project))
    admin.create_topics([NewTopic("orders", 1, 1)])["orders"].result(timeout=_LIMIT_S)
    alice = AdminClient(properties(project, "alice"))
    assert alice.list_topics(timeout=_LIMIT_S).topics == {}
    with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
        alice.create_topics([NewTopic("hers", 1, 1)])["hers"].result(timeout=_LIMIT_S)
    assert "invalid credentials" in refusal(properties(project, "alice", sasl_password="wrong"))
    kill(project, "kafka")
    again = project.run("up")
    assert again.code == 0 and "removed its registration" in again.err, again.err
    assert "orders" in project.run("topic.list").out
    assert inside(project, KAFKA_IMAGE, "admin", "kafka:29092").split() == ["orders"]
    require_gone(project)


def test_kraft_mode_keeps_users_over_a_new_start(project: Bench) -> None:
    """No listener is open to a client without TLS or certificate, no password to `inspect`."""
    project.environ |= KRAFT
    secured(project)
    alice = properties(project, "alice")
    assert AdminClient(alice).list_topics(timeout=_LIMIT_S).cluster_id
    assert "invalid credentials" in refusal({**alice, "sasl.password": "wrong"})
    broker = recorded(project)
    plain = listener_probe.look(Address("127.0.0.1", broker["port"]), {}, 30.0)
    assert isinstance(plain, listener_probe.Listener)
    assert (plain.protocol, plain.mechanisms) == ("SASL_SSL", ("SCRAM-SHA-512",))
    authority = project.path / ".kafka-tasks" / "secure" / "internal" / "ca.crt"
    trusting = {"security.protocol": "SSL", "ssl.ca.location": str(authority)}
    for name in ("internal_port", "quorum_port"):
        with pytest.raises(Unanswered):
            fault = listener_probe.look(Address("127.0.0.1", broker[name]), trusting, 30.0)
            assert isinstance(fault, listener_probe.TlsFault) and fault.of == "client"
            raise Unanswered(fault.text)
    assert alice["sasl.password"] not in json.dumps(project.containers["kafka"].attrs)
    assert project.run("topic", "--name", "kept").code == 0
    assert project.run("down").code == 0
    done = project.run("up", "-o", "json")
    assert done.code == 0 and properties(project, "alice") == alice, done.err
    assert "kept" in AdminClient(alice).list_topics(timeout=_LIMIT_S).topics
    require_gone(project)


@pytest.mark.release
@pytest.mark.parametrize(
    ("kind", "launch"), [("plain", "direct"), ("mtls", "direct"), ("plain", "image")]
)
@pytest.mark.parametrize("images", [{}, KRAFT, APACHE], ids=["zookeeper", "cp-8", "apache"])
def test_every_kind_on_every_image(
    project: Bench, images: dict[str, str], kind: str, launch: str
) -> None:
    """What it has to refuse is tried. A second kind takes the place of the first."""
    project.environ |= {**images, "KAFKA_TASKS_LAUNCH": launch}
    secured(project, kind, "--acl")
    verified = project.run("verify")
    assert verified.code == 0, verified.out
    passwords = json.loads((project.path / ".kafka-tasks/secure/passwords.json").read_text())
    told = json.dumps([each.attrs for each in project.containers.values()])
    assert not [name for name, word in passwords["users"].items() if word in told]
    assert project.run("down").code == 0
    if launch == "direct" and kind == "plain":
        project.environ["KAFKA_TASKS_ACL"] = "false"
        secured(project, "tls")
        nameless = project.run("env", "--format", "json").json
        assert AdminClient(nameless).list_topics(timeout=_LIMIT_S).cluster_id
        assert project.run("down").code == 0
        off = project.run("up", "--secure", "none")
        assert off.code == 0, off.err
        assert project.run("topic").code == 0


@pytest.mark.release
@pytest.mark.parametrize("images", [{}, APACHE], ids=["zookeeper", "apache"])
def test_three_brokers_log_in_to_each_other(project: Bench, images: dict[str, str]) -> None:
    """By the names of their services; a user is known to each, also after kills."""
    project.environ |= images
    project.environ |= {"KAFKA_TASKS_CONTROLLERS": "1"} if images else {}
    report = secured(project, "--acl", "--brokers", "3")
    assert len(report["services"]) == 4
    made = project.run("user.create", "dora", "-o", "json")
    assert (made.code, made.json["brokers"]) == (0, 3)
    assert project.run("topic", "--name", "wide", "--replication-factor", "3").code == 0
    kill(project, "kafka-2", "kafka")
    done = project.run("up")
    assert done.code == 0, done.err
    waited = project.run("wait", "--in-sync")
    assert waited.code == 0, waited.err
    for port in (recorded(project, name)["port"] for name in ("kafka", "kafka-2", "kafka-3")):
        dora = properties(project, "dora", bootstrap_servers=f"localhost:{port}")
        assert AdminClient(dora).list_topics(timeout=_LIMIT_S).cluster_id == report["cluster_id"]


@pytest.mark.release
def test_a_snapshot_becomes_the_secured_cluster_of_another_project(project: Bench) -> None:
    """Its users log in; the copies for containers are made here, and are not in the file."""
    project.environ |= {"KAFKA_TASKS_VERSION": "8.3", "KAFKA_TASKS_KAFKA_IMAGE": CP_8_IMAGE}
    secured(project, "--acl")
    alice = properties(project, "alice")
    assert project.run("snapshot.save", "one").code == 0
    kept = project.path / "one.tar.gz"
    os.replace(next((project.path / ".kafka-tasks" / "snapshots").glob("one*")), kept)
    require_gone(project)
    restored = project.run("snapshot.restore", str(kept))
    assert restored.code == 0, restored.out + restored.err
    assert not (project.path / ".kafka-tasks" / "secure" / "containers").exists()
    assert project.run("up").code == 0
    assert properties(project, "alice") == alice
    assert AdminClient(alice).list_topics(timeout=_LIMIT_S).cluster_id


@pytest.mark.release
def test_a_lost_record_leaves_the_cluster_secured(project: Bench) -> None:
    """Labels tell; nothing is asked in plain text, and no container is new."""
    secured(project, "--acl")
    before = {name: each.id for name, each in project.containers.items()}
    (project.path / ".kafka-tasks" / "state.json").unlink()
    done = project.run("up", "-o", "json")
    assert done.code == 0, done.err
    assert {name: each.id for name, each in project.containers.items()} == before
    assert properties(project, "alice")["security.protocol"] == "SASL_SSL"
