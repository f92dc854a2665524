from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.clients.processes import Completed
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import of_names, zookeeper_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose import command, compose_file, file_variables, leavings, override
from kafka_tasks.settings import Settings, load
from tests.unit.any_text import CHARACTERS

OURS = "services: {zookeeper: {image: z}, kafka: {image: k}}\n"


def _variables(settings: Settings, port: int, zookeeper_port: int) -> dict[str, str]:
    """Return the variables of a cluster whose first broker and ZooKeeper have these ports."""
    ports = (zookeeper_port, *range(port, port + settings.brokers))
    return file_variables.of(settings, settings.topology.at(ports), "shop")


def _settings(project: Project, **environ: str) -> Settings:
    return load(project.path, environ={f"KAFKA_TASKS_{k}": v for k, v in environ.items()})


# -- which file -----------------------------------------------------------------------------------


def test_without_a_file_it_is_the_packaged_one(settings: Settings) -> None:
    """There is nothing to say about it."""
    assert compose_file.choose(settings) == compose_file.ComposeFile(compose_file.packaged())


def test_the_packaged_file_has_our_services() -> None:
    """It is there, in a checkout too, and every broker that can be asked for is in it."""
    services = yaml.safe_load(compose_file.packaged().read_text(encoding="utf-8"))["services"]
    assert set(services) == {"zookeeper", "kafka", "kafka-2", "kafka-3", "kafka-4", "kafka-5"}


@pytest.mark.parametrize("name", compose_file.NAMES)
def test_the_projects_file_is_used(project: Project, settings: Settings, name: str) -> None:
    """Each name that Compose knows counts, if our services are in it."""
    (project.path / name).write_text(OURS)
    assert compose_file.choose(settings) == compose_file.ComposeFile(project.path / name)


def test_of_two_files_it_is_the_one_that_compose_takes(
    project: Project, settings: Settings
) -> None:
    """By hand and by `up` it is the same file."""
    names = ("docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml")
    taken = []
    for name in names:
        (project.path / name).write_text(OURS)
        taken.append(compose_file.choose(settings).path.name)
    assert taken == list(names)


def test_services_of_included_files_are_asked_of_compose(
    project: Project, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where our names are not there: Compose takes a fifth of a second to answer."""
    asked = []

    services = {"zk": {"image": "zookeeper:3.9"}, "kafka": {"image": "cp-kafka:7.9.6"}}

    def run(self: command.Project, *_: str, **__: Any) -> Completed:
        asked.append(self.profiles)
        return Completed(0, json.dumps({"services": services}))

    monkeypatch.setattr(command.Project, "run", run)
    mine = project.path / "compose.yaml"
    mine.write_text("include: [kafka.yml]\nservices: {app: {image: x}}\n")
    for _ in range(2):
        assert compose_file.choose(settings) == compose_file.ComposeFile(mine)
    assert asked == [("brokers-1",)]
    mine.write_text(OURS)
    compose_file.choose(settings)
    assert asked == [("brokers-1",)]


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("services: {web: {image: x}}", "zookeeper and no service kafka"),
        ("services: {zookeeper: {image: x}} # not kafka", "kafka"),
        ("services: 5", "zookeeper and no service kafka"),
        ("services:", "zookeeper and no service kafka"),
        ("just text", "zookeeper and no service kafka"),
        ("", "zookeeper and no service kafka"),
    ],
)
def test_somebody_elses_file_is_left_alone(
    project: Project, settings: Settings, text: str, lacking: str
) -> None:
    """The packaged file is used, and it is said what the project's lacks."""
    (project.path / "docker-compose.yml").write_text(text)
    found = compose_file.choose(settings)
    assert found.path == compose_file.packaged()
    tail = ", nor one with such an image, variables or label" if "kafka" in text else ""
    assert found.notice == (
        f"docker-compose.yml has no service {lacking}{tail}; using the packaged one"
    )


def test_the_named_file_comes_first(project: Project) -> None:
    """It is looked for from the project on, whatever else is there."""
    (project.path / "docker-compose.yml").write_text(OURS)
    (project.path / "mine.yml").write_text(OURS)
    found = compose_file.choose(_settings(project, COMPOSE_FILE="mine.yml"))
    assert found == compose_file.ComposeFile(project.path / "mine.yml")


def test_a_named_file_is_never_replaced(project: Project) -> None:
    """One that lacks services is exit 3, and each that is missing is named."""
    (project.path / "mine.yml").write_text("services: {}")
    with pytest.raises(InvalidInput, match="no service zookeeper and no service kafka") as caught:
        compose_file.choose(_settings(project, COMPOSE_FILE="mine.yml"))
    assert "KAFKA_TASKS_COMPOSE_FILE" in caught.value.message
    assert caught.value.hint is not None and "unset" in caught.value.hint


def test_a_named_file_that_is_not_there(project: Project) -> None:
    """The system's reason is in the sentence."""
    with pytest.raises(InvalidInput, match=r"mine\.yml cannot be read: No such file") as caught:
        compose_file.choose(_settings(project, COMPOSE_FILE="mine.yml"))
    assert caught.value.hint == f'ls -l "{project.path}/mine.yml"'


@pytest.mark.parametrize("content", [b"services: [", b"\xff\xfe\x00", b"a: b: c"])
def test_a_broken_file_is_exit_3(project: Project, settings: Settings, content: bytes) -> None:
    """It is not passed over for the packaged one: the user meant it."""
    (project.path / "compose.yml").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"compose\.yml is not readable as YAML") as caught:
        compose_file.choose(settings)
    assert caught.value.evidence
    assert caught.value.hint == f'docker compose -f "{project.path}/compose.yml" config'


