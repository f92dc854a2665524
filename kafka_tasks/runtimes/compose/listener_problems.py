"""Listeners in a Compose file that cannot work: read as Kafka reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kafka_tasks.model import listener
from kafka_tasks.model.listener import Listener
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem
from kafka_tasks.runtimes.compose.service_config import (
    ConfiguredService,
    Published,
    is_literal,
    is_loopback,
)

# Kafka's own pattern for an entry.
_ENTRY = re.compile(r"(?P<name>.*)://\[?(?P<host>[0-9a-zA-Z\-%._:]*)\]?:(?P<port>-?[0-9]+)")
_PROTOCOLS = frozenset({"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"})
_SECURE = _PROTOCOLS - {"PLAINTEXT"}
_EVERY = ("", "0.0.0.0", "::")  # noqa: S104
_PAIR = (
    "this pair works: HOST://localhost:9092,CONTAINER://kafka:29092, port 9092 published as 9092; "
    "docker compose config shows what Compose reads"
)


def listener_problems(file: ConfiguredFile, broker: ConfiguredService) -> Iterator[Problem]:
    """Yield what is wrong with the listeners of one broker."""
    said = broker.value("ADVERTISED_LISTENERS")
    if not said:
        if broker.family == "confluent":
            text = "KAFKA_ADVERTISED_LISTENERS is not set"
            yield Problem("listeners-invalid", broker.name, text, _PAIR)
        return
    bound = broker.value("LISTENERS")
    wrong = [
        *_unreadable(broker, "KAFKA_ADVERTISED_LISTENERS", said),
        *_unreadable(broker, "KAFKA_LISTENERS", bound),
    ]
    if wrong:
        yield from wrong
        return
    told = _parsed(said)
    # Without KAFKA_LISTENERS the images listen on every address.
    every = tuple(replace(each, host="") for each in told)
    yield from _Listeners(file, broker, told, _parsed(bound) if bound else every).problems()


def readable(text: str) -> tuple[Listener, ...]:
    """Return these listeners; none where Kafka cannot read one of them."""
    whole = all(_ENTRY.fullmatch(entry) for entry in _entries(text))
    return _parsed(text) if whole else ()


def advertised(broker: ConfiguredService) -> tuple[Listener, ...]:
    """Return the listeners that a broker advertises, as far as Kafka can read them."""
    return _parsed(broker.value("ADVERTISED_LISTENERS"))


def _entries(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _unreadable(broker: ConfiguredService, variable: str, text: str) -> Iterator[Problem]:
    for entry in _entries(text):
        if _ENTRY.fullmatch(entry):
            continue
        why = "Kafka cannot read it: NAME://host:port is needed"
        if re.search(r"[\"'`]", entry):
            why = "it has quotation marks, which Compose keeps and Kafka refuses"
        elif re.search(r"\s", entry):
            why = "it has a blank"
        clean = re.sub(r"[\"'`\s]", "", entry)
        yield Problem(
            "listeners-invalid",
            broker.name,
            f"{variable} has {entry}, which is not a listener: {why}",
            f"write {clean} in {variable}" if _ENTRY.fullmatch(clean) else _PAIR,
        )


def _parsed(text: str) -> tuple[Listener, ...]:
    found = (_ENTRY.fullmatch(entry) for entry in _entries(text))
    return tuple(
        Listener(match["name"].upper(), match["host"], int(match["port"]))
        for match in found
        if match
    )


@dataclass(frozen=True, slots=True)
class _Unreachable:
    """Why clients on this machine cannot use a listener."""

    id: str
    text: str


@dataclass(frozen=True)
class _Listeners:
    """The listeners of one broker: what it advertises, and where it listens."""

    file: ConfiguredFile
    broker: ConfiguredService
    told: Sequence[Listener]
    bound: Sequence[Listener]

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with them."""
        named = [each for each in self.told if each.host]
        for text in listener.problems(self.bound, named):
            yield self._problem("listeners-invalid", text)
        yield from self._protocols()
        yield from self._foreign_addresses()
        yield from self._inner_ports()
        yield from self._for_this_machine()

    def _problem(self, id: str, text: str, fix: str = _PAIR, *, fatal: bool = True) -> Problem:
        return Problem(id, self.broker.name, text, fix, fatal)

    def _protocols(self) -> Iterator[Problem]:
        """Yield listeners without a protocol, and a name for brokers that none has."""
        mapped = self.broker.value("LISTENER_SECURITY_PROTOCOL_MAP")
        known = {part.partition(":")[0].strip().upper() for part in mapped.split(",") if part}
        told = self.broker.is_told_by_variables
        if not told and self.broker.family not in ("confluent", "wurstmeister"):
            return  # other images fill in what is missing
        controllers = self.broker.controller_names if self.broker.process_roles else frozenset()
        wanted = {each.name: None for each in self.bound}
        if "controller" not in self.broker.process_roles:
            wanted |= dict.fromkeys(sorted(controllers))  # which it calls
        # Without a map, and without TLS or SASL, Kafka reaches controllers by PLAINTEXT.
        if not known and not _SECURE & wanted.keys():
            known = {*_PROTOCOLS, *controllers}
        for name in wanted:
            if name not in (known or _PROTOCOLS):
                yield self._problem(
                    "listeners-invalid",
                    f"the listener {name} has no entry in KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
                    f"add {name}:PLAINTEXT to KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
                )
        inner = self._inner_name()
        told_names = {each.name for each in self.told} | controllers
        if inner and inner not in told_names:
            yield self._problem(
                "listeners-invalid",
                f"brokers talk to each other on the listener {inner}, which is not advertised",
                f"set KAFKA_INTER_BROKER_LISTENER_NAME: {self.told[0].name}",
            )

    def _inner_name(self) -> str | None:
        """Return the listener between brokers; None where another property decides."""
        if self.broker.value("SECURITY_INTER_BROKER_PROTOCOL"):
            return None
        return (self.broker.value("INTER_BROKER_LISTENER_NAME") or "PLAINTEXT").upper()

    def _foreign_addresses(self) -> Iterator[Problem]:
        """Yield listeners on an address that the container does not have."""
        if self.broker.on_host or self.broker.entry.get("network_mode"):
            return
        for each in self.bound:
            owner = self.file.owner(each.host)
            foreign = is_literal(each.host) and not is_loopback(each.host)
            foreign = foreign and each.host not in (*_EVERY, *self.broker.addresses)
            if foreign or (owner is not None and owner.name != self.broker.name):
                yield self._problem(
                    "address-not-here",
                    f"the listener {each.name} is on {each.host}, an address that its container "
                    "does not have",
                    f"write {each.name}://:{each.port} in KAFKA_LISTENERS; the address for clients "
                    "belongs in KAFKA_ADVERTISED_LISTENERS",
                )

    def _inner_ports(self) -> Iterator[Problem]:
        """Yield listeners that send containers to a port where they do not listen."""
        ports = {each.name: each.port for each in self.bound}
        for each in self.told:
            inside = ports.get(each.name, each.port)
            if each.host.lower() in self.broker.names and inside not in (each.port, 0):
                yield self._problem(
                    "advertised-port-differs",
                    f"the listener {each.name} advertises {each.host}:{each.port} to containers, "
                    f"but listens on port {inside}",
                    f"advertise {each.name}://{each.host}:{inside}",
                    fatal=each.name == self._inner_name(),
                )

    def _for_this_machine(self) -> Iterator[Problem]:
        """Yield why clients on this machine reach no listener, or are sent to a wrong port."""
        ports = {each.name: each for each in self.bound}
        pairs = [(each, ports[each.name]) for each in self.told if each.name in ports]
        reasons = [self._unreachable(told, bound) for told, bound in pairs]
        found = [reason for reason in reasons if reason]
        fatal = len(found) == len(pairs)
        # A listener for containers is no mistake beside one for this machine.
        found.sort(key=lambda reason: reason.id != "advertised-port-differs")
        for reason in found[:1] if fatal else found:
            if fatal or reason.id == "advertised-port-differs":
                yield self._problem(reason.id, reason.text, self._way_in(), fatal=fatal)

    def _way_in(self) -> str:
        """Return listeners that would work here, with the names that the file has."""
        name = self.told[0].name
        inner = next((e for e in self.told if e.host.lower() in self.broker.names), None)
        if inner is None:
            return _PAIR
        outer = "HOST" if name != "HOST" else "OUTSIDE"
        listeners = f"{inner.name}://{inner.host}:{inner.port},{outer}://localhost:9092"
        if inner.port == 9092:
            listeners = f"{inner.name}://{inner.host}:29092,{outer}://localhost:9092"
        return (
            f"KAFKA_ADVERTISED_LISTENERS: {listeners}; KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "
            f"{inner.name}:PLAINTEXT,{outer}:PLAINTEXT; KAFKA_INTER_BROKER_LISTENER_NAME: "
            f'{inner.name}; ports: ["127.0.0.1:9092:9092"]'
        )

    def _unreachable(self, told: Listener, bound: Listener) -> _Unreachable | None:
        """Return why this machine cannot use a listener; None where it may."""
        host = told.host.lower()
        if not host:
            text = (
                f"the listener {told.name} advertises no host, so that the container's own counts"
            )
            return _Unreachable("no-listener-for-host", text)
        known = host in self.file.here.hosts or host in self.file.here.addresses
        if host in self.file.names and not known and not is_loopback(host):
            text = (
                f"the listener {told.name} advertises {told.host}, a name that only containers "
                "know, and no other listener leads to this machine"
            )
            return _Unreachable("no-listener-for-host", text)
        if self.broker.on_host:
            return None
        if is_loopback(bound.host):
            text = (
                f"the listener {told.name} is on {bound.host} inside its container, where no "
                f"published port leads; write {told.name}://:{bound.port} in KAFKA_LISTENERS"
            )
            return _Unreachable("no-listener-for-host", text)
        out = [port for port in self.broker.published if port.inside == bound.port]
        return _unpublished(told, bound, out, mine=is_loopback(host) or known)


def _unpublished(
    told: Listener, bound: Listener, out: Sequence[Published], *, mine: bool
) -> _Unreachable | None:
    """Return why no published port leads from the advertised address to the listener."""
    where = f"the listener {told.name} advertises {told.host}:{told.port}"
    if not out:
        text = f"{where}, but container port {bound.port} is not published"
        return _Unreachable("advertised-port-differs", text) if mine else None
    ranges = [port for port in out if port.port is None]
    if len(ranges) == len(out):
        text = f"container port {bound.port} is published as {out[0].outside}; publish one port"
        return _Unreachable("advertised-port-differs", text)
    right = [port for port in out if port.port == told.port]
    if mine and not right:
        text = (
            f"the listener {told.name} advertises port {told.port}, but it is published on port "
            f"{out[0].outside}; clients would be sent to the wrong one"
        )
        return _Unreachable("advertised-port-differs", text)
    if not right or not (is_loopback(told.host) or is_literal(told.host)):
        return None
    reach = (port.host in _EVERY or port.on_loopback == is_loopback(told.host) for port in right)
    text = f"{where}, but port {told.port} is published on {right[0].host} alone"
    return None if any(reach) else _Unreachable("no-listener-for-host", text)
