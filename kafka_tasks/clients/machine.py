"""Memory, disks and addresses of this machine."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil


def has_ipv4() -> bool:
    """Return True if this machine has an IPv4 address besides loopback."""
    return any(
        entry.family == socket.AF_INET and not entry.address.startswith("127.")
        for entries in psutil.net_if_addrs().values()
        for entry in entries
    )


def addresses() -> frozenset[str]:
    """Return the IP addresses of this machine, loopback included."""
    return frozenset(
        entry.address.partition("%")[0]
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    )


def host_names(path: Path = Path("/etc/hosts")) -> frozenset[str]:
    """Return the names in this machine's hosts file, in lower case, and localhost."""
    found = {"localhost"}
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            found.update(name.lower() for name in line.partition("#")[0].split()[1:])
    return frozenset(found)


def memory_bytes() -> tuple[int, int]:
    """Return the bytes of memory of this machine or container: in total, and available."""
    seen = psutil.virtual_memory()
    total, available = int(seen.total), int(seen.available)
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        total, available = min(total, limit), min(available, max(0, limit - used))
    return total, available


def free_bytes(path: Path) -> int:
    """Return the bytes that this user can still write on the file system of `path`."""
    numbers = os.statvfs(path)
    return numbers.f_bavail * numbers.f_frsize


def listening(pids: Iterable[int]) -> list[tuple[int, str, int]]:
    """Return where these processes listen: pid, address, port; nothing where that is hidden."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError):
            for connection in psutil.Process(pid).net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr:
                    found.append((pid, connection.laddr.ip, connection.laddr.port))
    return found


def boot_id() -> str:
    """Return what tells this run of the machine from those before it."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return str(round(psutil.boot_time()))


def running_since(pid: int) -> float | None:
    """Return when a process started, in seconds since boot; None if it has exited.

    A zombie has exited, too.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() - psutil.boot_time(), 2)
    except psutil.Error:
        return None
