"""The services of a secured cluster: what their containers get beside the packaged Compose file.

Brokers have four listeners. SECURE is published for clients on this machine, CONTAINER is the same
for clients in containers. BROKERS is for brokers among each other, INTERNAL is published for
kafka-tasks: the last two and CONTROLLER have mTLS. ZooKeeper publishes no port.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.listener import Listener, rendered
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.compose import compose_file, containers
from kafka_tasks.runtimes.compose.file_variables import CONTROLLER_PORT
from kafka_tasks.runtimes.compose.override import RESET
from kafka_tasks.runtimes.roles import secured
from kafka_tasks.runtimes.secure import container_files
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings

# Where the files are mounted.
_FILES = "/etc/kafka-tasks/secure"
_CONTAINER, _BROKERS = "CONTAINER", "BROKERS"
_WHERE = secured.Surroundings(
    clients=(secured.CLIENTS, _CONTAINER), internal=(_BROKERS, secured.INTERNAL), files=_FILES
)
# Ports inside the containers; the first is that of the packaged file.
_CONTAINER_PORT, _BROKERS_PORT, _INTERNAL_PORT = 29092, 29094, 29095
_EVERY = "0.0.0.0"  # noqa: S104
# A file of its own, so that no password is in the environment of a container.
_PROVIDER = {
    "config.providers": "file",
    "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
}
_USERS = f"${{file:{_FILES}/{container_files.USERS_FILE}:{container_files.USERS_KEY}}}"
# The first message of a TLS handshake, for TLS 1.3 and 1.2. It has no key share, so that any server
# answers with a message of its own; a connection that is closed then leaves no line in the log.
_HELLO = (
    r"\x16\x03\x01\x00\x5c\x01\x00\x00\x58\x03\x03kafka-tasks: a health check....."
    r"\x00\x00\x08\x13\x01\x13\x02\xc0\x2b\xc0\x2f\x01\x00\x00\x27"
    r"\x00\x2b\x00\x05\x04\x03\x04\x03\x03\x00\x0a\x00\x04\x00\x02\x00\x17"
    r"\x00\x0d\x00\x06\x00\x04\x04\x03\x08\x04\x00\x33\x00\x02\x00\x00\x00\x0b\x00\x02\x01\x00"
)
_CHECK = """\
exec 3<>/dev/tcp/127.0.0.1/{port}
printf '{hello}' >&3
[ "$(timeout 2 head -c 2 <&3 | od -An -tx1 | tr -d ' ')" = 1603 ]
"""


def require_possible(settings: Settings) -> None:
    """Raise `InvalidInput` where the file or the image cannot have the security asked for."""
    if why := unfit(settings):
        raise InvalidInput(
            f"KAFKA_TASKS_SECURE is {settings.secure}, and {why}.",
            hint="--runtime embedded, or KAFKA_TASKS_SECURE=none",
        )


def unfit(settings: Settings) -> str | None:
    """Return why containers cannot run the secured cluster of these settings, if that is asked."""
    if settings.security is None:
        return None
    path = compose_file.choose(settings).path
    if not compose_file.is_packaged(path):
        return f"{path} is a Compose file of your own; only the packaged one is secured"
    if "kafka-native" in settings.kafka_image:
        return f"the image {settings.kafka_image} cannot run a secured broker"
    return None


def inner_ports(service: Service, topology: Topology) -> tuple[int, ...]:
    """Return the ports of a packaged broker's other listeners, beside which HOST has its own."""
    secured_ports = (_BROKERS_PORT, _INTERNAL_PORT) if topology.security else ()
    voter_ports = (CONTROLLER_PORT,) if service.role.votes else ()
    return (_CONTAINER_PORT, *voter_ports, *secured_ports)


def without_open_ports(planned: Topology) -> Topology:
    """Return the services without the port of a ZooKeeper that asks for no password."""
    if planned.security is None:
        return planned
    services = (each if _has_listeners(each) else each.at(None) for each in planned)
    return replace(planned, services=tuple(services))


def changes(topology: Topology, project: Path) -> dict[str, dict[str, Any]]:
    """Return what each service of a secured cluster has besides that of the file; none of another.

    Values are as Kafka reads them. Compose adds ports and volumes to those of the file.
    """
    if topology.security is None:
        return {}
    kept = SecureStore.of(Project(project))
    return {each.name: _change(each, topology, topology.security, kept) for each in topology}


def _properties(service: Service, topology: Topology, wanted: Security) -> dict[str, str]:
    """Return the properties of a broker or controller in a container."""
    found = {
        **_listeners(service),
        **secured.of_node(service, topology, wanted, _WHERE),
        # The scripts of the images read KAFKA_OPTS; it makes no property.
        "opts": " ".join(secured.JVM_FLAGS),
    }
    if wanted.kind == "plain" and service.role.serves_clients:
        found |= {**_PROVIDER, **secured.plain_users(_USERS, _WHERE)}
    return found


def _has_listeners(service: Service) -> bool:
    """Return False for ZooKeeper."""
    return service.role.serves_clients or service.role.votes


def _listeners(service: Service) -> dict[str, str]:
    bound, told = [], []
    if service.role.serves_clients:
        inside = {
            secured.CLIENTS: service.port or 0,
            _CONTAINER: _CONTAINER_PORT,
            _BROKERS: _BROKERS_PORT,
            secured.INTERNAL: _INTERNAL_PORT,
        }
        bound = [Listener(name, _EVERY, port) for name, port in inside.items()]
        told = [
            Listener(secured.CLIENTS, "localhost", inside[secured.CLIENTS]),
            Listener(_CONTAINER, service.name, _CONTAINER_PORT),
            Listener(_BROKERS, service.name, _BROKERS_PORT),
            Listener(secured.INTERNAL, "127.0.0.1", service.internal_port or 0),
        ]
    if service.role.votes:
        bound.append(Listener(secured.CONTROLLER, _EVERY, CONTROLLER_PORT))
    found = {"listeners": rendered(*bound)}
    return found | ({"advertised.listeners": rendered(*told)} if told else {})


def _change(
    service: Service, topology: Topology, wanted: Security, kept: SecureStore
) -> dict[str, Any]:
    if not _has_listeners(service):
        return {"ports": RESET}
    serves = service.role.serves_clients
    found = {
        "environment": _properties(service, topology, wanted),
        "volumes": [_mount(container_files.folder(kept, service))],
        # By them it is known as secured where its record is lost.
        "labels": containers.labelled(wanted),
        "healthcheck": {"test": _check(_CONTAINER_PORT if serves else CONTROLLER_PORT)},
    }
    published = f"127.0.0.1:{service.internal_port}:{_INTERNAL_PORT}"
    return {**found, "ports": [published]} if serves else found


def _mount(folder: Path) -> dict[str, Any]:
    return {
        "type": "bind",
        "source": str(folder),
        "target": _FILES,
        "read_only": True,
        # Without the label, SELinux keeps a container from reading it.
        "bind": {"create_host_path": False, "selinux": "z"},
    }


def _check(port: int) -> list[str]:
    return ["CMD", "bash", "-c", _CHECK.format(port=port, hello=_HELLO)]
