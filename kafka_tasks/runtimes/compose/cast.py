"""The cast of a Compose file: which of its services are the cluster, each in its role.

A service's role follows from what it is: its label, image, variables and command. Its name counts
where nothing else tells. The names stay those of the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import count
from typing import Any

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.role import MAX_BROKERS, MAX_VOTERS, MAX_ZOOKEEPERS, Role
from kafka_tasks.model.topology import Service, Topology, identify, in_order
from kafka_tasks.runtimes.compose.service_config import PROCESS_ROLES, ConfiguredService

# The label with which a file says a role itself; `none` is what is no part of the cluster.
LABEL = "kafka-tasks.role"
_NONE = "none"
_WORDS = (*(role.value for role in Role), _NONE)
_BY_PARTS = {parts: role for role, parts in PROCESS_ROLES.items()}
# A container of Kafka's image that runs one of its tools, or waits, is no server.
_TOOL = re.compile(
    r"\b(?:kafka-(?:topics|configs|acls|console-\w+|consumer-groups|storage|broker-api-versions|"
    r"get-offsets|run-class|producer-perf-test|verifiable-\w+|leader-election)|zookeeper-shell|"
    r"zkCli|cub|sleep|connect-\w+)\b|\btail\s+-f"
)
_SERVER = re.compile(
    r"(?:kafka|zookeeper)-server-start|zkServer|docker/(?:run|launch)\b|/run\.sh|start-kafka|"
    r"entrypoint"
)
_OF_SERVERS = ("LISTENERS", "ADVERTISED_LISTENERS", "BROKER_ID", "NODE_ID", "ADVERTISED_HOST_NAME")
_OF_ZOOKEEPER = ("ZOOKEEPER_CLIENT_PORT", "ZOOKEEPER_SERVER_ID", "ZOO_MY_ID", "ZOO_SERVERS")

_ROLES = "KAFKA_PROCESS_ROLES"
_ENSEMBLE = ("ZOOKEEPER_SERVERS", "ZOO_SERVERS")
_QUORUM_PORTS = re.compile(r":\d+:\d+")


def _role_of(service: ConfiguredService) -> Role | None:
    """Return the role of a service in a cluster; None where it is no part of one."""
    told = service.labels.get(LABEL)
    if told in _WORDS:
        return None if told == _NONE else Role(told)
    if service.product is not None and not _is_server(service):
        return None
    if _is_zookeeper(service):
        return Role.ZOOKEEPER
    if _is_kafka(service):
        return _BY_PARTS.get(service.process_roles, Role.BROKER)
    known = identify(service.name) if service.product is None else None
    if known is None or known.role is Role.CONTROLLER or _is_further_zookeeper(known):
        return None
    return known.role


def _is_further_zookeeper(service: Service) -> bool:
    """Return whether it is not the first, which a name alone does not tell."""
    return service.role is Role.ZOOKEEPER and service.number > 1


def _is_server(service: ConfiguredService) -> bool:
    """Return whether a container of Kafka's or ZooKeeper's image runs a server."""
    command = service.command
    if not command or _SERVER.search(command):
        return True
    configured = any(service.value(key) for key in _OF_SERVERS) or any(
        service.environment.get(name) for name in _OF_ZOOKEEPER
    )
    return configured and not _TOOL.search(command)


def _is_zookeeper(service: ConfiguredService) -> bool:
    if service.product is not None:
        return service.product == "zookeeper" or "zookeeper-server-start" in service.command
    return any(service.environment.get(name) for name in _OF_ZOOKEEPER)


def _is_kafka(service: ConfiguredService) -> bool:
    if service.product is not None:
        return service.product == "kafka"
    # An application may be told where ZooKeeper is; only a broker has listeners as well.
    told = service.value("ZOOKEEPER_CONNECT") and any(map(service.value, _OF_SERVERS))
    return bool(service.process_roles or told)


def concerns(service: ConfiguredService, known: Topology | None) -> bool:
    """Return whether a service is one of the cluster's: recorded, of our names, or by its role.

    Where a cluster of this directory is recorded, further services of other names are others'.
    """
    if known is not None and known.service(service.name) is not None:
        return True
    role = _role_of(service)
    if role is None:
        return False
    return not known or identify(service.name) is not None


def of_config(config: Mapping[str, Any]) -> Topology:
    """Return the services of a file that are a cluster, without ports; it may lack some of them.

    Raises `InvalidInput` where that cannot be told.
    """
    services = [ConfiguredService(n, entry) for n, entry in (config["services"] or {}).items()]
    for service in services:
        told = service.labels.get(LABEL)
        if told is not None and told not in _WORDS:
            raise InvalidInput(
                f"The label {LABEL} of {service.name} is {told!r}.",
                hint=f"write one of {', '.join(_WORDS)}",
            )
        _require_known_roles(service)
        if _role_of(service) is not None:
            _require_roles(service)
    parts = {s.name: (s, role) for s in services if (role := _role_of(s)) is not None}
    if any(role.votes for _, role in parts.values()):
        parts = {n: (s, r) for n, (s, r) in parts.items() if r is not Role.ZOOKEEPER}
    _require_clear(list(parts.values()))
    return _numbered(parts.values())


def _require_known_roles(service: ConfiguredService) -> None:
    """Raise `InvalidInput` for a role in KRaft mode that Kafka does not know."""
    for word in sorted(service.process_roles - PROCESS_ROLES[Role.COMBINED]):
        near = get_close_matches(word.lower(), ("broker", "controller"), n=1)
        variable = f"{service.prefix}PROCESS_ROLES"
        raise InvalidInput(
            f"The Compose file cannot work: {service.name}: {variable} has {word!r}, and Kafka "
            "knows the roles broker and controller.",
            hint=f"write {near[0] if near else 'broker,controller'} in {variable}",
        )


def _require_roles(service: ConfiguredService) -> None:
    """Raise `InvalidInput` for a node without roles whose image, or voters, ask for KRaft mode."""
    if service.product != "kafka" or service.process_roles or not service.is_told_by_variables:
        return
    line = service.kafka.line if service.kafka else None
    votes = service.value("CONTROLLER_QUORUM_VOTERS") and not service.value("ZOOKEEPER_CONNECT")
    if service.family == "apache" or (line and "zookeeper" not in line.modes):
        why = f"and {service.image} has no ZooKeeper mode"
    elif votes:
        why = "and it has KAFKA_CONTROLLER_QUORUM_VOTERS"
    else:
        return
    known = [name for name in service.environment if name != _ROLES]
    near = get_close_matches(_ROLES, known, n=1, cutoff=0.85)
    hint = f"set {_ROLES}: broker,controller"
    if foreign := service.names_of_bitnami:
        hint = "; ".join(f"{old} becomes {new}" for old, new in foreign.items())
    elif near:
        hint = f"rename {near[0]} to {_ROLES}"
    raise InvalidInput(
        f"The Compose file cannot work: {service.name}: {_ROLES} is not set, {why}.", hint=hint
    )


def of_services(services: Iterable[ConfiguredService]) -> Topology:
    """Return the parts of these services, which are all of the cluster; nothing is refused."""
    found = ((service, _role_of(service) or _named(service)) for service in services)
    return _numbered((service, role) for service, role in found if role is not None)


def _named(service: ConfiguredService) -> Role | None:
    known = identify(service.name)
    return known.role if known else None


def lacking(found: Topology, mode: Mode = "zookeeper") -> list[str]:
    """Return which parts of a cluster no service of a file has, by our names; none if it is one."""
    keeper = Role.ZOOKEEPER if mode == "zookeeper" else Role.CONTROLLER
    parts = (found.coordinators, keeper), (found.brokers, Role.BROKER)
    missing = [role.first_name for there, role in parts if not there]
    # In KRaft mode a first broker may be the controller, too.
    return missing[1:] if keeper.votes and not found else missing


def _require_clear(parts: Sequence[tuple[ConfiguredService, Role]]) -> None:
    """Raise `InvalidInput` where a part has two candidates."""
    zookeepers = [service for service, role in parts if role is Role.ZOOKEEPER]
    if len(zookeepers) > 1 and not _are_ensemble(zookeepers):
        raise _unclear("is ZooKeeper", zookeepers, parts)
    nodes = [service for service, role in parts if role is not Role.ZOOKEEPER]
    if any(role.votes for _, role in parts):
        old = [each for each in nodes if not each.process_roles and each.value("ZOOKEEPER_CONNECT")]
        if old:
            raise _unclear("is in the mode of the cluster (ZooKeeper or KRaft)", nodes, parts)
    told = Counter(number for each in nodes if (number := each.node_id) is not None)
    for number, times in told.items():
        if times > 1:
            same = [each for each in nodes if each.node_id == number]
            raise _same_id(number, same, parts)
    voters = [service for service, role in parts if role.votes]
    brokers = [service for service, role in parts if role.serves_clients]
    for group, most, what in (
        (zookeepers, MAX_ZOOKEEPERS, "ZooKeeper servers"),
        (voters, MAX_VOTERS, "controllers"),
        (brokers, MAX_BROKERS, "brokers"),
    ):
        if len(group) > most:
            raise InvalidInput(
                f"The Compose file has {len(group)} {what}, and kafka-tasks runs up to {most}.",
                evidence=[_seen(each, parts) for each in group],
                hint=_way_out(group[-1]),
            )


def _are_ensemble(zookeepers: Sequence[ConfiguredService]) -> bool:
    """Return whether the servers are one ensemble: each names others, or has the label."""
    told = (" ".join(each.environment.get(name, "") for name in _ENSEMBLE) for each in zookeepers)
    return all(len(_QUORUM_PORTS.findall(text)) > 1 for text in told) or all(
        each.labels.get(LABEL) == Role.ZOOKEEPER for each in zookeepers
    )


def _unclear(
    what: str,
    candidates: Sequence[ConfiguredService],
    parts: Sequence[tuple[ConfiguredService, Role]],
) -> InvalidInput:
    names = ", ".join(each.name for each in candidates)
    return InvalidInput(
        f"It cannot be told which service of the Compose file {what}: {names}.",
        evidence=[_seen(each, parts) for each in candidates],
        hint=_way_out(candidates[-1]),
    )


def _same_id(
    number: int,
    nodes: Sequence[ConfiguredService],
    parts: Sequence[tuple[ConfiguredService, Role]],
) -> InvalidInput:
    last, names = nodes[-1], " and ".join(each.name for each in nodes)
    key = next(key for key in ("NODE_ID", "BROKER_ID") if last.value(key))
    free = next(n for n in count(number + 1) if all(each.node_id != n for each, _ in parts))
    return InvalidInput(
        f"Several services of the Compose file have the id {number}: {names}. Each node needs "
        "its own.",
        evidence=[_seen(each, parts) for each in nodes],
        hint=f"set {last.prefix}{key}: {free} at {last.name}; {_way_out(last)}",
    )


def _way_out(service: ConfiguredService) -> str:
    return (
        f"labels: {{{LABEL}: {_NONE}}} at {service.name} leaves it out; other values are "
        f"{', '.join(_WORDS[:-1])}"
    )


def _seen(service: ConfiguredService, parts: Sequence[tuple[ConfiguredService, Role]]) -> str:
    role = next((role.value for each, role in parts if each is service), _NONE)
    number = "" if service.node_id is None else f", id {service.node_id}"
    return f"{service.name}: {role}, image {service.image or 'built here'}{number}"


def _numbered(parts: Iterable[tuple[ConfiguredService, Role]]) -> Topology:
    """Return the parts with their numbers: by our names, else by their ids, else as they come."""
    groups: dict[str, list[tuple[ConfiguredService, Role]]] = {}
    for service, role in parts:
        groups.setdefault(role.first_name, []).append((service, role))
    return in_order(each for group in groups.values() for each in _numbers(group))


def _numbers(group: Sequence[tuple[ConfiguredService, Role]]) -> Iterable[Service]:
    known = [identify(service.name) for service, _ in group]
    ours = all(
        each and each.role.first_name == role.first_name
        for each, (_, role) in zip(known, group, strict=True)
    )
    if ours:
        for each, (service, role) in zip(known, group, strict=True):
            assert each is not None
            yield _with_id(replace(each, role=role), service)
        return
    # Whoever votes comes first: a quorum has the first nodes of its cluster.
    ordered = sorted(
        group,
        key=lambda part: (not part[1].votes, part[0].node_id is None, part[0].node_id or 0),
    )
    for number, (service, role) in enumerate(ordered, start=1):
        yield _with_id(Service(service.name, role, number), service)


def _with_id(service: Service, configured: ConfiguredService) -> Service:
    """Return it with the id of the file, where that is another than its number gives."""
    number = configured.node_id
    if service.role is Role.ZOOKEEPER or number is None or number == service.node_id:
        return service
    return replace(service, id=number)
