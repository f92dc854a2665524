from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from kafka_tasks.clients import processes
from kafka_tasks.clients.kafka import changes, records
from kafka_tasks.clients.kafka.answers import ClusterView
from kafka_tasks.clients.kafka.changes import NewTopicRequest, Outcomes
from kafka_tasks.errors import ClusterError
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import SecureKind, Security
from kafka_tasks.model.user import User
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.retry import NotYet, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.embedded import build_archives, class_archive, training
from kafka_tasks.runtimes.embedded.class_archive import Archives
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.launch import Launcher
from kafka_tasks.runtimes.secure import issuing
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings, load

JAVA = Java(Path("/java"), "25.0.2", "test")


@pytest.fixture
def archives(tmp_path: Path) -> Archives:
    """The places of the AOT caches of a combined node."""
    return Archives(tmp_path / "archives", JAVA, (Path("/a.jar"),), ("combined",))


@pytest.mark.parametrize(
    ("version", "brokers", "controllers"),
    [
        ("7.9.6", 1, 0),
        ("7.9.6", 3, 0),
        ("4.4.0", 1, 0),
        ("4.4.0", 3, 0),
        ("4.4.0", 5, 0),
        ("4.4.0", 3, 3),
    ],
)
def test_the_smallest_cluster_has_the_same_archives(
    settings: Settings, tmp_path: Path, version: str, brokers: int, controllers: int
) -> None:
    """Every role of the user's cluster is trained, with as few servers as that takes."""
    wanted = replace(settings, version=version, brokers=brokers, controllers=controllers)
    small = load(tmp_path, environ=training.settings_of(wanted, JAVA.home))
    assert roles.archives(small.topology) == roles.archives(wanted.topology)
    assert len(small.topology.services) <= min(len(wanted.topology.services), 2)
    assert (small.port, small.version, small.java_home) == ("auto", version, JAVA.home)


@pytest.mark.parametrize(
    ("version", "kind"), [("4.4.0", "scram"), ("7.9.6", "scram"), ("7.8.0", "none")]
)
def test_a_secured_cluster_is_trained_where_java_runs_it(
    settings: Settings, tmp_path: Path, version: str, kind: str
) -> None:
    """Kafka 3.5 to 3.8 takes no log-ins on Java 25."""
    wanted = replace(settings, version=version)
    small = load(tmp_path, environ=training.settings_of(wanted, JAVA.home))
    assert (small.secure, small.acl) == (kind, kind != "none")


def test_only_java_25_gets_its_flag(archives: Archives) -> None:
    """An older Java does not start with it, and Java 25 refuses it beside -Xshare."""
    assert archives.flags("combined") == [f"-XX:AOTCache={archives.directory / 'combined.aot'}"]
    older = structs.replace(archives, java=Java(Path("/java"), "24.0.1", "test"))
    assert older.flags("combined") == [
        "-Xshare:auto",
        f"-XX:SharedArchiveFile={archives.directory / 'combined.jsa'}",
    ]


def _flags(
    project: Project,
    settings: Settings,
    archives: Archives,
    monkeypatch: pytest.MonkeyPatch,
    **outputs: Path,
) -> list[list[str]]:
    """Return what each of two combined nodes is started with, as far as it is about archives."""
    seen: list[list[str]] = []

    def spawn(arguments: list[str], **_: object) -> processes.Identity:
        seen.append([each for each in arguments if "AOT" in each or "Xshare" in each])
        return processes.Identity(1, 0.0, "")

    monkeypatch.setattr(processes, "spawn_detached", spawn)
    chosen = replace(settings, version="4.4.0", brokers=3)
    record = ClusterRecord(
        runtime="embedded",
        wanted="running",
        version="4.4.0",
        kafka_version="4.4.0",
        changed_at=0.0,
        services=tuple(
            state.ServiceRecord(name=each.name, role=each.role, port=9092 + each.number)
            for each in chosen.topology
        ),
    )
    launcher = Launcher(project, chosen, archives, built=frozenset(), further=BrokerProperties())
    launcher.outputs.update(outputs)
    for service in record.services[:2]:
        launcher.spawn(record, service)
    return seen


