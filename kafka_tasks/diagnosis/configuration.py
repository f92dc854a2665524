"""The configuration: what is set, and what in it cannot be meant."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.diagnosis import secrets
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.diagnosis.machine import heap_bytes
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.cluster import Address
from kafka_tasks.model.finding import Finding
from kafka_tasks.settings import PREFIX, Settings, dotenv_values_of

# What cp-kafka refuses to start with, and what makes Kafka's own tools inside a container fail.
FATAL_NAMES = ("KAFKA_PORT", "KAFKA_HOST", "KAFKA_ADVERTISED_PORT", "KAFKA_ADVERTISED_HOST")
_JMX_NAMES = ("JMX_PORT", "KAFKA_JMX_PORT")
REPLICATION = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "default.replication.factor",
)
_SMALL_HEAP, _SMALL_KEEPER_HEAP = 128 * 1024**2, 32 * 1024**2


def suspicious(exam: Examination) -> Iterator[Finding]:
    """Values that are allowed and still look like a slip."""
    if not exam.readable:
        return
    found = [
        Finding(
            "setting-suspicious",
            "warning",
            f"{name} is {value}: {why}.",
            area="configuration",
            evidence=(f"from {exam.settings.origins.get(field, 'default')}",),
            fix=fix,
            exit_code=3,
        )
        for field, name, value, why, fix in _slips(exam.settings)
    ]
    count = sum(origin.explicit for _, _, origin in exam.settings.entries())
    yield from found
    if not found:
        yield Finding(
            "settings",
            "ok",
            f"the settings can be meant ({count} of them set by you)",
            area="configuration",
        )


def _slips(settings: Settings) -> Iterator[tuple[str, str, object, str, str]]:
    """Field, variable, value, why it is suspicious, what to type instead."""

    def slip(field: str, why: str, fix: str) -> tuple[str, str, object, str, str]:
        name = PREFIX + field.upper()
        return (
            field,
            name,
            getattr(settings, field),
            why,
            f"{name}={fix}" if fix else f"unset {name}",
        )

    total, _ = processes.memory_bytes()
    if settings.timeout < 10:
        yield slip("timeout", "a first start may well take longer", "60")
    if heap_bytes(settings.heap) < _SMALL_HEAP:
        yield slip("heap", "a broker with so little dies of it", "512m")
    if heap_bytes(settings.zookeeper_heap) < _SMALL_KEEPER_HEAP:
        yield slip("zookeeper_heap", "ZooKeeper with so little dies of it", "256m")
    if heap_bytes(settings.heap) * settings.brokers > total:
        yield slip(
            "heap", f"all brokers together want more than the {total / 1e9:.1f} GB here", "512m"
        )
    for field in ("port", "zookeeper_port"):
        port = getattr(settings, field)
        if isinstance(port, int) and port < 1024:
            yield slip(field, "only root may listen below 1024", "auto")
    if settings.network_external and settings.network is None:
        yield slip("network_external", "no network is named to be joined", "false")
    if settings.bootstrap_servers and settings.runtime not in ("auto", "remote"):
        yield slip("bootstrap_servers", f"the {settings.runtime} runtime does not use it", "")
    if settings.sasl_username and not settings.security_protocol:
        yield slip("sasl_username", "no security protocol uses it", "")


def versions(exam: Examination) -> Iterator[Finding]:
    """Images whose tag says that they have no ZooKeeper, or that says nothing."""
    if exam.runtime != "compose":
        return
    for field in ("kafka_image", "zookeeper_image"):
        fix = f"unset {PREFIX}{field.upper()}, or give it a tag of 7.x"
        yield from of_image(str(getattr(exam.settings, field)), fix)


def of_image(image: str, fix: str) -> Iterator[Finding]:
    """What an image's name gives away: no ZooKeeper mode, or another image tomorrow."""
    name, _, digest = image.partition("@")
    base, _, tag = name.rpartition("/")[2].partition(":")
    floating = tag.startswith("latest") or not tag
    if digest and floating:
        return  # exactly one image, whatever it is
    if re.match(r"(?:[89]|\d\d)\.", tag) or (floating and base.startswith("cp-")):
        yield Finding(
            "no-zookeeper-in-version",
            "error",
            f"The image {image} has no ZooKeeper mode.",
            area="configuration",
            cause="Confluent Platform 8.0 removed ZooKeeper, and `latest` is 8 or newer.",
            fix=fix,
            exit_code=3,
            reference="testcontainers/testcontainers-dotnet#1773",
        )
    elif floating:
        yield Finding(
            "image-not-pinned",
            "warning",
            f"The image {image} is another one whenever somebody pushes it.",
            area="configuration",
            cause="Its tag is `latest`, by itself or because none is given.",
            fix=fix,
            exit_code=3,
        )


