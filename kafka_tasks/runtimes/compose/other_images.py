"""Names of variables that belong to other images of Kafka, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator

from kafka_tasks.runtimes.compose.problems import Problem
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

_NEEDED = ("KAFKA_ADVERTISED_LISTENERS", "KAFKA_ZOOKEEPER_CONNECT", "KAFKA_PROCESS_ROLES")


def problems(broker: ConfiguredService) -> Iterator[Problem]:
    """Yield the names that Confluent's image of this broker does not know."""
    if broker.family != "confluent":
        return
    yield from _of_bitnami(broker)
    yield from _of_wurstmeister(broker)


def _of_bitnami(broker: ConfiguredService) -> Iterator[Problem]:
    became = broker.names_of_bitnami
    if not became:
        return
    # What the image needs, and has under the other name alone.
    fatal = any(new in _NEEDED and new not in broker.environment for new in became.values())
    yield Problem(
        "names-of-bitnami",
        broker.name,
        f"{', '.join(became)}: names of bitnami's image, and {broker.image} does not know them",
        "; ".join(f"{old} becomes {new}" for old, new in became.items()),
        fatal,
    )


def _of_wurstmeister(broker: ConfiguredService) -> Iterator[Problem]:
    environment = broker.environment
    host = environment.get("KAFKA_ADVERTISED_HOST_NAME")
    if host and not environment.get("KAFKA_ADVERTISED_LISTENERS"):
        port = environment.get("KAFKA_ADVERTISED_PORT") or environment.get("KAFKA_PORT") or "9092"
        shown = "localhost" if host == "127.0.0.1" else host
        yield Problem(
            "names-of-wurstmeister",
            broker.name,
            "KAFKA_ADVERTISED_HOST_NAME is a name of wurstmeister's image, and "
            f"{broker.image} does not know it",
            f"KAFKA_ADVERTISED_HOST_NAME becomes KAFKA_ADVERTISED_LISTENERS: "
            f"PLAINTEXT://{shown}:{port}{_topics(broker)}",
        )
    elif environment.get("KAFKA_CREATE_TOPICS"):
        yield Problem(
            "names-of-wurstmeister",
            broker.name,
            f"KAFKA_CREATE_TOPICS is a name of wurstmeister's image, and {broker.image} creates "
            "no topics",
            _topics(broker).removeprefix("; "),
            fatal=False,
        )


def _topics(broker: ConfiguredService) -> str:
    """Return what becomes of the topics that the other image would create."""
    entries = broker.environment.get("KAFKA_CREATE_TOPICS", "").split(",")
    found = []
    for entry in filter(str.strip, entries):
        name, partitions, replicas = (*entry.strip().split(":"), "1", "1")[:3]
        fields = f"name: {name}, partitions: {partitions}, replication_factor: {replicas}"
        found.append(f"{{{fields}}}")
    listed = f"topics: [{', '.join(found)}]"
    return f"; KAFKA_CREATE_TOPICS becomes topics.yaml: {listed}" if found else ""