def test_one_server_of_each_kind_writes_its_cache(
    project: Project, settings: Settings, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one would overwrite it; a user's cluster never writes one."""
    draft = archives.directory / "combined.aot.draft"
    found = _flags(project, settings, archives, monkeypatch, combined=draft)
    assert found == [[f"-XX:AOTCacheOutput={draft}"], []]
    assert _flags(project, settings, archives, monkeypatch) == [[], []]


def test_trained_caches_are_put_in_place(
    archives: Archives, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are used from then on, and a flipped byte makes them unfit."""
    chosen = replace(settings, version="4.4.0")
    variables = training.settings_of(chosen, JAVA.home)

    def trained(given: dict[str, str], directory: Path) -> dict[str, Path]:
        assert given == variables
        draft = directory / "combined.aot.draft"
        draft.write_bytes(b"cache")
        return {"combined": draft}

    monkeypatch.setattr(training, "trained", trained)
    path = class_archive.order(archives, {}, variables)
    assert path is not None
    assert build_archives.build(path)
    assert archives.is_built()
    archives.path("combined").write_bytes(b"cachE!")
    assert not archives.is_built()


def test_a_training_that_fails_leaves_nothing(
    archives: Archives, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that was killed has written no cache; the next start orders another training."""
    monkeypatch.setattr(training, "trained", lambda *_: {})
    path = class_archive.order(archives, {}, training.settings_of(settings, JAVA.home))
    assert path is not None
    assert not build_archives.build(path)
    assert not archives.is_built()
    assert {each.name for each in archives.directory.iterdir()} == {"lock"}


def test_an_archive_beside_others_keeps_them(
    archives: Archives, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that grows by another kind of node trains that one's cache too."""
    two = structs.replace(archives, names=("combined", "kafka"))

    def trained(name: str, _: dict[str, str], directory: Path) -> dict[str, Path]:
        draft = directory / f"{name}.aot.draft"
        draft.write_bytes(name.encode())
        return {name: draft}

    for name in two.names:
        monkeypatch.setattr(training, "trained", partial(trained, name))
        path = class_archive.order(two, {}, training.settings_of(settings, JAVA.home))
        assert path is not None
        assert build_archives.build(path)
    assert two.built() == {"combined", "kafka"}
    two.path("kafka").unlink()
    assert two.built() == {"combined"}
    assert not two.is_built()


def test_a_server_in_training_handles_the_signal_itself(
    project: Project, settings: Settings, archives: Archives
) -> None:
    """With -Xrs the system would end ZooKeeper's JVM, which then writes no cache."""
    zookeeper = roles.of(settings.topology.services[0].role)
    for trains in (False, True):
        launcher = Launcher(
            project, settings, archives, frozenset(), BrokerProperties(), trains=trains
        )
        assert ("-Xrs" in launcher._jvm_flags(zookeeper)) is not trains


@pytest.mark.parametrize("kind", ["none", "scram"])
def test_keys_of_a_secured_server_are_not_encrypted_in_memory_with_much_effort(
    project: Project, settings: Settings, archives: Archives, kind: SecureKind | Literal["none"]
) -> None:
    """Kafka encrypts each PEM key under an empty password and decrypts it at once."""
    chosen = replace(settings, secure=kind)
    launcher = Launcher(project, chosen, archives, frozenset(), BrokerProperties())
    flags = launcher._jvm_flags(roles.of(settings.topology.brokers[0].role))
    found = [flag for flag in flags if flag.startswith("-Dkeystore.")]
    assert found == ([] if kind == "none" else ["-Dkeystore.pkcs12.keyPbeIterationCount=1"])


class _Acquaintance:
    """Notes what a training asks of its cluster; the log-in is refused once."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def users(self, *_: object, timeout_s: float) -> dict[str, User]:
        self.asked.append("users")
        return {}

    def set_passwords(self, _: object, passwords: dict[str, str], *, timeout_s: float) -> None:
        self.asked.append(f"set {', '.join(passwords)}")

    def require_log_in(self, user: Cluster, _: Address, timeout_s: float) -> None:
        self.asked.append(f"log in {user.client['sasl.username']}")
        if self.asked.count("log in admin") < 2:
            raise NotYet("refused")


def test_users_log_in_to_a_cluster_in_training(
    project: Project, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each first start of a secured cluster makes them: what that loads is in the cache too."""
    security = Security("scram")
    issuing.ensure(SecureStore.of(project), security)
    monkeypatch.setattr(training, "scram", seen := _Acquaintance())
    monkeypatch.setattr(training, "Admin", lambda _: nullcontext())
    monkeypatch.setattr(training, "RetryPolicy", lambda **_: RetryPolicy(sleep=lambda _: None))
    services = (each.at(9092, None, 9093) for each in settings.topology)
    topology = replace(settings.topology, services=tuple(services), security=security)
    cluster = Cluster.of(
        topology, project=project.path, runtime="embedded", kafka_version="4.4.0", client={}
    )
    training.let_users_in(project, cluster)
    assert seen.asked == ["users", "set admin, alice, bob", "log in admin", "log in admin"]
    open_to_all = replace(cluster, topology=settings.topology)
    training.let_users_in(project, open_to_all)
    assert len(seen.asked) == 4


class _Clients:
    """What is asked of a cluster in training; a topic cannot be made where `fails`."""

    def __init__(self, *, fails: bool) -> None:
        self.asked: list[str] = []
        self._fails = fails

    def __enter__(self) -> _Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.append("close")

    def look(self, _: float) -> ClusterView:
        return ClusterView("id", 1, {1: Address("localhost", 9092), 2: Address("localhost", 9093)})

    def answers_as(self, broker: int, _: float) -> None:
        self.asked.append(f"answers as {broker}")

    def create(self, _: object, topics: list[NewTopicRequest], *, timeout_s: float) -> Outcomes:
        self.asked.append(f"create {topics[0].name}")
        return {topics[0].name: ClusterError("refused") if self._fails else None}

    def roundtrip(self, _: Cluster, topic: str, *, timeout_s: float) -> None:
        self.asked.append(f"send and take on {topic}")


@pytest.mark.parametrize("fails", [False, True])
def test_a_cluster_in_training_serves_clients(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """What a start and a first record load is in the cache, which is kept without it, too."""
    clients = _Clients(fails=fails)
    monkeypatch.setattr(training, "Admin", lambda _: clients)
    monkeypatch.setattr(changes, "create", clients.create)
    monkeypatch.setattr(records, "roundtrip", clients.roundtrip)
    cluster = Cluster.of(
        settings.topology, project=Path("/p"), runtime="embedded", kafka_version="4.4.0", client={}
    )
    training.serve_clients(cluster)
    sent = [] if fails else ["send and take on training"]
    expected = ["answers as 1", "answers as 2", "create training", *sent, "close"]
    assert clients.asked == expected