def inherited(exam: Examination) -> Iterator[Finding]:
    """Variables of the environment that hurt Kafka's images and tools."""
    for name in FATAL_NAMES:
        if name in exam.environ:
            yield Finding(
                "kafka-port-variable",
                "warning",
                f"{name} is set in the environment.",
                area="configuration",
                cause="Handed on to a container, by env_file or a bare name in its environment, it "
                "keeps cp-kafka from starting. kafka-tasks hands on none of them.",
                evidence=(f"{name}={exam.environ[name]}",),
                fix=f"unset {name}",
                exit_code=3,
                reference="confluentinc/cp-docker-images#388",
            )
    for name in _JMX_NAMES:
        if name in exam.environ:
            yield Finding(
                "jmx-port-inherited",
                "warning",
                f"{name} is set in the environment.",
                area="configuration",
                cause="Each of Kafka's Java tools would try to listen on that port.",
                evidence=(f"{name}={exam.environ[name]}",),
                fix=f"unset {name}",
                exit_code=3,
                reference="wurstmeister/kafka-docker#171",
            )


def dotenv(exam: Examination) -> Iterator[Finding]:
    """`.env` against `.env.example`, and who may read it."""
    path, example = exam.project.path / ".env", exam.project.path / ".env.example"
    if not path.is_file():
        return
    names = _names(path)
    if example.is_file() and (lacking := _names(example) - names):
        shown = ", ".join(sorted(lacking))
        yield Finding(
            "env-lacks",
            "info",
            f".env.example has what .env has not: {shown}",
            area="configuration",
        )
    if example.is_file() and (unknown := names - _mentioned(example)):
        shown = ", ".join(sorted(unknown))
        yield Finding(
            "env-unknown",
            "info",
            f".env has what .env.example does not mention: {shown}",
            area="configuration",
        )
    secret = {variable.name for variable, _, _ in exam.settings.entries() if variable.secret}
    if names & secret and path.stat().st_mode & 0o077:
        yield Finding(
            "env-readable",
            "warning",
            ".env has a password, and others on this machine may read it.",
            area="configuration",
            evidence=(f"mode {path.stat().st_mode & 0o777:o}",),
            fix=f'chmod 600 "{path}"',
            exit_code=3,
            remedy="env-mode",
        )


def readable(exam: Examination) -> Iterator[Finding]:
    """Other files with a password that others may read; they are the user's, so no fix is ours."""
    for path in _with_secrets(exam):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield Finding(
                "secret-readable",
                "warning",
                f"{path.name} has a password, and others on this machine may read it.",
                area="configuration",
                evidence=(f"{path}: mode {mode:o}",),
                fix=f'chmod 600 "{path}"',
                exit_code=3,
            )


def _with_secrets(exam: Examination) -> Iterator[Path]:
    origins = {origin.kind for variable, _, origin in exam.settings.entries() if variable.secret}
    if "invoke" in origins:
        yield from sorted(exam.project.path.glob("invoke.*"))
    further = exam.settings.broker_properties
    if further is not None and further.is_file() and secrets.of_properties(further):
        yield further


def _names(path: Path) -> set[str]:
    return set(dotenv_values_of(path))


def _mentioned(path: Path) -> set[str]:
    """Every name that the example has, those in comments too."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    found = (
        re.match(r"\s*#?\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", line) for line in io.StringIO(text)
    )
    return {match[1] for match in found if match}


def further_properties(exam: Examination) -> Iterator[Finding]:
    """The file of further broker properties: what in it cannot work with so many brokers."""
    from kafka_tasks.runtimes import broker_properties

    if exam.settings.broker_properties is None:
        return
    try:
        found = broker_properties.read(exam.settings.broker_properties)
    except InvalidInput as error:
        yield of_error(error, "broker-properties", "configuration")
        return
    brokers = exam.settings.brokers
    for key in REPLICATION:
        if (value := found.get(key, "1")).isdigit() and int(value) > brokers:
            yield replication(key, int(value), brokers, f"{key}={brokers}")


def replication(key: str, value: int, brokers: int, fix: str) -> Finding:
    """A replication factor that so many brokers cannot meet."""
    return Finding(
        "replication-factor",
        "error",
        f"{key} is {value}, and there are {brokers} brokers."
        if brokers > 1
        else f"{key} is {value}, and there is one broker.",
        area="configuration",
        cause="Each replica needs a broker of its own; consumer groups hang until it is met.",
        fix=f"{fix}; or invoke kafka.up --brokers {value}",
        exit_code=3,
        reference="confluentinc/cp-docker-images#477",
    )


def exposed(exam: Examination) -> Iterator[Finding]:
    """Servers that other machines can reach."""
    pids = {service.pid: service.name for service in exam.alive() if service.pid}
    open_to_all = [
        (pids[pid], address, port)
        for pid, address, port in processes.listening(pids)
        if not Address(address.removeprefix("::ffff:"), port).is_loopback
    ]
    for name, address, port in open_to_all:
        yield Finding(
            "exposed",
            "warning",
            f"{name} listens on {address}:{port}, where other machines can reach it.",
            area="configuration",
            cause="There is no password: whoever reaches it may read and delete everything.",
            fix="invoke kafka.config shows which setting opened it",
            exit_code=3,
            service=name,
        )
    if pids and not open_to_all:
        yield Finding("exposed", "ok", "nothing listens beyond loopback", area="configuration")


CHECKS = tuple(
    Check(name, "configuration", ask)
    for name, ask in (
        ("settings", suspicious),
        ("versions", versions),
        ("environment", inherited),
        (".env", dotenv),
        ("broker properties", further_properties),
        ("files with secrets", readable),
        ("exposure", exposed),
    )
)