@pytest.mark.parametrize(
    "text",
    [
        "x: 2026-13-45\ny: !!timestamp z\nservices: {zookeeper: !!int x, kafka: 0x}\n",
        "a: &a {zookeeper: 1}\nservices:\n  <<: [*a, *a]\n  kafka: 2\n",
        "a: &a [*a]\nservices: &s {zookeeper: 1, kafka: *s, <<: *s}\n",
    ],
)
def test_only_the_names_of_the_services_are_read(
    project: Project, settings: Settings, text: str
) -> None:
    """What stands elsewhere may be no value at all, and merges count once."""
    (project.path / "compose.yml").write_text(text)
    assert compose_file.choose(settings).path == project.path / "compose.yml"


def test_merges_of_merges_take_no_time(project: Project, settings: Settings) -> None:
    """Built as values, these nine lines would be a thousand million."""
    lines = ["a0: &a0 {kafka: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    text = "\n".join([*lines, "services: {<<: *a9, zookeeper: 1}"])
    (project.path / "compose.yml").write_text(text)
    assert compose_file.choose(settings).path == project.path / "compose.yml"


def test_a_file_without_bottom_is_exit_3(project: Project, settings: Settings) -> None:
    """Depth is no reason for a traceback."""
    (project.path / "compose.yml").write_text("services: " + "[" * 100_000)
    with pytest.raises(InvalidInput, match="not readable as YAML"):
        compose_file.choose(settings)


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  zookeeper: {ports: !reset []}\n  kafka: {image: !reset []}\n",
        "services: !override\n  zookeeper: {image: z}\n  kafka: {image: k}\n",
    ],
)
def test_tags_of_compose_are_no_breakage(project: Project, settings: Settings, text: str) -> None:
    """`!reset` and `!override` are for Compose to judge."""
    (project.path / "compose.yml").write_text(text)
    assert compose_file.choose(settings).path == project.path / "compose.yml"


# -- what Compose is told -------------------------------------------------------------------------


def test_the_variables_of_one_broker(settings: Settings) -> None:
    """Ports, images and the way to start; one replica of everything."""
    assert _variables(settings, 9092, 2181) == {
        "KAFKA_TASKS_VERSION": "7.9.11",
        "KAFKA_TASKS_KAFKA_IMAGE": "confluentinc/cp-kafka:7.9.11",
        "KAFKA_TASKS_ZOOKEEPER_IMAGE": "confluentinc/cp-zookeeper:7.9.11",
        "KAFKA_TASKS_PORT": "9092",
        "KAFKA_TASKS_ZOOKEEPER_PORT": "2181",
        "KAFKA_TASKS_LAUNCH": "direct",
        "KAFKA_TASKS_NETWORK": "kafka-tasks-shop",
        "KAFKA_TASKS_NETWORK_EXTERNAL": "false",
        "INTERNAL_REPLICATION_FACTOR": "1",
        "INTERNAL_MIN_ISR": "1",
        "OFFSETS_PARTITIONS": "1",
        "CHECK_START_INTERVAL": "2s",
    }


