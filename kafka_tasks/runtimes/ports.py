"""Which ports the servers take, and whether they are free."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError, PortTaken
from kafka_tasks.model.cluster import ZOOKEEPER, broker_id
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.settings import Settings

# Below the ranges from which Linux (32768) and macOS (49152) take the ports of outgoing
# connections.
_LOW, _HIGH = 20000, 32000


def pick(
    project: Path,
    width: int,
    taken: Iterable[int] = (),
    free: Callable[[int], bool] = processes.port_is_free,
) -> int:
    """The first of `width` neighbouring free ports, from a place of the project's own on."""
    avoid = set(taken)
    span = _HIGH - _LOW
    seed = int.from_bytes(hashlib.sha256(os.fsencode(project)).digest()[:4], "big")
    for step in range(span // 8):
        first = _LOW + (seed + step * 8) % span
        ports = range(first, first + width)
        if not avoid.intersection(ports) and all(free(port) for port in ports):
            return first
    raise MachineError(f"There are no {width} neighbouring free ports from {_LOW} to {_HIGH}.")


def resolve(
    project: Path,
    settings: Settings,
    before: ClusterRecord | None,
    own: Collection[int],
    *,
    brokers: int,
    notice: Callable[[str], None],
) -> tuple[tuple[str, ...], int, int]:
    """Which settings are `auto`, and the ports of the first broker and of ZooKeeper.

    What was picked before is kept while all of it is free; while one of our own services (`own`
    has their ports) is there, it is kept in any case.
    """
    taken = set(before.auto_ports) if before else set()
    auto: list[str] = []

    def choose(name: str, kept: int | None, width: int, avoid: Collection[int]) -> int:
        auto.append(name)
        if kept is None:
            return pick(project, width, avoid)
        wanted = range(kept, kept + width)
        if set(own).intersection(wanted):
            return kept
        if name in taken and not set(wanted).intersection(avoid):
            if all(map(processes.port_is_free, wanted)):
                return kept
            notice(f"port {kept} is in use by now; picking another")
        return pick(project, width, avoid)

    port, keeper = settings.port, settings.zookeeper_port
    kept_keeper = before.zookeeper_port if before else None
    if port == "auto":
        known = kept_keeper if keeper == "auto" else keeper
        avoid = [known] if isinstance(known, int) else []
        port = choose("port", before.port if before else None, brokers, avoid)
    if keeper == "auto":
        keeper = choose("zookeeper_port", kept_keeper, 1, range(port, port + brokers))
    return tuple(auto), port, keeper


def of_service(service: str, port: int, zookeeper_port: int) -> int:
    """The port of a service: brokers take the ports after the first."""
    return zookeeper_port if service == ZOOKEEPER else port + broker_id(service) - 1


def require_free(wanted: dict[str, int]) -> None:
    """Raise `PortTaken` for the first service whose port is held, naming the holder."""
    for service, port in wanted.items():
        if processes.port_is_free(port):
            continue
        holder = processes.port_holder(port)
        variable = "KAFKA_TASKS_ZOOKEEPER_PORT" if service == ZOOKEEPER else "KAFKA_TASKS_PORT"
        stop = f"kill {holder.pid}, or " if holder and holder.pid else ""
        raise PortTaken(
            f"Port {port}, which {service} needs, is held by {holder or 'another process'}.",
            hint=f"{stop}{variable}=auto invoke kafka.up",
        )
