"""A service of a Compose file as `docker compose config` writes it out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from kafka_tasks.model import kafka_line
from kafka_tasks.model.kafka_line import KafkaVersion
from kafka_tasks.model.role import Role

_Family = Literal["confluent", "bitnami", "apache", "wurstmeister", "debezium", "zookeeper"]

# The value of KAFKA_PROCESS_ROLES for each role in KRaft mode, as a set.
PROCESS_ROLES: dict[Role, frozenset[str]] = {
    Role.BROKER: frozenset({"broker"}),
    Role.COMBINED: frozenset({"broker", "controller"}),
    Role.CONTROLLER: frozenset({"controller"}),
}
_HEALTHY = "service_healthy"
_OWNERS: tuple[tuple[str, _Family], ...] = (
    (r"(?:^|/)bitnami(?:legacy|secure)?/(?:kafka|zookeeper)", "bitnami"),
    (r"(?:^|/)wurstmeister/(?:kafka|zookeeper)", "wurstmeister"),
    (r"(?:^|/)debezium/(?:kafka|zookeeper)", "debezium"),
    (r"(?:^|/)apache/kafka(?:-native)?", "apache"),
    (r"(?:^|/)apache-kafka", "apache"),
    (r"(?:^|/)cp-(?:kafka|server|zookeeper|enterprise-kafka|enterprise-zookeeper)", "confluent"),
    (r"^(?:docker\.io/)?(?:library/)?zookeeper", "zookeeper"),
)
# The last part of an image's name.
_KAFKA = re.compile(
    r"(?:apache-)?kafka(?:-native)?|cp-(?:kafka|server|enterprise-kafka)(?:-local)?"
)
_ZOOKEEPER = re.compile(r"(?:cp-(?:enterprise-)?)?zookeeper(?:-local)?")
# Where files beside the variables configure a server of Confluent's or Apache's image.
_CONFIGURATION = re.compile(
    r"/mnt/shared(?:/config)?(?:/|$)|/etc/confluent|/etc/kafka(?!/secrets)|.*\.properties$"
)
# What the image of Apache Kafka makes no properties of.
_TOLD_TO_JAVA = {
    *("KAFKA_VERSION", "KAFKA_OPTS", "KAFKA_HEAP_OPTS", "KAFKA_JMX_OPTS", "KAFKA_GC_LOG_OPTS"),
    *("KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_LOG4J_OPTS", "KAFKA_LOG4J_ROOT_LOGLEVEL"),
    *("KAFKA_LOG4J_LOGGERS", "KAFKA_TOOLS_LOG4J_LOGLEVEL"),
}
_COMBINED = frozenset({"broker", "controller"})
_BITNAMI = "KAFKA_CFG_"


@dataclass(frozen=True, slots=True)
class Published:
    """One entry under `ports`: `outside` is a port or, as text, a range of them."""

    inside: int
    outside: str
    host: str

    @property
    def port(self) -> int | None:
        """The port on this machine; None for a range."""
        return int(self.outside) if self.outside.isdigit() else None

    @property
    def on_loopback(self) -> bool:
        """True where other machines cannot reach it."""
        return is_loopback(self.host)


@dataclass(frozen=True)
class ConfiguredService:
    """One service with its name; values that were left out are empty."""

    name: str
    entry: Mapping[str, Any]

    @cached_property
    def environment(self) -> dict[str, str]:
        """Its variables, with those of env_file; without those that have no value."""
        found = self.entry.get("environment") or {}
        return {key: str(value) for key, value in found.items() if value is not None}

    @property
    def image(self) -> str:
        """The name of its image; empty where Compose builds it."""
        return "" if self.entry.get("build") else str(self.entry.get("image") or "")

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return {key: str(text) for key, text in (self.entry.get("labels") or {}).items()}

    @property
    def _bare_image(self) -> str:
        return re.sub(r"@.*|:[^/]*$", "", self.image)

    @property
    def product(self) -> Literal["kafka", "zookeeper"] | None:
        """The software of its image; None for another one, or an image that Compose builds."""
        last = self._bare_image.rpartition("/")[2]
        if _ZOOKEEPER.fullmatch(last):
            return "zookeeper"
        return "kafka" if _KAFKA.fullmatch(last) else None

    def value(self, key: str) -> str:
        """Return the variable of a broker's property by the names of its image; or nothing."""
        return self.environment.get(f"{self.prefix}{key}", "").strip()

    @property
    def prefix(self) -> str:
        """The prefix of the variables that its image turns into properties."""
        return _BITNAMI if self.family == "bitnami" else "KAFKA_"

    @property
    def names_of_bitnami(self) -> dict[str, str]:
        """The variables that have names of bitnami's image, and what each becomes at another."""
        told = (name for name in self.environment if name.startswith(_BITNAMI))
        return {name: f"KAFKA_{name.removeprefix(_BITNAMI)}" for name in told}

    @property
    def process_roles(self) -> frozenset[str]:
        """Its roles in KRaft mode, by its variables or its image; none in ZooKeeper mode."""
        told = self.value("PROCESS_ROLES")
        if told:
            return frozenset(filter(None, told.replace(" ", "").split(",")))
        if self.value("ZOOKEEPER_CONNECT"):
            return frozenset()
        if self.environment.get("KAFKA_ENABLE_KRAFT", "").lower() in ("yes", "true"):
            return _COMBINED
        # This image has a configuration of its own, as long as no variable replaces it.
        told_to_kafka = (self.entry.get("environment") or {}).keys() - _TOLD_TO_JAVA
        bare = not any(key.startswith("KAFKA_") for key in told_to_kafka)
        return _COMBINED if self.family == "apache" and bare else frozenset()

    @property
    def controller_names(self) -> frozenset[str]:
        """The listeners where controllers are reached; Kafka keeps their case."""
        told = self.value("CONTROLLER_LISTENER_NAMES").split(",")
        return frozenset(name.strip() for name in told if name.strip())

    @property
    def is_told_by_variables(self) -> bool:
        """True where variables alone configure it: no command, no mounted file, a known image."""
        mounted = (str(m.get("target") or "") for m in self.entry.get("volumes") or ())
        return (
            self.family in ("confluent", "apache")
            and not self.command
            and not any(_CONFIGURATION.match(target) for target in mounted)
        )

    @property
    def node_id(self) -> int | None:
        """The id that its variables give it as a broker or a controller."""
        told = self.value("NODE_ID") or self.value("BROKER_ID")
        return int(told) if told.isascii() and told.isdigit() else None

    @property
    def family(self) -> _Family | None:
        """Whose image it is; None for an image that is not known."""
        name = self._bare_image
        return next(
            (family for form, family in _OWNERS if re.search(rf"{form}(?:-local)?$", name)), None
        )

    @property
    def version(self) -> tuple[int, ...]:
        """The numbers at the beginning of its image's tag; none where it has no such tag."""
        tag = self.image.partition("@")[0].rpartition("/")[2].partition(":")[2]
        match = re.match(r"(?:\d+\.\d+-)?(\d+(?:\.\d+)*)", tag)
        return tuple(map(int, match[1].split("."))) if match else ()

    @property
    def kafka(self) -> KafkaVersion | None:
        """The version of Kafka that its image's tag tells; None where it tells none."""
        if self.family not in ("confluent", "apache", "bitnami"):
            return None
        try:
            return kafka_line.of_version(".".join(map(str, self.version)))
        except kafka_line.UnknownVersion:
            return None

    @property
    def on_host(self) -> bool:
        """True where it has no network of its own."""
        return self.entry.get("network_mode") == "host"

    @property
    def networks(self) -> frozenset[str]:
        """The networks of the file that it is on; none with a network_mode."""
        if self.entry.get("network_mode"):
            return frozenset()
        return frozenset(self.entry.get("networks") or {"default": None})

    @cached_property
    def names(self) -> frozenset[str]:
        """The names under which other containers find it, in lower case."""
        aliases = [
            alias
            for network in (self.entry.get("networks") or {}).values()
            for alias in (network or {}).get("aliases") or ()
        ]
        fixed = (self.entry.get("container_name"), self.entry.get("hostname"))
        return frozenset(str(name).lower() for name in (self.name, *fixed, *aliases) if name)

    @property
    def linked(self) -> frozenset[str]:
        """Further names that it knows: of `links` and `extra_hosts`, in lower case."""
        links = (str(link).rpartition(":")[2] for link in self.entry.get("links") or ())
        hosts = self.entry.get("extra_hosts") or ()
        extra = (re.split(r"[=:]", str(host))[0] for host in hosts)
        return frozenset(name.lower() for name in (*links, *extra))

    @property
    def addresses(self) -> frozenset[str]:
        """The fixed addresses that the file gives to it."""
        networks = (self.entry.get("networks") or {}).values()
        return frozenset(
            str(network[key])
            for network in networks
            for key in ("ipv4_address", "ipv6_address")
            if network and network.get(key)
        )

    @property
    def published(self) -> tuple[Published, ...]:
        """The ports that it publishes, those of UDP left out."""
        return tuple(
            Published(int(port["target"]), str(port["published"]), str(port.get("host_ip") or ""))
            for port in self.entry.get("ports") or ()
            if port.get("published") and port.get("protocol", "tcp") == "tcp"
        )

    @property
    def command(self) -> str:
        """The command that replaces the image's, as one line; empty where none does."""
        parts: list[str] = []
        for key in ("entrypoint", "command"):
            told = self.entry.get(key) or ()
            parts += [told] if isinstance(told, str) else [str(part) for part in told]
        return " ".join(parts)

    @property
    def health_check(self) -> str:
        """The command of its health check; empty where it has none, or it is switched off."""
        health = self.entry.get("healthcheck") or {}
        test = health.get("test") or ()
        words = [test] if isinstance(test, str) else [str(word) for word in test]
        if health.get("disable") or words[:1] == ["NONE"]:
            return ""
        return " ".join(words[1:] if words[:1] in (["CMD"], ["CMD-SHELL"]) else words)

    def waits_for(self, other: str) -> bool:
        """Return True if it starts only once another service is healthy."""
        needed = self.entry.get("depends_on") or {}
        return isinstance(needed, Mapping) and (
            (needed.get(other) or {}).get("condition") == _HEALTHY
        )


def is_loopback(host: str) -> bool:
    """Return True for an address of a machine, or of a container, alone."""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def is_literal(host: str) -> bool:
    """Return True for an IP address, and False for a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
