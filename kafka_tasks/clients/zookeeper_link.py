"""Connections to ZooKeeper: by an address, or from inside a container that publishes no port."""

from __future__ import annotations

import socket
import subprocess

from kafka_tasks.model.address import Endpoint, Inside

# Bytes in both directions, until either side ends. Images have bash, and it opens such a device.
_SCRIPT = """
exec 3<>"/dev/tcp/127.0.0.1/$1"
self=$$
{ cat; kill "$self"; } <&0 >&3 2>&3 &
exec cat <&3
"""
# The least time for an answer from there: a busy machine takes a second to start such a process.
INSIDE_S = 5.0
# Commands that may still run: one that is forgotten too early stays as a zombie.
_commands: list[subprocess.Popen[bytes]] = []


def patience(endpoint: Endpoint, timeout_s: float) -> float:
    """Return the seconds that an answer may take: more inside a container."""
    return max(timeout_s, INSIDE_S) if isinstance(endpoint, Inside) else timeout_s


def opened(endpoint: Endpoint, timeout_s: float) -> socket.socket:
    """Return a connection; raises `OSError`.

    Inside a container it is a socket pair whose other end a process in the container serves: no
    port is open on this machine meanwhile. Where nothing listens there, it is closed at once.
    """
    if not isinstance(endpoint, Inside):
        return socket.create_connection((endpoint.host, endpoint.port), timeout_s)
    mine, theirs = socket.socketpair()
    _commands[:] = [each for each in _commands if each.poll() is None]
    with theirs:
        _commands.append(_serving(endpoint, theirs.fileno()))
    mine.settimeout(timeout_s)
    return mine


def _serving(endpoint: Inside, stream: int) -> subprocess.Popen[bytes]:
    """Start the command that serves the other end of a pair."""
    script = ("bash", "-c", _SCRIPT, "bash", str(endpoint.port))
    command = ["docker", "exec", "--interactive", endpoint.container, *script]
    return subprocess.Popen(
        command,
        stdin=stream,
        stdout=stream,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is for this process: a request that it interrupts is closed by it.
        start_new_session=True,
    )
