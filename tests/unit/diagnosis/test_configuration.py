"""What is wrong with settings and Compose files, before anything starts."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kafka_tasks.diagnosis import compose_file, configuration
from kafka_tasks.model.finding import Finding
from kafka_tasks.model.topology import kraft_cluster, zookeeper_cluster
from kafka_tasks.runtimes.compose.compose_file import packaged
from kafka_tasks.settings import load
from tests.unit.diagnosis.conftest import MakeExam

WELL: dict[str, Any] = yaml.safe_load(
    """
services:
  zookeeper:
    image: confluentinc/cp-zookeeper:7.9.11
    ports: [{host_ip: 127.0.0.1, target: 2181, published: "2181"}]
    volumes:
      - {type: volume, source: zd, target: /var/lib/zookeeper/data}
      - {type: volume, source: zl, target: /var/lib/zookeeper/log}
  kafka:
    image: confluentinc/cp-kafka:7.9.11
    environment:
      KAFKA_ADVERTISED_LISTENERS: HOST://localhost:9092
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1"
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1"
    ports: [{host_ip: 127.0.0.1, target: 9092, published: "9092"}]
    volumes: [{type: volume, source: kd, target: /var/lib/kafka/data}]
"""
)


def problems(change: Any = None, brokers: int = 1) -> dict[str, Finding]:
    """Return the findings of a correct Compose file with one change."""
    config = copy.deepcopy(WELL)
    if change is not None:
        change(config["services"])
    found = compose_file.problems(config, zookeeper_cluster(brokers))
    return {each.id: each for each in found}


def test_a_file_of_kraft_mode() -> None:
    """It has no ZooKeeper whose data could be missing, and its image needs none."""
    config = copy.deepcopy(WELL)
    del config["services"]["zookeeper"]
    config["services"]["kafka"]["image"] = "confluentinc/cp-kafka:8.2.0"
    assert list(compose_file.problems(config, kraft_cluster(1))) == []
    config["services"]["kafka"]["image"] = "confluentinc/cp-kafka:latest"
    (found,) = compose_file.problems(config, kraft_cluster(1))
    assert (found.id, found.fix) == (
        "image-not-pinned",
        "set a whole version for the image in the Compose file",
    )


def test_a_file_that_is_well_has_no_findings() -> None:
    """A correct file has no findings."""
    assert problems() == {}


def test_a_fixed_container_name() -> None:
    """It is a warning that names the name."""
    found = problems(lambda s: s["kafka"].update(container_name="broker"))["container-name-fixed"]
    assert (found.level, found.service) == ("warning", "kafka")
    assert "broker" in found.title


@pytest.mark.parametrize("host", [None, "0.0.0.0", "192.168.1.5", "::"])
def test_a_port_for_everybody(host: str | None) -> None:
    """A port that is published beyond loopback is told, with the line that closes it."""

    def change(services: Any) -> None:
        services["kafka"]["ports"][0]["host_ip"] = host

    assert "network" in problems(lambda s: s["kafka"].update(network_mode="host"))["exposed"].title
    found = problems(change)["exposed"]
    assert found.fix == 'write "127.0.0.1:9092:9092" under ports'


@pytest.mark.parametrize("name", configuration.FATAL_NAMES)
def test_variables_that_the_image_refuses(name: str) -> None:
    """Each of the four is an error."""
    found = problems(lambda s: s["kafka"]["environment"].update({name: "9092"}))
    assert found["kafka-port-variable"].level == "error"


def test_a_replication_factor_that_cannot_be_met() -> None:
    """Kafka's own default of 3 counts where the file is silent; three brokers meet it."""

    def change(services: Any) -> None:
        del services["kafka"]["environment"]["KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"]
        services["kafka-2"] = services["kafka-3"] = services["kafka"]

    found = problems(change)["replication-factor"]
    assert "OFFSETS" in found.title and "3" in found.title
    assert "replication-factor" not in problems(change, brokers=3)


def test_data_kept_by_halves() -> None:
    """A directory without a volume beside others with one is an error that names it."""
    found = problems(lambda s: s["zookeeper"]["volumes"].pop())["data-half-kept"]
    assert "zookeeper:/var/lib/zookeeper/log" in found.title

    def none(services: Any) -> None:
        for service in services.values():
            service["volumes"] = []

    assert "data-half-kept" not in problems(none)


