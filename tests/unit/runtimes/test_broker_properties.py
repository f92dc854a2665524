from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import topology
from kafka_tasks.runtimes import broker_properties
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.settings import Settings, load


def test_a_file_of_further_properties_is_read(tmp_path: Path) -> None:
    """Comments, empty lines, both separators and values with = are understood."""
    path = tmp_path / "broker.properties"
    path.write_text("# a\n! b\n\nlog.retention.hours = 1\nnum.io.threads: 8\nx.y=a=b\nempty=\n")
    assert broker_properties.read(path) == {
        "log.retention.hours": "1",
        "num.io.threads": "8",
        "x.y": "a=b",
        "empty": "",
    }


@pytest.mark.parametrize("key", sorted(broker_properties.RESERVED))
def test_what_the_runtime_decides_is_refused_with_its_line(tmp_path: Path, key: str) -> None:
    """A reserved property is exit 3, with file and line."""
    path = tmp_path / "broker.properties"
    path.write_text(f"# mine\n\n{key}=1\n")
    with pytest.raises(InvalidInput) as caught:
        broker_properties.read(path)
    assert caught.value.message == f"{path}, line 3: {key} is decided by kafka-tasks."


@pytest.mark.parametrize("line", ["nonsense", "a b=c", "=1", "{json: true}"])
def test_a_line_that_is_no_property_is_refused(tmp_path: Path, line: str) -> None:
    """What has no name=value form is exit 3, with file and line."""
    path = tmp_path / "broker.properties"
    path.write_text(f"ok=1\n{line}\n")
    with pytest.raises(InvalidInput, match=r"line 2: .* is not a line of the form name=value"):
        broker_properties.read(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A missing or binary file names the variable that pointed to it."""
    path = tmp_path / "broker.properties"
    if content:
        path.write_bytes(content)
    settings = load(tmp_path, environ={"KAFKA_TASKS_BROKER_PROPERTIES": "broker.properties"})
    with pytest.raises(InvalidInput, match=r"KAFKA_TASKS_BROKER_PROPERTIES: .* cannot be read"):
        broker_properties.of(settings)


def _settings(project: Path, **environ: str) -> Settings:
    return load(project, environ={f"KAFKA_TASKS_{name}": text for name, text in environ.items()})


def _of(found: BrokerProperties, *names: str) -> list[dict[str, str]]:
    services = (topology.identify(name) for name in names)
    return [found.of(service) for service in services if service]


def test_brokers_take_the_racks_in_turn(tmp_path: Path) -> None:
    """With the selector that lets consumers fetch from their own rack; no other service has one."""
    found = broker_properties.of(_settings(tmp_path, RACKS="a, b"))
    names = ("kafka", "kafka-2", "kafka-3", "zookeeper", "controller")
    first, second, third, keeper, controller = _of(found, *names)
    assert [each["broker.rack"] for each in (first, second, third)] == ["a", "b", "a"]
    assert first["replica.selector.class"].endswith(".RackAwareReplicaSelector")
    assert keeper == controller == {}
    assert _of(broker_properties.of(_settings(tmp_path)), "kafka") == [{}]


def test_the_file_of_one_broker_has_the_last_word(tmp_path: Path) -> None:
    """Beside the shared file, over it and over the rack; without one, in the project."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (tmp_path / "broker.kafka.properties").write_text("a=project\n")
    (folder / "broker.all.properties").write_text("a=shared\nb=shared\n")
    (folder / "broker.kafka-2.properties").write_text("a=own\nbroker.rack=z\n")
    shared = _settings(tmp_path, RACKS="r", BROKER_PROPERTIES="conf/broker.all.properties")
    first, second = _of(broker_properties.of(shared), "kafka", "kafka-2")
    assert (first["a"], first["b"], first["broker.rack"]) == ("shared", "shared", "r")
    assert (second["a"], second["b"], second["broker.rack"]) == ("own", "shared", "z")
    assert _of(broker_properties.of(_settings(tmp_path)), "kafka") == [{"a": "project"}]
    assert broker_properties.strangers(shared) == []


def test_a_file_of_no_broker_is_left_alone(tmp_path: Path) -> None:
    """It is another program's, or misspelt: doctor names it."""
    for name in ("kafka-10", "kafka2", "zookeeper", "kafka-9"):
        (tmp_path / f"broker.{name}.properties").write_text("nonsense\n" * (name != "kafka-9"))
    settings = _settings(tmp_path)
    assert set(broker_properties.of(settings).own) == {"kafka-9"}
    assert [path.name for path in broker_properties.strangers(settings)] == [
        "broker.kafka-10.properties",
        "broker.kafka2.properties",
        "broker.zookeeper.properties",
    ]


@pytest.mark.parametrize("content", ["broker.id=7\n", "nonsense\n"])
def test_a_bad_file_of_one_broker_is_refused(tmp_path: Path, content: str) -> None:
    """With its own name and line."""
    (tmp_path / "broker.kafka-2.properties").write_text(content)
    with pytest.raises(InvalidInput, match=r"broker\.kafka-2\.properties, line 1"):
        broker_properties.of(_settings(tmp_path))


@pytest.mark.parametrize("name", ["broker.properties", "broker.kafka-3.properties"])
def test_sasl_between_brokers_is_found_in_any_file(tmp_path: Path, name: str) -> None:
    """It decides which Java can run them; an unreadable file says nothing."""
    settings = _settings(tmp_path, BROKER_PROPERTIES="broker.properties")
    assert not broker_properties.uses_sasl(settings)
    (tmp_path / "broker.properties").write_text("")
    assert not broker_properties.uses_sasl(settings)
    (tmp_path / name).write_text("security.inter.broker.protocol=SASL_SSL\n")
    assert broker_properties.uses_sasl(settings)
