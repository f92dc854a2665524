"""The effective settings of one project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kafka_tasks.model import client_names, kafka_line, topology
from kafka_tasks.model.address import Address
from kafka_tasks.model.kafka_line import Family, KafkaLine, KafkaVersion, Mode
from kafka_tasks.model.security import SecureKind, Security
from kafka_tasks.model.topology import Topology
from kafka_tasks.settings.contexts import CONNECTION, Context
from kafka_tasks.settings.variable import PREFIX, Origin, Variable
from kafka_tasks.settings.variables import VARIABLES

_OF_ZOOKEEPER = frozenset({"zookeeper_port", "zookeeper_heap", "zookeeper_image"})
# Where the environment has them empty, those of `.env` do not count either.
NO_CONNECTION = dict.fromkeys((f"{PREFIX}{n.upper()}" for n in ("context", *CONNECTION)), "")
# Those that name where a connection is declared: once read, its values are settings of their own.
NO_DECLARATION = dict.fromkeys((f"{PREFIX}CONTEXT", f"{PREFIX}CLIENT_PROPERTIES"), "")
_OF_KRAFT = frozenset({"controllers", "controller_port"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every effective setting of one project; `origins` has the origin of each field.

    `recorded_mode` is the mode of the project's last start, and `combined` how many of its brokers
    are controllers too. `services` are those of a user's own Compose file, which decides them.
    `remote` is the context that the connection comes from, and `unused_properties` are those of
    the client file that say nothing to kafka-tasks.
    """

    project: Path
    runtime: str
    port: int | Literal["auto"]
    zookeeper_port: int | Literal["auto"]
    version: str
    mode: Literal["auto"] | Mode
    controllers: int
    controller_port: int | Literal["auto"]
    kafka_image: str
    zookeeper_image: str
    brokers: int
    racks: str | None
    network: str | None
    network_external: bool
    broker_properties: Path | None
    secure: Literal["none"] | SecureKind
    acl: bool
    san: str | None
    launch: str
    compose_file: Path | None
    timeout: float
    context: str | None
    client_properties: Path | None
    bootstrap_servers: tuple[Address, ...] | None
    security_protocol: str | None
    sasl_mechanism: str | None
    sasl_username: str | None
    sasl_password: str | None = field(repr=False)
    sasl_oauthbearer_token_endpoint_url: str | None
    sasl_oauthbearer_client_id: str | None
    sasl_oauthbearer_client_secret: str | None = field(repr=False)
    sasl_oauthbearer_scope: str | None
    sasl_oauthbearer_extensions: str | None
    https_ca_location: Path | None
    https_ca_pem: str | None
    token_command: str | None = field(repr=False)
    ssl_ca_location: Path | None
    ssl_ca_pem: str | None
    ssl_truststore_location: Path | None
    ssl_truststore_password: str | None = field(repr=False)
    ssl_certificate_location: Path | None
    ssl_certificate_pem: str | None = field(repr=False)
    ssl_key_location: Path | None
    ssl_key_pem: str | None = field(repr=False)
    ssl_key_password: str | None = field(repr=False)
    ssl_keystore_location: Path | None
    ssl_keystore_password: str | None = field(repr=False)
    topics_file: Path
    heap: str
    zookeeper_heap: str
    java_home: Path | None
    cache: Path
    java_home_variable: Path | None = None
    recorded_mode: Mode | None = None
    combined: int | None = None
    services: Topology | None = None
    remote: Context | None = None
    unused_properties: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)

    @property
    def kafka(self) -> KafkaVersion:
        """The version with its family and line; `version` is its text, always whole."""
        return kafka_line.of_version(self.version)

    @property
    def family(self) -> Family:
        """The family of the version: apache or confluent."""
        return self.kafka.family

    @property
    def line(self) -> KafkaLine:
        """The Kafka line of the version: Confluent Platform 7.9.11 is Kafka 3.9."""
        return self.kafka.line

    @property
    def are_remote(self) -> bool:
        """True where they name a remote cluster, and no other runtime."""
        return self.runtime == "remote" or (self.runtime == "auto" and bool(self.bootstrap_servers))

    @property
    def resolved_mode(self) -> Mode:
        """The mode of a start: where it is auto, the one before, or the first of the line."""
        if self.services is not None and self.services.mode is not None:
            return self.services.mode
        if self.mode != "auto":
            return self.mode
        modes = self.line.modes
        return self.recorded_mode if self.recorded_mode in modes else modes[0]

    @property
    def lacks_image(self) -> str | None:
        """Why no image runs this version in this mode; None where one does."""
        return None if self.explicit("kafka_image") else self.kafka.lacks_image(self.resolved_mode)

    @property
    def topology(self) -> Topology:
        """The services that a start with these settings would have, without ports."""
        if self.services is not None:
            return self.services
        mode = self.resolved_mode
        planned = topology.planned(mode, self.brokers, self.controllers, self.combined)
        return replace(planned, security=self.security)

    @property
    def security(self) -> Security | None:
        """The security of a start; None where it is none."""
        if self.secure == "none":
            return None
        hosts = tuple(self.san.split(",")) if self.san else ()
        found = Security(self.secure, self.acl, hosts)
        # What an earlier start remembered is not for a kind without users.
        return found if found.knows_users else Security(self.secure, hosts=hosts)

    @property
    def internal_port(self) -> Literal["auto"]:
        """The port of a secured broker's second listener, which is always picked."""
        return "auto"

    @property
    def unused(self) -> frozenset[str]:
        """The fields that belong to the other mode."""
        mode = self.resolved_mode
        return _OF_KRAFT if mode == "zookeeper" else _OF_ZOOKEEPER

    @property
    def shape(self) -> dict[str, Any]:
        """The numbers that the topology follows from, as records have them."""
        found = self.topology
        combined = sum(each.role.serves_clients for each in found.voters)
        return {
            "mode": self.resolved_mode,
            "brokers": self.brokers,
            "controllers": len(found.voters) - combined,
            "combined": combined,
        }

    def entries(self) -> Iterator[tuple[Variable, Any, Origin]]:
        """Yield each variable with its value and origin, in the order of the documentation."""
        for variable in VARIABLES:
            origin = self.origins.get(variable.field, Origin("default"))
            yield variable, getattr(self, variable.field), origin

    def explicit(self, name: str) -> bool:
        """Return True if the user set this field."""
        return self.origins.get(name, Origin("default")).explicit

    def client(self) -> dict[str, str]:
        """Return the librdkafka properties that connect to a secured cluster.

        librdkafka reads no trust store: that is not among them.
        """
        wanted = {
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
            **self._oauth(),
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.ca.pem": self.ssl_ca_pem,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.certificate.pem": self.ssl_certificate_pem,
            "ssl.key.location": self.ssl_key_location,
            "ssl.key.pem": self.ssl_key_pem,
            "ssl.key.password": self.ssl_key_password,
            "ssl.keystore.location": self.ssl_keystore_location,
            "ssl.keystore.password": self.ssl_keystore_password,
        }
        return {key: str(value) for key, value in wanted.items() if value is not None}

    def _oauth(self) -> dict[str, Any]:
        """Return the properties of a log-in by a token; a token command is none of them."""
        if self.sasl_mechanism != client_names.OAUTHBEARER:
            return {}
        url = self.sasl_oauthbearer_token_endpoint_url
        return {
            client_names.TOKEN_METHOD: "oidc" if url else None,
            client_names.TOKEN_URL: url,
            client_names.CLIENT_ID: self.sasl_oauthbearer_client_id,
            client_names.CLIENT_SECRET: self.sasl_oauthbearer_client_secret,
            client_names.SCOPE: self.sasl_oauthbearer_scope,
            client_names.EXTENSIONS: self.sasl_oauthbearer_extensions,
            client_names.HTTPS_CA: self.https_ca_location,
            client_names.HTTPS_CA_PEM: self.https_ca_pem,
        }


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the values set by the user, as variables for a child with the same settings.

    No source of a connection counts for it but these variables.
    """
    found = {}
    for variable, value, origin in settings.entries():
        if origin.explicit and value is not None:
            parts = value if isinstance(value, tuple) else (value,)
            text = ",".join(map(str, parts))
            found[variable.name] = text.lower() if isinstance(value, bool) else text
    # The child reads `.env` too, and may not see where a context is declared.
    return {**NO_CONNECTION, **found, **NO_DECLARATION}
