"""What in a Compose file keeps a cluster from working, seen before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import combinations

from kafka_tasks.errors import InvalidInput
from kafka_tasks.runtimes.compose import (
    broker_variables,
    health_checks,
    node_problems,
    other_images,
    quorum_problems,
)
from kafka_tasks.runtimes.compose.listener_problems import advertised, listener_problems
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem
from kafka_tasks.runtimes.compose.service_config import (
    PROCESS_ROLES,
    ConfiguredService,
    is_literal,
    is_loopback,
)

_CONNECT = "KAFKA_ZOOKEEPER_CONNECT"
_ZOOKEEPER_PORT = "2181"


def problems(file: ConfiguredFile) -> tuple[Problem, ...]:
    """Return everything that is wrong, what keeps the cluster from working first."""
    found = list(_problems(file))
    found.sort(key=lambda problem: not problem.fatal)
    return tuple(dict.fromkeys(found))


def require_workable(file: ConfiguredFile) -> None:
    """Raise `InvalidInput` for the first problem with which nothing can work."""
    fatal = [problem for problem in problems(file) if problem.fatal]
    if not fatal:
        return
    first = fatal[0]
    error = InvalidInput(
        f"The Compose file cannot work: {first}.",
        evidence=[str(problem) for problem in fatal[1:]],
        hint=first.fix,
    )
    error.finding, error.cause = first.id, first.cause
    raise error


def _problems(file: ConfiguredFile) -> Iterator[Problem]:
    yield from _same_addresses(file)
    for broker in file.brokers:
        renamed = tuple(other_images.problems(broker))
        yield from renamed
        told = {problem.id for problem in renamed if problem.fatal}
        yield from () if told else listener_problems(file, broker)
        yield from () if told else _zookeeper(file, broker)
        yield from broker_variables.problems(broker)
    for member in file.members:
        yield from _roles(file, member)
        if file.topology.voters:
            yield from node_problems.problems(file, member)
            yield from quorum_problems.problems(file, member)
        yield from health_checks.problems(file, member)


def _roles(file: ConfiguredFile, member: ConfiguredService) -> Iterator[Problem]:
    """Yield a node whose KAFKA_PROCESS_ROLES are not those of its role in the settings."""
    service = file.topology.service(member.name)
    told = member.value("PROCESS_ROLES")
    wanted = PROCESS_ROLES[service.role] if service and file.topology.voters else frozenset()
    if member.process_roles == wanted:
        return
    needed = ",".join(sorted(wanted))
    text = f"KAFKA_PROCESS_ROLES is {told or 'not set'}"
    yield Problem(
        "process-roles-differ",
        member.name,
        f"{text}, and has to be {needed} here" if wanted else f"{text}, which is KRaft mode",
        f"set KAFKA_PROCESS_ROLES: {needed}" if wanted else "KAFKA_TASKS_MODE=kraft",
    )


def _zookeeper(file: ConfiguredFile, broker: ConfiguredService) -> Iterator[Problem]:
    """Yield why a broker in ZooKeeper mode cannot find ZooKeeper."""
    if file.topology.voters or broker.environment.get("KAFKA_PROCESS_ROLES"):
        return
    connect = broker.environment.get(_CONNECT, "").strip()
    if not connect and broker.family == "confluent":
        yield _no_connect(file, broker)
    fix = f"set {_CONNECT}: {_right_connect(file)}"
    if "://" in connect or ";" in connect:
        read = f"{_CONNECT} is {connect}, and Kafka reads host:port alone, with commas between them"
        yield Problem("zookeeper-name-unknown", broker.name, read, fix)
        return
    for part in filter(None, map(str.strip, connect.partition("/")[0].split(","))):
        host, _, port = part.rpartition(":") if ":" in part else (part, "", _ZOOKEEPER_PORT)
        told = f"{_CONNECT} is {connect}, and "
        if text := _unknown_host(file, broker, host.lower()):
            reference = "conduktor/kafka-stack-docker-compose#62"
            yield Problem(
                "zookeeper-name-unknown", broker.name, told + text, fix, reference=reference
            )
        elif text := _other_port(file, host, port):
            reference = "wurstmeister/kafka-docker#583"
            yield Problem(
                "zookeeper-port-differs", broker.name, told + text, fix, reference=reference
            )


def _other_port(file: ConfiguredFile, host: str, port: str) -> str | None:
    """Return that ZooKeeper listens on another port than a broker asks; None where it may not."""
    owner = file.owner(host)
    told = owner.environment.get("ZOOKEEPER_CLIENT_PORT", "") if owner else ""
    if owner is None or owner.family != "confluent" or told in ("", port):
        return None
    return f"{owner.name} listens on port {told}"


def _no_connect(file: ConfiguredFile, broker: ConfiguredService) -> Problem:
    near = get_close_matches(_CONNECT, list(broker.environment), n=1, cutoff=0.75)
    wrong = f"; it has {near[0]}" if near else ""
    fix = f"set {_CONNECT}: {_right_connect(file)}"
    return Problem(
        "variable-missing",
        broker.name,
        f"{_CONNECT} is not set{wrong}",
        f"rename {near[0]} to {_CONNECT}" if near else fix,
    )


def _right_connect(file: ConfiguredFile) -> str:
    keepers = [each for each in file.members if each not in file.brokers]
    ports = (each.environment.get("ZOOKEEPER_CLIENT_PORT", _ZOOKEEPER_PORT) for each in keepers)
    pairs = zip(keepers, ports, strict=True)
    return ",".join(f"{each.name}:{port}" for each, port in pairs) or f"zookeeper:{_ZOOKEEPER_PORT}"


def _unknown_host(file: ConfiguredFile, broker: ConfiguredService, host: str) -> str | None:
    """Return why a broker's container cannot know a host; None where it may."""
    if broker.on_host:
        known = host in file.here.hosts or is_literal(host)
        if host in file.names and not known:
            return (
                f"{host} is a name that only containers know: {broker.name} is on the host network"
            )
        return None
    if broker.entry.get("network_mode") or host in broker.linked:
        return None
    if is_loopback(host):
        return f"{host} is the container of {broker.name} itself"
    owner = file.owner(host)
    if owner is not None:
        apart = not owner.networks & broker.networks and not file.is_shared(broker)
        apart = apart and not owner.entry.get("network_mode")
        return f"{broker.name} and {owner.name} are on no common network" if apart else None
    if "." in host or is_literal(host) or file.is_shared(broker):
        return None
    return f"no service is called {host}"


def _same_addresses(file: ConfiguredFile) -> Iterator[Problem]:
    """Yield brokers that advertise an address of another one."""
    told = {
        broker.name: {(each.host.lower(), each.port): each for each in advertised(broker)}
        for broker in file.brokers
    }
    for one, other in combinations(told, 2):
        for host, port in told[one].keys() & told[other].keys():
            if not host:
                continue
            each = told[other][host, port]
            own = other if host in file.names else host
            yield Problem(
                "brokers-advertise-the-same",
                other,
                f"it advertises {host}:{port}, and so does {one}; each needs its own address",
                f"advertise {each.name}://{own}:{port if own != host else port + 1} in {other}",
                reference="bitnami/charts#1024",
            )
