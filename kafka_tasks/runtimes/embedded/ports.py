"""Which ports the servers take, and whether they are free."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError, PortTaken
from kafka_tasks.model.cluster import ZOOKEEPER, broker_id

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
