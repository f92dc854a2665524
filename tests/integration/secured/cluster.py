"""Secured clusters for tests: one broker with a listener for every way to be refused.

One more is advertised at a port where nobody listens, unless a test puts a long way there.

Kafka 3.9 with ZooKeeper and Kafka 4.4 in KRaft mode, from the embedded jars, on loopback. Its own
work, and that of the tests' preparations, goes through a listener without security.
"""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from kafka_tasks import settings
from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes.embedded import jars, properties
from kafka_tasks.runtimes.embedded.java import choose
from tests.certificates import HERE, Authority, Identity, write
from tests.integration.conftest import eventually
from tests.integration.far import far
from tests.integration.secured import tokens

# User → password, the same for PLAIN and SCRAM; `admin` may do everything.
PASSWORDS = {
    "admin": "Adm1n-pass",
    "alice": "Al1ce=pass;word",
    "bob": "B0b pass",
    "carol": "C4rol-pass",
    "dave": "D4ve-pass",
}
KEY_PASSWORD = "K3y pass=word"
# Where the listener FAR really is.
_BEHIND = "BEHIND"


@dataclass(frozen=True)
class _Listener:
    """A listener: its protocol, its certificate, and what it asks of clients."""

    protocol: str
    certificate: str | None = "good"
    mechanisms: tuple[str, ...] = ()
    client_auth: str = "none"


LISTENERS = {
    "INTERNAL": _Listener("PLAINTEXT", None),
    "FAR": _Listener("PLAINTEXT", None),
    "TLS": _Listener("SSL"),
    "MTLS": _Listener("SSL", client_auth="required"),
    "EXPIRED": _Listener("SSL", "expired"),
    "EARLY": _Listener("SSL", "early"),
    "ELSEWHERE": _Listener("SSL", "elsewhere"),
    "SASL": _Listener("SASL_PLAINTEXT", None, ("PLAIN", "SCRAM-SHA-512")),
    "SASLTLS": _Listener("SASL_SSL", mechanisms=("PLAIN", "SCRAM-SHA-512")),
    "SCRAM": _Listener("SASL_SSL", mechanisms=("SCRAM-SHA-512",)),
    "TOKEN": _Listener("SASL_PLAINTEXT", None),
    "TOKENTLS": _Listener("SASL_SSL"),
}


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in found]


