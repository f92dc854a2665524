"""A second engine of the test's own, on a socket and in directories of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

# Where Debian's package puts it; a newer one beside it is in /usr/local.
DAEMON = Path("/usr/sbin/dockerd")


@contextmanager
def own_engine(home: Path) -> Iterator[str]:
    """Run a dockerd on a bridge of its own; yields its address and ends it by its pid.

    Not `--bridge none`: that takes the usual engine's docker0 away.
    """
    assert DAEMON.exists(), f"{DAEMON} is missing: .ci/run installs it"
    socket = Path("/run") / f"{home.name}.sock"
    bridge = f"kt{os.getpid() % 100000}"
    _ip("link", "add", "name", bridge, "type", "bridge")
    _ip("addr", "add", "172.30.255.1/24", "dev", bridge)
    with (home / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                *(DAEMON, "--host", f"unix://{socket}", "--data-root", home / "data"),
                *("--exec-root", home / "exec", "--pidfile", home / "pid", "--bridge", bridge),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = f"unix://{socket}"
    bridges: list[str] = []
    try:
        _await(address, daemon)
        yield address
        bridges = _bridges(address)
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(timeout=30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait(timeout=10)
        # A daemon that ends leaves the bridges of networks that it still has.
        for left in (bridge, *bridges):
            _ip("link", "delete", left)
        socket.unlink(missing_ok=True)
        shutil.rmtree(home, ignore_errors=True)


def _bridges(address: str) -> list[str]:
    """The interfaces of the networks that were made there."""
    client = docker.DockerClient(base_url=address, timeout=10)
    made = [n for n in client.networks.list() if n.name not in ("bridge", "host", "none")]
    client.close()
    return [f"br-{network.id[:12]}" for network in made]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)


def _await(address: str, daemon: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + 30
    while time.monotonic() < limit and daemon.poll() is None:
        try:
            client = docker.DockerClient(base_url=address, timeout=2)
            client.ping()
            client.close()
            return
        except docker.errors.DockerException:
            time.sleep(0.2)
    raise AssertionError("the test's own engine did not start")


def load_images(address: str, *names: str) -> None:
    """Copy images from the usual engine into this one."""
    save = subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE)
    loaded = subprocess.run(
        ["docker", "--host", address, "load"],
        stdin=save.stdout,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert save.wait(timeout=60) == 0
    assert loaded.returncode == 0, loaded.stderr
