"""What in a Compose file keeps a quorum from forming, or a node from finding it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kafka_tasks.model.listener import Listener
from kafka_tasks.runtimes.compose.listener_problems import advertised, readable
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem
from kafka_tasks.runtimes.compose.service_config import ConfiguredService, is_literal, is_loopback

_VOTERS = "CONTROLLER_QUORUM_VOTERS"
_VOTER = re.compile(r"(?P<id>\d+)@(?P<host>[^:@\s]+|\[[^\]\s]+\]):(?P<port>\d+)")


def problems(file: ConfiguredFile, member: ConfiguredService) -> Iterator[Problem]:
    """Yield what is wrong with the quorum that a node in KRaft mode names."""
    if not member.process_roles:
        return
    yield from _no_listener(member)
    told = (part.strip() for part in member.value(_VOTERS).split(","))
    found: list[tuple[int, str, int]] = []
    for part in filter(None, told):
        voter = _VOTER.fullmatch(part)
        if voter is None:
            yield _wrong(
                file,
                member,
                f"{member.prefix}{_VOTERS} has {part}, and Kafka reads id@host:port alone",
            )
            return
        found.append((int(voter["id"]), voter["host"], int(voter["port"])))
    number = member.node_id
    ids = {voter[0] for voter in found}
    if found and number is not None and "controller" in member.process_roles and number not in ids:
        text = f"{member.prefix}{_VOTERS} has no voter {number}, which is this controller's own id"
        yield _wrong(file, member, text)
        return
    for id_, host, port in found:
        if why := _elsewhere(file, member, (id_, host, port)):
            yield _wrong(
                file, member, f"{member.prefix}{_VOTERS} has {id_}@{host}:{port}, and {why}"
            )
            return


def _no_listener(member: ConfiguredService) -> Iterator[Problem]:
    """Yield a controller without a listener for the other nodes of the quorum."""
    names = member.controller_names
    bound = readable(member.value("LISTENERS"))
    if not bound and member.is_told_by_variables:
        bound = advertised(member)  # which the images listen on where nothing else is told
    if "controller" in member.process_roles and names and bound:
        there = {each.name for each in bound}
        if names & there:
            return
        name, alike = min(names), {name.upper() for name in names} & there
        text = f"{member.prefix}LISTENERS has no listener {name}, where controllers are reached"
        if alike:
            variable = f"{member.prefix}CONTROLLER_LISTENER_NAMES"
            text += "; Kafka reads the names there in upper case, and this one as it is"
            yield Problem("listeners-invalid", member.name, text, f"set {variable}: {min(alike)}")
            return
        name = name.upper()
        yield Problem(
            "listeners-invalid",
            member.name,
            text,
            f"add {name}://:9093 to {member.prefix}LISTENERS, and {name}:PLAINTEXT to "
            f"{member.prefix}LISTENER_SECURITY_PROTOCOL_MAP",
            reference="apache/druid#14335",
        )


def _of_controllers(member: ConfiguredService) -> list[Listener]:
    names = member.controller_names
    return [each for each in readable(member.value("LISTENERS")) if each.name in names]


def _elsewhere(
    file: ConfiguredFile, member: ConfiguredService, voter: tuple[int, str, int]
) -> str | None:
    """Return why this controller is not at its address, as far as the file shows it."""
    id_, host, port = voter
    if member.on_host or member.entry.get("network_mode") or file.is_shared(member):
        return None
    owner = member if id_ == member.node_id and is_loopback(host) else file.owner(host)
    if owner is None:
        known = "." in host or is_literal(host) or host.lower() in member.linked
        return None if known or is_loopback(host) else f"no service is called {host}"
    if owner.value("PROCESS_ROLES") and "controller" not in owner.process_roles:
        return f"{owner.name} is no controller"
    if owner.process_roles and owner.node_id not in (None, id_):
        return f"{owner.name} has the id {owner.node_id}"
    listeners = _of_controllers(owner)
    if not listeners or port in {each.port for each in listeners}:
        bound = [each for each in listeners if each.port == port and is_loopback(each.host)]
        if bound and not is_loopback(host):
            return f"{owner.name} listens for controllers on {bound[0].host} alone"
        return None
    return f"{owner.name} listens for controllers on port {listeners[0].port}"


def _wrong(file: ConfiguredFile, member: ConfiguredService, text: str) -> Problem:
    """Return the problem with the voters that the file has."""
    pairs = ((each, _of_controllers(each)) for each in file.members)
    right = ",".join(
        f"{each.node_id}@{each.name}:{found[0].port}"
        for each, found in pairs
        if found and each.node_id is not None and "controller" in each.process_roles
    )
    variable = f"{member.prefix}{_VOTERS}"
    fix = f"set {variable}: {right}" if right else f"write {variable} as 1@{member.name}:9093"
    return Problem("voters-differ", member.name, text, fix, reference="bitnami/containers#67247")