def test_where_data_lies_is_for_the_image_to_say() -> None:
    """ZooKeeper's own image keeps it in /data and /datalog; of an unknown one nothing is said."""

    def change(image: str, *targets: str) -> Any:
        def of(services: Any) -> None:
            services["zookeeper"]["image"] = image
            mounts = [{"type": "bind", "source": "/tmp", "target": to} for to in targets]
            services["zookeeper"]["volumes"] = mounts

        return of

    assert "data-half-kept" not in problems(change("zookeeper:3.4.9", "/data", "/datalog"))
    assert "/datalog" in problems(change("zookeeper:3.4.9", "/data"))["data-half-kept"].title
    assert "data-half-kept" not in problems(change("acme/keeper:1"))


def test_an_anonymous_volume_is_not_kept() -> None:
    """A mount without a source is lost with its container."""
    found = problems(lambda s: s["kafka"]["volumes"][0].pop("source"))
    assert "data-half-kept" in found


def test_a_bind_mount_of_another_user(tmp_path: Path) -> None:
    """A directory that uid 1000 cannot write, or that is not there, is an error."""
    folder = tmp_path / "data"

    def change(services: Any) -> None:
        services["kafka"]["volumes"][0].update(type="bind", source=str(folder))

    assert "does not exist" in problems(change)["data-not-writable"].title
    folder.mkdir(mode=0o755)
    if folder.stat().st_uid != 1000:
        assert "belongs to uid" in problems(change)["data-not-writable"].title
    folder.chmod(0o777)
    assert "data-not-writable" not in problems(change)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"timeout": 2.0}, "KAFKA_TASKS_TIMEOUT is 2.0"),
        ({"heap": "64m"}, "KAFKA_TASKS_HEAP is 64m"),
        ({"zookeeper_heap": "8m"}, "KAFKA_TASKS_ZOOKEEPER_HEAP is 8m"),
        ({"heap": "9000g"}, "all brokers together"),
        ({"port": 80}, "only root"),
        ({"network_external": True}, "KAFKA_TASKS_NETWORK is not set"),
        ({"sasl_username": "me"}, "KAFKA_TASKS_SECURITY_PROTOCOL is not set"),
    ],
)
def test_values_that_look_like_a_mistake(
    make_exam: MakeExam, changes: dict[str, Any], word: str
) -> None:
    """Each is one warning that names the variable and another value."""
    (found,) = configuration.suspicious(make_exam(**changes))
    assert found.level == "warning"
    assert word in found.title
    assert "KAFKA_TASKS_" in str(found.fix)


def test_the_defaults_are_well(make_exam: MakeExam) -> None:
    """No default is suspicious."""
    (found,) = configuration.suspicious(make_exam())
    assert found.level == "ok"


@pytest.mark.parametrize("tag", ["", ":latest", ":8.0.0", ":latest-ubi9", ":10.1.0"])
def test_images_without_zookeeper(make_exam: MakeExam, tag: str) -> None:
    """A tag of 8 or newer, and latest, which is one."""
    exam = make_exam(runtime="compose", kafka_image=f"registry:5000/cp-kafka{tag}")
    (found,) = configuration.versions(exam)
    assert found.id == "no-zookeeper-in-version"
    assert list(configuration.versions(make_exam(runtime="compose"))) == []


def test_images_for_kraft_need_no_zookeeper(make_exam: MakeExam) -> None:
    """Kafka 4 is well on an image of 8; without a version it is still not pinned."""
    settings = {"runtime": "compose", "version": "8.2"}
    assert list(configuration.versions(make_exam(**settings))) == []
    (found,) = configuration.versions(make_exam(**settings, kafka_image="cp-kafka:latest"))
    assert found.id == "image-not-pinned"


def test_images_that_are_another_one_tomorrow(make_exam: MakeExam) -> None:
    """An own image without a tag is a warning; a digest is as exact as it gets."""
    for name in ("mine/kafka", "mine/kafka:latest", "registry:5000/mine/kafka"):
        (found,) = configuration.versions(make_exam(runtime="compose", kafka_image=name))
        assert (found.id, found.level) == ("image-not-pinned", "warning")
    digest = f"@sha256:{'0' * 64}"
    for name in (f"confluentinc/cp-kafka{digest}", f"mine/kafka:latest{digest}", "mine/kafka:3"):
        assert list(configuration.versions(make_exam(runtime="compose", kafka_image=name))) == []
    found = problems(lambda s: s["kafka"].update(image="mine/kafka:latest"))["image-not-pinned"]
    assert (found.level, found.service) == ("warning", "kafka")
    assert "no-zookeeper-in-version" in problems(lambda s: s["kafka"].update(image="cp-kafka"))


def test_the_default_images_are_pinned(make_exam: MakeExam) -> None:
    """By the version, in the settings and in the Compose file by hand alike."""
    settings = make_exam().settings
    for name in (settings.kafka_image, settings.zookeeper_image):
        assert name.endswith(f":{settings.version}")
    images = re.findall(r"image: (\S+)", packaged().read_text())
    assert len(images) == 2
    assert all(name.endswith(":${KAFKA_TASKS_VERSION:-7.9.11}}") for name in images)