@dataclass
class Secured:
    """A secured cluster that runs; `folder` has its certificates, `ports` those of listeners.

    Kafka's own commands may ask the token endpoints of `urls`.
    """

    line: str
    folder: Path
    environ: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    signer: tokens.Signer = field(default_factory=tokens.Signer)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _admin: AdminClient | None = None
    _held: socket.socket = field(default_factory=socket.socket)

    @property
    def is_kraft(self) -> bool:
        """Whether there is no ZooKeeper."""
        return self.line.startswith("4.")

    def address(self, listener: str, host: str = "localhost") -> str:
        """Where clients of this listener connect."""
        return f"{host}:{self.ports[listener]}"

    def file(self, name: str) -> str:
        """A certificate or key: ca.crt, other-ca.crt, alice.crt, alice.key, stale.crt, …."""
        return str(self.folder / name)

    @property
    def admin(self) -> AdminClient:
        """A client that may do everything."""
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.address("INTERNAL", "127.0.0.1")})
        return self._admin

    @contextmanager
    def far(self, round_trip_s: float) -> Iterator[str]:
        """Yield the address of a listener whose clients have this round trip, to every broker."""
        with far(self.ports[_BEHIND], round_trip_s, at=self.ports["FAR"]):
            yield self.address("FAR")

    @property
    def _keys(self) -> Path:
        """Where the broker reads the key that signs tokens."""
        return self.folder / "keys.json"

    def log(self) -> str:
        """What the broker wrote."""
        return (self.folder / "kafka.out").read_text(errors="replace")

    def start(self) -> None:
        """Make certificates, start the servers, and make users; fails with the broker's log."""
        self._write_certificates()
        names = [*LISTENERS, "ZOOKEEPER", "CONTROLLER", _BEHIND]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        # Nothing listens there until a test does; until then no connection may begin at it.
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", self.ports["FAR"]))
        self._keys.write_text(self.signer.keys)
        (self.folder / "kafka.properties").write_text(properties.render(self._configuration()))
        if self.is_kraft:
            cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            self._run(
                *("kafka.tools.StorageTool", "format", "-t", cluster_id),
                *("-c", self.file("kafka.properties")),
            )
        else:
            self._start_zookeeper()
        self._spawn("kafka.Kafka", "kafka.properties")
        eventually(self._answers, f"a secured Kafka {self.line} is there", 240)
        self._make_users()

    def close(self) -> None:
        """End the servers that were started here."""
        self._admin = None
        self._held.close()
        for process in reversed(self._processes):
            process.kill()
            process.wait(timeout=30)

    def tool(self, main_class: str, *arguments: str, expect: int = 0) -> str:
        """What one of Kafka's own commands prints."""
        return self._run(main_class, *arguments, expect=expect)

    def grant(self, user: str, kind: ResourceType, name: str, *rights: AclOperation) -> None:
        """Give a user these rights on one resource."""
        wanted = [
            AclBinding(
                *(kind, name, ResourcePatternType.LITERAL, f"User:{user}"),
                *("*", right, AclPermissionType.ALLOW),
            )
            for right in rights
        ]
        for future in self.admin.create_acls(wanted).values():
            future.result(timeout=60)

    def fill(self, topics: Iterable[str]) -> None:
        """Write a record to each of these topics."""
        producer = Producer({"bootstrap.servers": self.address("INTERNAL", "127.0.0.1")})
        for topic in topics:
            producer.produce(topic, b"there")
        assert producer.flush(120) == 0

    def _answers(self) -> bool:
        if self._processes[-1].poll() is not None:
            raise AssertionError(f"the broker ended:\n{self.log()[-3000:]}")
        return "started (kafka.server.Kafka" in self.log()

    def _make_users(self) -> None:
        """Make SCRAM users, and wait until the broker accepts them."""
        strength = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, strength, password.encode())
            for user, password in PASSWORDS.items()
        ]

        def made() -> bool:
            # A request that a new controller loses is answered to no one.
            futures = self.admin.alter_user_scram_credentials(wanted, request_timeout=10)
            try:
                for future in futures.values():
                    future.result(timeout=15)
            except (KafkaException, TimeoutError):
                return False
            return True

        eventually(made, "the users are made", 120)
        for user in PASSWORDS:
            eventually(partial(self._logs_in, user), f"{user} may log in")

    def _logs_in(self, user: str) -> bool:
        """Whether the broker knows the password already: it hears of it after the answer."""
        client = AdminClient(
            {
                "bootstrap.servers": self.address("SASL", "127.0.0.1"),
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": user,
                "sasl.password": PASSWORDS[user],
                "log_level": 0,
            }
        )
        try:
            client.list_topics(timeout=5)
        except KafkaException:
            return False
        return True

    def _write_certificates(self) -> None:
        authority, other = Authority("Test CA"), Authority("Another CA")
        (self.folder / "ca.crt").write_bytes(authority.pem)
        (self.folder / "other-ca.crt").write_bytes(other.pem)
        for name, identity in _identities(authority, other).items():
            write(identity, self.folder, name)
        alice = authority.issue("alice")
        write(alice, self.folder, "alice", KEY_PASSWORD)
        write(alice, self.folder, "alice-open")
        (self.folder / "alice.p12").write_bytes(alice.key_store("alice", KEY_PASSWORD))
        (self.folder / "ca.p12").write_bytes(authority.trust_store(KEY_PASSWORD))

    def _configuration(self) -> dict[str, str]:
        kraft = {"CONTROLLER": _Listener("PLAINTEXT", None)} if self.is_kraft else {}
        every = {**LISTENERS, **kraft}
        found = {
            "listeners": self._addresses(every),
            "advertised.listeners": self._addresses(LISTENERS, "localhost", advertised=True),
            "listener.security.protocol.map": ",".join(
                f"{name}:{each.protocol}" for name, each in every.items()
            ),
            "inter.broker.listener.name": "INTERNAL",
            "log.dirs": self.file("data"),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:ANONYMOUS;User:admin",
            **tokens.broker(self._keys),
            **self._mode(),
        }
        for name, each in LISTENERS.items():
            found |= self._listener(f"listener.name.{name.lower()}", each)
        return found

    def _addresses(
        self, names: Iterable[str], host: str = "127.0.0.1", *, advertised: bool = False
    ) -> str:
        behind = {} if advertised else {"FAR": self.ports[_BEHIND]}
        return ",".join(f"{name}://{host}:{behind.get(name, self.ports[name])}" for name in names)

    def _mode(self) -> dict[str, str]:
        if not self.is_kraft:
            return {
                "broker.id": "1",
                "zookeeper.connect": f"127.0.0.1:{self.ports['ZOOKEEPER']}",
                "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
            }
        return {
            "node.id": "1",
            "process.roles": "broker,controller",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@127.0.0.1:{self.ports['CONTROLLER']}",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        }

    def _listener(self, prefix: str, wanted: _Listener) -> dict[str, str]:
        found = {}
        if wanted.certificate:
            found = {
                f"{prefix}.ssl.keystore.type": "PEM",
                f"{prefix}.ssl.keystore.location": self.file(f"{wanted.certificate}.pem"),
                f"{prefix}.ssl.truststore.type": "PEM",
                f"{prefix}.ssl.truststore.location": self.file("ca.crt"),
                f"{prefix}.ssl.client.auth": wanted.client_auth,
            }
        if prefix.endswith(("token", "tokentls")):
            found |= tokens.listener(prefix)
        if wanted.mechanisms:
            found[f"{prefix}.sasl.enabled.mechanisms"] = ",".join(wanted.mechanisms)
        users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
        jaas = {
            "PLAIN": f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};",
            "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        }
        for mechanism in wanted.mechanisms:
            found[f"{prefix}.{mechanism.lower()}.sasl.jaas.config"] = jaas[mechanism]
        return found

    def _start_zookeeper(self) -> None:
        wanted = {
            "dataDir": self.file("zookeeper"),
            "clientPort": str(self.ports["ZOOKEEPER"]),
            "clientPortAddress": "127.0.0.1",
            "admin.enableServer": "false",
        }
        (self.folder / "zookeeper.properties").write_text(properties.render(wanted))
        self._spawn("org.apache.zookeeper.server.quorum.QuorumPeerMain", "zookeeper.properties")

    def _command(self, main_class: str) -> list[str]:
        chosen = settings.load(
            self.folder, environ={**self.environ, "KAFKA_TASKS_VERSION": self.line}
        )
        found = jars.ensure(jars.load_lock(self.line), chosen.cache, Recorder())
        java = choose(chosen)
        return [
            *(str(java.executable), *java.quiet_flags, "-Xmx384m", "-XX:+UseSerialGC"),
            *tokens.flags(self._keys.as_uri(), *self.urls),
            *("-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"),
            *(f"-Dlog4j.configuration=file:{self._log4j()}",),
            *(f"-Dlog4j2.configurationFile={self._log4j2()}",),
            *("-cp", os.pathsep.join(map(str, found)), main_class),
        ]

    def _log4j(self) -> Path:
        path = self.folder / "log4j.properties"
        path.write_text(
            "log4j.rootLogger=INFO,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
            "log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n"
        )
        return path

    def _log4j2(self) -> Path:
        path = self.folder / "log4j2.properties"
        path.write_text(
            "appender.out.type=Console\nappender.out.name=out\n"
            "appender.out.layout.type=PatternLayout\n"
            "appender.out.layout.pattern=[%d] %p %m (%c)%n\n"
            "rootLogger.level=INFO\nrootLogger.appenderRef.out.ref=out\n"
        )
        return path

    def _spawn(self, main_class: str, configuration: str) -> None:
        with (self.folder / f"{configuration.partition('.')[0]}.out").open("wb") as output:
            self._processes.append(
                subprocess.Popen(
                    [*self._command(main_class), self.file(configuration)],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    def _run(self, main_class: str, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [*self._command(main_class), *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout


def _identities(authority: Authority, other: Authority) -> dict[str, Identity]:
    """Return every certificate by the name of its files, but that with an encrypted key."""
    day = timedelta(days=1)
    return {
        "good": authority.issue("broker", HERE),
        "elsewhere": authority.issue("broker", ["kafka.example.test"]),
        "expired": authority.issue("broker", HERE, begins=-9 * day, ends=-2 * day),
        "early": authority.issue("broker", HERE, begins=2 * day, ends=9 * day),
        "stale": authority.issue("alice", begins=-9 * day, ends=-2 * day),
        "foreign": other.issue("alice"),
    }