def test_a_port_that_is_not_known_yet_is_the_files_own(project: Project) -> None:
    """Compose reads .env itself, and would take the word auto there for a port."""
    for mode, names in (("zookeeper", ["ZOOKEEPER_PORT"]), ("kraft", ["CONTROLLER_PORT"])):
        settings = _settings(project, MODE=mode)
        found = file_variables.of(settings, settings.topology, "shop")
        for name in ("PORT", *names):
            assert found[f"KAFKA_TASKS_{name}"] == ""


@pytest.mark.parametrize(
    ("brokers", "replicas", "min_isr"),
    [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (4, "3", "2"), (5, "3", "2")],
)
def test_more_brokers_have_more_replicas_and_ports(
    project: Project, brokers: int, replicas: str, min_isr: str
) -> None:
    """Internal topics have up to three replicas; each further broker has the next port."""
    found = _variables(_settings(project, BROKERS=str(brokers)), 20000, 2181)
    assert found["INTERNAL_REPLICATION_FACTOR"] == replicas
    assert found["INTERNAL_MIN_ISR"] == min_isr
    assert found["OFFSETS_PARTITIONS"] == ("1" if brokers == 1 else "50")
    ports = {name: port for name, port in found.items() if name.startswith("BROKER_")}
    assert ports == {f"BROKER_{n}_PORT": str(19999 + n) for n in range(2, brokers + 1)}


def test_an_existing_network(project: Project) -> None:
    """Its name is handed on as it is, and that it is somebody else's."""
    settings = _settings(project, NETWORK="airflow-network", NETWORK_EXTERNAL="yes")
    found = _variables(settings, 9092, 2181)
    assert found["KAFKA_TASKS_NETWORK"] == "airflow-network"
    assert found["KAFKA_TASKS_NETWORK_EXTERNAL"] == "true"


def test_the_file_has_every_variable(project: Project) -> None:
    """Whatever is told to Compose is a variable of the packaged file, and none is invented."""
    known = set(
        re.findall(r"(?<!\$)\$\{(\w+)", compose_file.packaged().read_text(encoding="utf-8"))
    )
    five = _settings(project, BROKERS="5")
    assert set(_variables(five, 9092, 2181)) <= known


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("shop", "shop"),
        ("My Shop.v2", "myshopv2"),
        ("_-under", "under"),
        ("a_b-c", "a_b-c"),
        ("größe", "gre"),
        ("日本", "kafka-tasks"),
        ("...", "kafka-tasks"),
    ],
)
def test_the_project_is_called_as_compose_would(directory: str, name: str) -> None:
    """Lower case, without what Compose does not allow; never empty."""
    assert compose_file.project_name(Path("/some") / directory) == name


@given(st.text(CHARACTERS, min_size=1).filter(lambda text: "/" not in text and "\0" not in text))
def test_every_directory_gives_a_name_that_compose_takes(directory: str) -> None:
    """Whatever a directory is called."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", compose_file.project_name(Path("/") / directory))


# -- what is laid over ----------------------------------------------------------------------------


class Resetting(yaml.SafeLoader):
    """YAML with Compose's `!reset`."""


Resetting.add_constructor("!reset", lambda loader, node: "reset")


def _read(text: str | None) -> Any:
    assert text is not None
    return yaml.load(text, Resetting)["services"]


ASKING = {
    "zookeeper": {"healthcheck": {"start_interval": "250ms"}},
    "kafka": {"healthcheck": {"start_interval": "500ms"}},
    "web": {"healthcheck": None},
    "db": {},
}


def _override(services: Any = ASKING, **changes: Any) -> str | None:
    wanted: dict[str, Any] = {"brokers": 1, "further": {}, "start_interval": True, **changes}
    topology = zookeeper_cluster(wanted.pop("brokers"))
    wanted["further"] = BrokerProperties(wanted["further"], wanted.pop("own", {}))
    return override.rendered(services, topology=topology, **wanted)


