"""Variables of a broker's container that make no property of Kafka, or one that it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kafka_tasks.model import kafka_line
from kafka_tasks.runtimes import broker_settings
from kafka_tasks.runtimes.compose.problems import Problem
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

# What the images read themselves, and what other checks report.
_NO_PROPERTY = re.compile(
    "KAFKA_(?:VERSION|OPTS|HEAP_OPTS|JMX_.*|JVM_PERFORMANCE_OPTS|GC_LOG_OPTS|LOG4J.*|TOOLS_LOG4J.*|"
    "CUB_.*|DEBUG.*|JAVA_DEBUG.*|HOME|CLUSTER_ID|KRAFT_.*|ENABLE_KRAFT|CFG_.*|CREATE_TOPICS|"
    "ADVERTISED_HOST.*|ADVERTISED_PORT|PORT|HOST.*|SSL_.*(?:FILENAME|CREDENTIALS)|CONFLUENT_.*|"
    "METRIC_REPORTERS|REST_.*|ZOOKEEPER_CLIENT_CNXN_SOCKET|TASKS_.*)"
)


def problems(broker: ConfiguredService) -> Iterator[Problem]:
    """Yield the variables that make no property of this Kafka, and values that it refuses."""
    if (line := _line(broker)) is None:
        return
    for variable, value in broker.environment.items():
        if not (name := _property_of(variable, broker.prefix)):
            continue
        refused = broker_settings.refused(name, value, line)
        said = refused or broker_settings.unknown(name, line)
        if said:
            fix = f"correct or remove {variable} in the environment of {broker.name}"
            yield Problem("broker-property", broker.name, said, fix, fatal=bool(refused))


def _property_of(variable: str, prefix: str) -> str | None:
    """Return the property that the images make of a variable: KAFKA_A_B__C___D is a.b_c-d."""
    key = variable.removeprefix(prefix)
    if not variable.startswith(prefix) or _NO_PROPERTY.fullmatch(f"KAFKA_{key}"):
        return None
    name = key.lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def _line(broker: ConfiguredService) -> str | None:
    """Return the Kafka line of a broker's image; None where its tag tells none."""
    if broker.family not in ("confluent", "apache", "bitnami"):
        return None
    try:
        return kafka_line.of_version(".".join(map(str, broker.version[:2]))).line.kafka
    except kafka_line.UnknownVersion:
        return None
