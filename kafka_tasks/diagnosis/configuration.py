"""The configuration: settings, images, environment and files that look wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kafka_tasks.clients import machine
from kafka_tasks.diagnosis import secrets
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.diagnosis.machine import heap_bytes
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.address import Address
from kafka_tasks.model.finding import Finding
from kafka_tasks.settings import PREFIX, Settings, dotenv_values_of

# cp-kafka refuses to start with the first; with the second, Kafka's tools in a container fail.
FATAL_NAMES = ("KAFKA_PORT", "KAFKA_HOST", "KAFKA_ADVERTISED_PORT", "KAFKA_ADVERTISED_HOST")
_JMX_NAMES = ("JMX_PORT", "KAFKA_JMX_PORT")
_INHERITED = (
    (
        FATAL_NAMES,
        "kafka-port-variable",
        "cp-kafka refuses to start if env_file or a bare name in its environment passes it on. "
        "kafka-tasks does not pass it on.",
        "confluentinc/cp-docker-images#388",
    ),
    (
        _JMX_NAMES,
        "jmx-port-inherited",
        "Each of Kafka's Java tools tries to listen on that port.",
        "wurstmeister/kafka-docker#171",
    ),
)
REPLICATION = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "default.replication.factor",
)
_MIN_HEAP, _MIN_ZOOKEEPER_HEAP = 128 * 1024**2, 32 * 1024**2


def suspicious(exam: Examination) -> Iterator[Finding]:
    """Report values that are allowed but look like a mistake."""
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
        for field, name, value, why, fix in _mistakes(exam.settings)
    ]
    count = sum(origin.explicit for _, _, origin in exam.settings.entries())
    yield from found
    if not found:
        yield Finding(
            "settings",
            "ok",
            f"settings are valid ({count} set by you)",
            area="configuration",
        )


def _mistakes(settings: Settings) -> Iterator[tuple[str, str, object, str, str]]:
    """Yield field, variable, value, reason and fix of each suspicious value."""
    for field, why, fix in (*_small_or_large(settings), *_without_effect(settings)):
        name = PREFIX + field.upper()
        command = f"{name}={fix}" if fix else f"unset {name}"
        yield field, name, getattr(settings, field), why, command


def _small_or_large(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield field, reason and better value of each time-out, heap and port that is unusual."""
    total, _ = machine.memory_bytes()
    if settings.timeout < 10:
        yield "timeout", "a first start may take longer", "60"
    if heap_bytes(settings.heap) < _MIN_HEAP:
        yield "heap", "a broker needs more memory", "512m"
    if heap_bytes(settings.zookeeper_heap) < _MIN_ZOOKEEPER_HEAP:
        yield "zookeeper_heap", "ZooKeeper needs more memory", "256m"
    if heap_bytes(settings.heap) * settings.brokers > total:
        why = f"all brokers together need more than {total / 1e9:.1f} GB of memory"
        yield "heap", why, "512m"
    for field in ("port", "zookeeper_port"):
        port = getattr(settings, field)
        if isinstance(port, int) and port < 1024:
            yield field, "only root can listen on ports below 1024", "auto"