def test_mostly_there_is_nothing_to_lay_over() -> None:
    """A new engine and no further properties need no second file."""
    assert _override() is None


def test_an_old_engine_is_not_shown_what_it_refuses() -> None:
    """start_interval is taken away where it is, and nothing else is touched."""
    reset = {"healthcheck": {"start_interval": "reset"}}
    assert _read(_override(start_interval=False)) == {"kafka": reset, "zookeeper": reset}


def test_an_old_engine_with_a_file_that_does_not_ask() -> None:
    """A file without start_interval is good as it is."""
    assert _override({"zookeeper": {}, "kafka": {}}, start_interval=False) is None


def test_further_properties_go_to_each_broker() -> None:
    """As variables, the same for all, and not to ZooKeeper."""
    found = _read(_override(brokers=3, further={"log.retention.hours": "7"}))
    environment = {"environment": {"KAFKA_LOG_RETENTION_HOURS": "7"}}
    assert found == dict.fromkeys(["kafka", "kafka-2", "kafka-3"], environment)


@pytest.mark.parametrize("services", [ASKING, {"zookeeper": {}, "kafka": {}}])
def test_an_old_engine_and_further_properties(services: Any) -> None:
    """Both are in one file, also for a broker that does not ask for start_interval."""
    found = _read(_override(services, brokers=2, further={"a.b": "c"}, start_interval=False))
    assert found["kafka"]["environment"] == {"KAFKA_A_B": "c"}
    assert found["kafka-2"] == {"environment": {"KAFKA_A_B": "c"}}
    asks = services is ASKING
    assert ("healthcheck" in found["kafka"]) is asks
    assert ("zookeeper" in found) is asks


@pytest.mark.parametrize("start_interval", [True, False])
@given(value=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30))
def test_values_arrive_as_they_were_written(start_interval: bool, value: str) -> None:
    """Numbers, booleans, quotes and colons stay text; a dollar is no variable of Compose's."""
    text = _override(further={"a": value}, start_interval=start_interval)
    found = _read(text)["kafka"]["environment"]["KAFKA_A"]
    assert isinstance(found, str)
    assert "$" not in found.replace("$$", "")
    assert found.replace("$$", "$") == value


def test_a_broker_has_its_own_values_last() -> None:
    """Only its own container gets them."""
    own = {"kafka-2": {"log.retention.hours": "1", "num.io.threads": "2"}}
    found = _read(_override(brokers=2, further={"log.retention.hours": "7"}, own=own))
    assert {name: each["environment"] for name, each in found.items()} == {
        "kafka": {"KAFKA_LOG_RETENTION_HOURS": "7"},
        "kafka-2": {"KAFKA_LOG_RETENTION_HOURS": "1", "KAFKA_NUM_IO_THREADS": "2"},
    }


def _property_of(variable: str) -> str:
    """What the images make of a variable."""
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=6)


@given(first=_WORD, rest=st.lists(st.tuples(st.sampled_from("._-"), _WORD), max_size=6))
def test_a_property_survives_the_way_through_a_variable(
    first: str, rest: list[tuple[str, str]]
) -> None:
    """The images turn the variable back into the very same name."""
    key = first + "".join(separator + word for separator, word in rest)
    variable = override.variable_of(key)
    assert re.fullmatch(r"KAFKA_[A-Z0-9_]+", variable)
    assert _property_of(variable) == key


def test_a_property_with_every_separator() -> None:
    """Dot, underscore and dash are one, two and three underscores."""
    assert override.variable_of("a.b_c-d") == "KAFKA_A_B__C___D"


# -- what cannot work -----------------------------------------------------------------------------


def _broker(**changes: Any) -> dict[str, Any]:
    environment = {
        "KAFKA_LISTENERS": "HOST://0.0.0.0:9092,CONTAINER://0.0.0.0:29092",
        "KAFKA_ADVERTISED_LISTENERS": "HOST://localhost:9092,CONTAINER://kafka:29092",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "HOST:PLAINTEXT,CONTAINER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "CONTAINER",
        "KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181",
    }
    ports = [{"target": 9092, "published": "9092"}]
    image = "confluentinc/cp-kafka:7.9.6"
    return {"image": image, "environment": environment, "ports": ports, **changes}