def test_files_with_a_password_that_others_may_read(make_exam: MakeExam) -> None:
    """The broker's properties, where they have one; closed, or without one, they are well."""
    path = make_exam().project.path / "broker.properties"
    exam = make_exam(broker_properties=path)
    assert list(configuration.readable(exam)) == []
    path.write_text("ssl.key.password=planted\n")
    path.chmod(0o644)
    (found,) = configuration.readable(exam)
    assert (found.id, found.level) == ("secret-readable", "warning")
    assert str(path) in str(found.fix) and "planted" not in repr(found)
    path.chmod(0o600)
    assert list(configuration.readable(exam)) == []
    path.write_text("log.retention.ms=1000\n")
    path.chmod(0o644)
    assert list(configuration.readable(exam)) == []


def test_dotenv_against_its_example(make_exam: MakeExam) -> None:
    """What either lacks is said; comments of the example count as mentioned."""
    exam = make_exam()
    (exam.project.path / ".env.example").write_text("A=1\n# B=2\nC=3\n")
    (exam.project.path / ".env").write_text("A=1\nB=1\nD=4\n")
    found = {f.id: f.title for f in configuration.dotenv(exam)}
    assert found == {
        "env-lacks": ".env lacks names of .env.example: C",
        "env-unknown": ".env has names that .env.example lacks: D",
    }


def test_a_password_that_others_may_read(make_exam: MakeExam) -> None:
    """Only a .env with a secret has to be closed."""
    exam = make_exam()
    env = exam.project.path / ".env"
    env.write_text("KAFKA_TASKS_PORT=9092\n")
    env.chmod(0o644)
    assert list(configuration.dotenv(exam)) == []
    env.write_text("KAFKA_TASKS_SASL_PASSWORD=x\n")
    (found,) = configuration.dotenv(exam)
    assert (found.id, found.remedy) == ("env-readable", "env-mode")
    env.chmod(0o600)
    assert list(configuration.dotenv(exam)) == []


def test_additional_properties_that_cannot_be_met(make_exam: MakeExam, tmp_path: Path) -> None:
    """A replication factor above the number of brokers, and a file that cannot be read."""
    path = tmp_path / "further"
    path.write_text("offsets.topic.replication.factor=3\n")
    (found,) = configuration.additional_properties(make_exam(broker_properties=path))
    assert (found.id, found.exit_code) == ("replication-factor", 3)
    assert (
        list(configuration.additional_properties(make_exam(broker_properties=path, brokers=3)))
        == []
    )
    path.write_text("nonsense\n")
    (found,) = configuration.additional_properties(make_exam(broker_properties=path))
    assert found.id == "broker-properties"


def test_additional_properties_that_brokers_refuse_or_ignore(
    make_exam: MakeExam, tmp_path: Path
) -> None:
    """A bad value is an error, a name that no broker knows a warning."""
    path = tmp_path / "further"
    path.write_text("num.io.threads=many\nlog.retention.hour=1\nlog.retention.ms=60000\n")
    bad, unknown = configuration.additional_properties(make_exam(broker_properties=path))
    assert (bad.id, bad.level) == ("broker-property", "error")
    assert "which is not a whole number" in bad.title
    assert (unknown.level, unknown.exit_code) == ("warning", 3)
    assert unknown.title.endswith("did you mean log.retention.hours?")


def test_files_of_one_broker_are_checked_too(make_exam: MakeExam) -> None:
    """Its values, and a file whose name is no broker's."""
    exam = make_exam()
    (exam.project.path / "broker.kafka-2.properties").write_text("num.io.threads=many\n")
    (exam.project.path / "broker.kafka2.properties").write_text("")
    stranger, bad = configuration.additional_properties(exam)
    assert (stranger.level, bad.level) == ("warning", "error")
    assert stranger.title == "No broker is named as the file broker.kafka2.properties says."
    assert bad.evidence[0].endswith("broker.kafka-2.properties")


def test_inherited_variables(make_exam: MakeExam) -> None:
    """KAFKA_PORT and JMX_PORT are warned of, with the value as evidence."""
    exam = make_exam(environ={"KAFKA_PORT": "tcp://10.0.0.1", "JMX_PORT": "9"})
    found = list(configuration.inherited(exam))
    assert [f.id for f in found] == ["kafka-port-variable", "jmx-port-inherited"]
    assert found[0].evidence == ("KAFKA_PORT=tcp://10.0.0.1",)
    assert load(exam.project.path, environ={}).port == 9092
