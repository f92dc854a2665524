"""Every setting: its variable, default, parser, allowed values and meaning."""

from __future__ import annotations

import re
from typing import Literal

from kafka_tasks.errors import SettingsError
from kafka_tasks.model import kafka_line
from kafka_tasks.model.role import MAX_BROKERS
from kafka_tasks.model.security import KINDS, certificate_host
from kafka_tasks.settings.connection_variables import CONNECTION_VARIABLES
from kafka_tasks.settings.variable import Variable, choice, path, text

_MAX_HOSTS = 100


def _port(value: str) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    return _whole(value, 1, 65535)


def _whole(value: str, low: int, high: int) -> int:
    if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
        raise ValueError
    return int(value)


def _brokers(value: str) -> int:
    return _whole(value, 1, MAX_BROKERS)


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds <= 86400:
        raise ValueError
    return seconds


def _boolean(value: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in words:
        raise ValueError
    return words[value.lower()]


def _version(value: str) -> str:
    return kafka_line.of_version(value).text


def _controllers(value: str) -> int:
    if value not in ("0", "1", "3"):
        raise ValueError
    return int(value)


def _racks(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    if not all(re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name, re.ASCII) for name in names):
        raise ValueError
    return ",".join(names)


def _san(value: str) -> str:
    """Return names and addresses in the order and the spelling that two lists are compared in."""
    found = {certificate_host(each.strip()) for each in value.split(",")}
    if len(found) > _MAX_HOSTS:
        raise ValueError
    return ",".join(sorted(found))


def _heap(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[kKmMgG]", value, re.ASCII):
        raise ValueError
    return value


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "runtime",
        "auto",
        choice("auto", "embedded", "compose", "remote"),
        "auto, embedded, compose or remote",
        "runtime of the cluster",
    ),
    Variable(
        "port",
        "9092",
        _port,
        "a port from 1 to 65535, or auto",
        "port of the first broker on 127.0.0.1; further brokers use the next ports",
    ),
    Variable(
        "zookeeper_port",
        "2181",
        _port,
        "a port from 1 to 65535, or auto",
        "port of ZooKeeper on 127.0.0.1",
    ),
    Variable(
        "version",
        kafka_line.DEFAULT.text,
        _version,
        kafka_line.SUPPORTED,
        "version of Confluent Platform (7.5 = Kafka 3.5 … 7.9 = 3.9, 8.0 = 4.0 … 8.3 = 4.3) or of "
        "Apache Kafka",
        renamed_flag="--kafka-version",
    ),
    Variable(
        "mode",
        "auto",
        choice("auto", "zookeeper", "kraft"),
        "auto, zookeeper or kraft",
        "what coordinates the brokers; auto is ZooKeeper for Kafka 3 and KRaft for Kafka 4",
    ),
    Variable(
        "controllers",
        "0",
        _controllers,
        "0, 1 or 3",
        "KRaft: dedicated controllers; with 0, brokers are controllers too",
    ),
    Variable(
        "controller_port",
        "19093",
        _port,
        "a port from 1 to 65535, or auto",
        "KRaft: port of the first controller on 127.0.0.1; further controllers use the next ports",
    ),
    Variable(
        "kafka_image",
        None,
        text,
        "an image name",
        "broker image (confluentinc/cp-kafka:$VERSION or apache/kafka:$VERSION)",
    ),
    Variable(
        "zookeeper_image",
        None,
        text,
        "an image name",
        "ZooKeeper image (confluentinc/cp-zookeeper:$VERSION)",
    ),
    Variable("brokers", "1", _brokers, f"a number from 1 to {MAX_BROKERS}", "number of brokers"),
    Variable(
        "racks",
        None,
        _racks,
        "names, separated by commas",
        "racks of the brokers, in turn; consumers can then fetch from the closest replica",
    ),
    Variable("network", None, text, "a network name", "Docker network (kafka-tasks-<project>)"),
    Variable(
        "network_external",
        "false",
        _boolean,
        "true or false",
        "use an existing Docker network and never delete it",
    ),
    Variable(
        "broker_properties",
        None,
        path,
        "the path of a file",
        "file with additional broker properties, for both runtimes",
    ),
    Variable(
        "secure",
        "none",
        choice("none", *KINDS),
        "none, tls, mtls, plain or scram",
        "security of the clusters that are started here",
    ),
    Variable(
        "acl",
        "false",
        _boolean,
        "true or false",
        "secured clusters: deny what no ACL allows; only the user admin may do everything",
    ),
    Variable(
        "san",
        None,
        _san,
        "host names, such as kafka.test or *.kafka.test, and IP addresses, separated by commas",
        "secured clusters: further names and addresses in the certificate of the brokers",
    ),
    Variable(
        "launch",
        "direct",
        choice("direct", "image"),
        "direct or image",
        "compose: start the servers directly, or through the images' entry point",
    ),
    Variable(
        "compose_file",
        None,
        path,
        "the path of a file",
        "Compose file (the project's if it has a cluster, else the packaged one)",
    ),
    Variable(
        "timeout",
        "60",
        _seconds,
        "seconds, more than 0",
        "seconds to wait until the cluster is ready",
    ),
    *CONNECTION_VARIABLES,
    Variable(
        "topics_file", "topics.yaml", path, "the path of a file", "file that declares the topics"
    ),
    Variable("heap", "512m", _heap, "a size such as 512m or 1g", "heap of a broker (embedded)"),
    Variable(
        "zookeeper_heap", "256m", _heap, "a size such as 256m", "heap of ZooKeeper (embedded)"
    ),
    Variable(
        "java_home",
        None,
        path,
        "the path of a Java installation",
        "Java to use, without fallback (default: JAVA_HOME, the bundled Java, java on PATH)",
    ),
    Variable(
        "cache",
        None,
        path,
        "the path of a directory",
        "directory of jars and JVM class archives, shared by projects (the user cache directory)",
    ),
)

BY_FIELD = {variable.field: variable for variable in VARIABLES}
_BY_NAME = {variable.name: variable for variable in VARIABLES}


def find_variable(name: str, place: str) -> Variable:
    """Return the variable of this name; raises `SettingsError` that names the place."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    from difflib import get_close_matches

    near = get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    raise SettingsError(
        f"{name} in {place} is not a setting of kafka-tasks.",
        # kafka.config reads the same sources, and fails of the same name.
        hint=f"did you mean {near[0]}?" if near else f"remove {name} from {place}",
    )
