"""Memory and addresses of this machine."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import psutil


def has_ipv4() -> bool:
    """Return True if this machine has an IPv4 address besides loopback."""
    return any(
        entry.family == socket.AF_INET and not entry.address.startswith("127.")
        for entries in psutil.net_if_addrs().values()
        for entry in entries
    )


def memory_bytes() -> tuple[int, int]:
    """Return the bytes of memory of this machine or container: in total, and available."""
    seen = psutil.virtual_memory()
    total, available = int(seen.total), int(seen.available)
    with contextlib.suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        total, available = min(total, limit), min(available, max(0, limit - used))
    return total, available