def _without_effect(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield field, reason and better value of each setting that other settings disable."""
    if settings.network_external and settings.network is None:
        yield "network_external", "KAFKA_TASKS_NETWORK is not set", "false"
    if settings.bootstrap_servers and settings.runtime not in ("auto", "remote"):
        yield "bootstrap_servers", f"the {settings.runtime} runtime does not use it", ""
    if settings.sasl_username and not settings.security_protocol:
        yield "sasl_username", "KAFKA_TASKS_SECURITY_PROTOCOL is not set", ""


def versions(exam: Examination) -> Iterator[Finding]:
    """Report images that lack the mode that is set, or whose tag names no version."""
    if exam.runtime != "compose":
        return
    both = ("kafka_image", "zookeeper_image")
    used = [field for field in both if field not in exam.settings.unused]
    for field in used:
        fix = f"unset {PREFIX}{field.upper()}, or set a 7.x tag"
        yield from of_image(
            str(getattr(exam.settings, field)), fix, needs_zookeeper=len(used) == len(both)
        )


def of_image(image: str, fix: str, *, needs_zookeeper: bool = True) -> Iterator[Finding]:
    """Report an image name without a version, or without the ZooKeeper mode that it needs."""
    name, _, digest = image.partition("@")
    base, _, tag = name.rpartition("/")[2].partition(":")
    floating = tag.startswith("latest") or not tag
    if digest and floating:
        return  # a digest names exactly one image
    if needs_zookeeper and (
        re.match(r"(?:[89]|\d\d)\.", tag) or (floating and base.startswith("cp-"))
    ):
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
            f"The image {image} has no fixed version.",
            area="configuration",
            cause="Its tag is `latest`, which is also the default, and changes with each push.",
            fix=fix,
            exit_code=3,
        )


def inherited(exam: Examination) -> Iterator[Finding]:
    """Report environment variables that break Kafka's images and tools."""
    for names, id, cause, reference in _INHERITED:
        for name in names:
            if name in exam.environ:
                yield Finding(
                    id,
                    "warning",
                    f"{name} is set in the environment.",
                    area="configuration",
                    cause=cause,
                    evidence=(f"{name}={exam.environ[name]}",),
                    fix=f"unset {name}",
                    exit_code=3,
                    reference=reference,
                )


def dotenv(exam: Examination) -> Iterator[Finding]:
    """Compare `.env` with `.env.example`, and report a `.env` that others can read."""
    path, example = exam.project.path / ".env", exam.project.path / ".env.example"
    if not path.is_file():
        return
    names = _names(path)
    if example.is_file():
        yield from _compared(names, example)
    secret = {variable.name for variable, _, _ in exam.settings.entries() if variable.secret}
    if names & secret and path.stat().st_mode & 0o077:
        yield Finding(
            "env-readable",
            "warning",
            ".env has a password, and other users can read it.",
            area="configuration",
            evidence=(f"mode {path.stat().st_mode & 0o777:o}",),
            fix=f'chmod 600 "{path}"',
            exit_code=3,
            remedy="env-mode",
        )


def _compared(names: set[str], example: Path) -> Iterator[Finding]:
    if lacking := ", ".join(sorted(_names(example) - names)):
        title = f".env lacks names of .env.example: {lacking}"
        yield Finding("env-lacks", "info", title, area="configuration")
    if unknown := ", ".join(sorted(names - _mentioned(example))):
        title = f".env has names that .env.example lacks: {unknown}"
        yield Finding("env-unknown", "info", title, area="configuration")


def readable(exam: Examination) -> Iterator[Finding]:
    """Report other files with a password that other users can read; `--fix` leaves them."""
    for path in _with_secrets(exam):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            yield Finding(
                "secret-readable",
                "warning",
                f"{path.name} has a password, and other users can read it.",
                area="configuration",
                evidence=(f"{path}: mode {mode:o}",),
                fix=f'chmod 600 "{path}"',
                exit_code=3,
            )


def _with_secrets(exam: Examination) -> Iterator[Path]:
    origins = {origin.kind for variable, _, origin in exam.settings.entries() if variable.secret}
    if "invoke" in origins:
        yield from sorted(exam.project.path.glob("invoke.*"))
    properties = exam.settings.broker_properties
    if properties is not None and properties.is_file() and secrets.of_properties(properties):
        yield properties


def _names(path: Path) -> set[str]:
    return set(dotenv_values_of(path))


def _mentioned(path: Path) -> set[str]:
    """Return every name in the example, including names in comments."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    found = (
        re.match(r"\s*#?\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", line) for line in io.StringIO(text)
    )
    return {match[1] for match in found if match}


def additional_properties(exam: Examination) -> Iterator[Finding]:
    """Report additional broker properties that need more brokers, or that brokers refuse."""
    from kafka_tasks.runtimes import broker_properties

    for path in broker_properties.strangers(exam.settings):
        yield Finding(
            "broker-property",
            "warning",
            f"No broker is named as the file {path.name} says.",
            area="configuration",
            cause="A file for one broker is broker.NAME.properties, with NAME kafka, kafka-2, …",
            evidence=(str(path),),
            fix=f"rename or remove {path}",
            exit_code=3,
        )
    try:
        found = tuple(broker_properties.sources(exam.settings))
    except InvalidInput as error:
        yield of_error(error, "broker-properties", "configuration")
        return
    brokers = exam.settings.brokers
    for path, properties in found:
        for key in REPLICATION:
            if (value := properties.get(key, "1")).isdigit() and int(value) > brokers:
                fix = f"{key}={brokers}; or invoke kafka.up --brokers {value}"
                yield replication(key, int(value), brokers, fix)
        yield from _odd_properties(path, properties, exam.settings)


def _odd_properties(path: Path, found: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    """Report values that brokers refuse, and names that they do not know."""
    from kafka_tasks.runtimes import broker_settings

    line = settings.line.kafka
    for name, value in found.items():
        refused = broker_settings.refused(name, value, line)
        if said := refused or broker_settings.unknown(name, line):
            yield Finding(
                "broker-property",
                "error" if refused else "warning",
                said if said.endswith("?") else f"{said}.",
                area="configuration",
                cause="A broker does not start with it."
                if refused
                else "A broker ignores it, unless a plugin reads it.",
                evidence=(f"from {path}",),
                fix=f"correct or remove {name} in {path}",
                exit_code=3,
            )


def replication(key: str, value: int, brokers: int, fix: str) -> Finding:
    """Return the finding for a replication factor above the number of brokers."""
    return Finding(
        "replication-factor",
        "error",
        f"{key} is {value}, but the cluster has {brokers} brokers."
        if brokers > 1
        else f"{key} is {value}, but the cluster has one broker.",
        area="configuration",
        cause="Each replica needs its own broker; consumer groups hang until there are enough.",
        fix=fix,
        exit_code=3,
        reference="confluentinc/cp-docker-images#477",
    )


def _exposed(exam: Examination) -> Iterator[Finding]:
    """Report servers that other machines can reach."""
    pids = {service.pid: service.name for service in exam.alive() if service.pid}
    open_to_all = [
        (pids[pid], address, port)
        for pid, address, port in machine.listening(pids)
        if not Address(address.removeprefix("::ffff:"), port).is_loopback
    ]
    for name, address, port in open_to_all:
        yield Finding(
            "exposed",
            "warning",
            f"{name} listens on {address}:{port}, where other machines can reach it.",
            area="configuration",
            cause="No password is needed: anyone who reaches it can read and delete all data.",
            fix="invoke kafka.config, which shows the setting",
            exit_code=3,
            service=name,
        )
    if pids and not open_to_all:
        yield Finding("exposed", "ok", "all servers listen on loopback only", area="configuration")


CHECKS = tuple(
    Check(name, "configuration", ask)
    for name, ask in (
        ("settings", suspicious),
        ("versions", versions),
        ("environment", inherited),
        (".env", dotenv),
        ("broker properties", additional_properties),
        ("files with secrets", readable),
        ("exposure", _exposed),
    )
)