def _check(**services: Any) -> None:
    compose_file.check({"services": services}, of_names(("zookeeper", *services)))


def test_a_file_that_works_is_let_through() -> None:
    """ZooKeeper has no listeners; services that are not started are not looked at."""
    config = {"services": {"zookeeper": {}, "kafka": _broker(), "other": {}}}
    compose_file.check(config, zookeeper_cluster(2))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"environment": {}}, "KAFKA_ADVERTISED_LISTENERS is not set"),
        ({"environment": None}, "KAFKA_ADVERTISED_LISTENERS is not set"),
        ({"ports": []}, "container port 9092 is not published"),
        ({"ports": None}, "container port 9092 is not published"),
        ({"ports": [{"target": 9092}]}, "container port 9092 is not published"),
        ({"ports": [{"target": 9092, "published": "9"}]}, "it is published on port 9;"),
        (
            {"ports": [{"target": 9092, "published": "90-99"}]},
            "is published as 90-99; publish",
        ),
        (
            {"environment": {"KAFKA_ADVERTISED_LISTENERS": "HOST://0.0.0.0:9092"}},
            "advertises 0.0.0.0",
        ),
        (
            {
                "environment": {
                    "KAFKA_ADVERTISED_LISTENERS": "A://localhost:9092",
                    "KAFKA_LISTENERS": "A://:9092,B://:9092",
                }
            },
            "are both on port 9092",
        ),
    ],
)
def test_what_cannot_work_is_exit_3(changes: dict[str, Any], problem: str) -> None:
    """The service and its problem are in the sentence, before anything starts."""
    with pytest.raises(InvalidInput, match=f"kafka: .*{re.escape(problem)}"):
        _check(kafka=_broker(**changes))


def test_each_problem_is_shown() -> None:
    """The first in the sentence, those of the other brokers as evidence."""
    with pytest.raises(InvalidInput) as caught:
        compose_file.check(
            {
                "services": {
                    "zookeeper": {},
                    "kafka": _broker(ports=[]),
                    "kafka-2": _broker(environment={"KAFKA_ZOOKEEPER_CONNECT": "zookeeper"}),
                }
            },
            zookeeper_cluster(2),
        )
    assert "kafka: the listener HOST advertises localhost:9092" in caught.value.message
    assert caught.value.evidence == ("kafka-2: KAFKA_ADVERTISED_LISTENERS is not set",)


def test_listeners_default_to_the_advertised_ones() -> None:
    """As the images do it, KAFKA_LISTENERS may be left out."""
    _check(
        zookeeper={},
        kafka=_broker(
            environment={
                "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:9092",
                "KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181",
            }
        ),
    )


def test_a_container_on_the_hosts_network_publishes_nothing() -> None:
    """Its listeners are the host's own; what else is wrong with them is still found."""
    _check(kafka=_broker(ports=None, network_mode="host"))
    environment = {"KAFKA_ADVERTISED_LISTENERS": "A://0.0.0.0:9092"}
    with pytest.raises(InvalidInput, match=r"advertises 0\.0\.0\.0"):
        _check(kafka=_broker(environment=environment, network_mode="host"))


def test_only_volumes_of_these_services_alone_are_theirs() -> None:
    """Shared, external and other services' volumes are left out; the engine's names come back."""

    def mounts(*sources: str) -> dict[str, Any]:
        return {"volumes": [{"type": "volume", "source": source} for source in sources]}

    config = {
        "services": {
            "kafka": mounts("own", "shared", "outside"),
            "zookeeper": {"volumes": [{"type": "bind", "source": "/etc"}]},
            "web": mounts("shared", "theirs"),
        },
        "volumes": {
            "own": {"name": "p_own"},
            "shared": {"name": "p_shared"},
            "theirs": {"name": "p_theirs"},
            "outside": {"name": "outside", "external": True},
        },
    }
    assert leavings.volumes_of(config, ["kafka", "zookeeper"]) == ("p_own",)
