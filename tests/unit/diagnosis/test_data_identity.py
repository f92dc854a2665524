"""What is found about the data, on disks and in volumes in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from kafka_tasks.clients.container import PROJECT, Container
from kafka_tasks.diagnosis import data_identity
from kafka_tasks.diagnosis.examination import Examination
from kafka_tasks.errors import EngineRefused
from kafka_tasks.runtimes.compose import compose_file
from kafka_tasks.runtimes.compose.compose_file import project_name
from tests.unit.diagnosis.conftest import MakeExam
from tests.unit.diagnosis.test_cluster import ids
from tests.unit.runtimes.compose.engine import FakeEngine, container

META = "#\n#Tue Nov 24 13:13:14 UTC 2026\nbroker.id={}\nversion=0\ncluster.id={}\n"


def test_data_of_several_clusters_and_brokers(make_exam: MakeExam) -> None:
    """What meta.properties say is compared with the service and with each other."""
    exam = make_exam()
    for name, broker, of in (("kafka", 1, "A"), ("kafka-2", 3, "B")):
        folder = exam.project.state / "data" / name
        folder.mkdir()
        (folder / "meta.properties").write_text(META.format(broker, of))
    found = list(data_identity.identity(exam))
    assert ids(found) == [("broker-id-differs", "error"), ("cluster-id-differs", "error")]
    assert found[0].service == "kafka-2"
    assert found[1].evidence == ("kafka: A", "kafka-2: B")


def test_data_that_agrees(make_exam: MakeExam) -> None:
    """One cluster is well; where there is no data nothing is said."""
    exam = make_exam()
    assert list(data_identity.identity(exam)) == []
    folder = exam.project.state / "data" / "kafka"
    folder.mkdir()
    (folder / "meta.properties").write_text(META.format(1, "A"))
    assert ids(data_identity.identity(exam)) == [("cluster-id", "ok")]


def test_nodes_of_a_quorum_are_named_once(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three voters are three coordinators with one title."""
    exam = make_exam()
    folder = exam.project.state / "data" / "kafka"
    folder.mkdir()
    (folder / "meta.properties").write_text(META.format(1, "A"))
    voters = dict.fromkeys(("kafka", "kafka-2", "kafka-3"), ("A", "Kafka"))
    monkeypatch.setattr(data_identity, "_coordinators_ids", lambda _: voters)
    (found,) = data_identity.identity(exam)
    assert found.title == "Kafka and the data belong to one cluster: A"


class Volumes(FakeEngine):
    """An engine whose containers have a file each."""

    bytes_: int | None = 3_000_000
    on_disk: Mapping[str, int] = MappingProxyType({})

    def disk_usage(self, container: Container) -> int | None:
        """Return what the test says of this container."""
        return self.on_disk.get(container.name)

    def volumes_bytes(self, project: str) -> int | None:
        """Return the size for the project that Compose would create."""
        self.asked = project
        return self.bytes_


def in_containers(make_exam: MakeExam, files: dict[str, str]) -> tuple[Examination, Volumes]:
    """Return an examination of a Compose project whose brokers have an id in their environment."""
    exam = make_exam(runtime="compose")
    at = exam.project.path
    names = {"zookeeper": {}, "kafka": {"KAFKA_BROKER_ID": "1"}, "kafka-2": {}}
    there = [container(name, at, environment=environ) for name, environ in names.items()]
    engine = Volumes(there)
    path = "/var/lib/kafka/data/meta.properties"
    engine.files = {(f"id-shop-{name}", path): text.encode() for name, text in files.items()}
    found: Any = engine
    exam._engine = found
    return exam, engine


def test_identities_in_volumes(make_exam: MakeExam) -> None:
    """Identities are read through the containers; the Compose file decides the expected id."""
    texts = {"kafka": META.format(7, "A"), "kafka-2": META.format(2, "B")}
    exam, _ = in_containers(make_exam, texts)
    found = list(data_identity.identity(exam))
    assert ids(found) == [("broker-id-differs", "error"), ("cluster-id-differs", "error")]
    assert found[0].service == "kafka"
    assert "KAFKA_BROKER_ID: 7 for kafka in the Compose file" in (found[0].fix or "")
    assert found[1].evidence == ("kafka: A", "kafka-2: B")


def test_volumes_without_data_say_nothing(make_exam: MakeExam) -> None:
    """Before the first start, and without an engine, nothing is reported."""
    exam, _ = in_containers(make_exam, {})
    assert list(data_identity.identity(exam)) == []
    exam._engine = EngineRefused("no")
    assert list(data_identity.identity(exam)) == []
    assert list(data_identity.size(exam)) == []


def test_how_large_the_volumes_are(make_exam: MakeExam) -> None:
    """The size is what containers count; the engine's is at most that, and no reason to warn."""
    exam, engine = in_containers(make_exam, {})
    (found,) = data_identity.size(exam)
    name = project_name(exam.project.path)
    assert engine.asked == name
    assert (found.level, found.title) == ("ok", f"the data takes at most 3 MB (volumes of {name})")
    engine.bytes_ = 6_000_000_000
    (found,) = data_identity.size(exam)
    assert (found.level, found.title.partition(" (")[0]) == ("ok", "the data takes at most 6000 MB")
    engine.bytes_ = None
    assert list(data_identity.size(exam)) == []


def test_how_much_of_the_volumes_is_on_disk(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running containers count their volumes; one that cannot tell makes it more."""
    exam, engine = in_containers(make_exam, {})
    engine.there = [
        replace(found, volumes={found.name: "/data"}, labels={**found.labels, PROJECT: "here"})
        for found in engine.there
    ]
    monkeypatch.setattr(compose_file, "project_of", lambda *_: "here")
    sizes = dict.fromkeys((found.name for found in engine.there), 2_000_000_000)
    engine.on_disk = sizes
    (found,) = data_identity.size(exam)
    assert (found.level, found.title.partition(" (")[0]) == ("warning", "The data takes 6000 MB")
    assert "docker system df" in (found.fix or "")
    del sizes[engine.there[0].name]
    (found,) = data_identity.size(exam)
    assert found.title.startswith("the data takes more than 4000 MB")
    engine.there[0] = replace(engine.there[0], status="exited")
    (found,) = data_identity.size(exam)
    assert found.title.startswith("the data takes at most 3 MB")


def test_how_large_a_directory_is(make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks count; where there is nothing, nothing is said."""
    exam = make_exam()
    assert list(data_identity.size(exam)) == []
    folder = exam.project.state / "data" / "kafka"
    folder.mkdir()
    (folder / "0.log").write_bytes(bytes(2_000_000))
    (found,) = data_identity.size(exam)
    assert (found.id, found.level) == ("data-size", "ok")
    monkeypatch.setattr(data_identity, "_LARGE", 1_000)
    assert ids(data_identity.size(exam)) == [("data-size", "warning")]
    monkeypatch.setattr(data_identity, "_MAX_FILES", 1)
    (found,) = data_identity.size(exam)
    assert "more than" in found.title
