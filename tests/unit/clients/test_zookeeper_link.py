"""Connections to a ZooKeeper that publishes no port."""

from __future__ import annotations

import socket
import subprocess
from typing import Any

import pytest

from kafka_tasks.clients import zookeeper_link
from kafka_tasks.model.address import Address, Inside


class End:
    """One end of a pair of sockets in memory."""

    def __init__(self) -> None:
        self.timeout_s: float | None = None
        self.is_closed = False

    def fileno(self) -> int:
        """Return its number."""
        return 77

    def settimeout(self, seconds: float) -> None:
        """Limit what it waits."""
        self.timeout_s = seconds

    def __enter__(self) -> End:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closed = True


def test_a_process_in_the_container_serves_the_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has both directions on one socket, of which this process keeps its own end alone."""
    mine, theirs, started = End(), End(), []

    class Command:
        """The command that was started."""

        def __init__(self, arguments: list[str], **streams: Any) -> None:
            started.append((arguments, streams))

        def poll(self) -> int:
            """Return the code with which it exited."""
            return 0

    monkeypatch.setattr(socket, "socketpair", lambda: (mine, theirs))
    monkeypatch.setattr(subprocess, "Popen", Command)
    found: Any = zookeeper_link.opened(Inside("keeper", 2181), 1.5)
    assert found is mine and (mine.timeout_s, mine.is_closed) == (1.5, False)
    assert theirs.is_closed
    ((arguments, streams),) = started
    assert arguments[:4] == ["docker", "exec", "--interactive", "keeper"]
    assert arguments[-1] == "2181"
    assert (streams["stdin"], streams["stdout"]) == (77, 77)
    zookeeper_link.opened(Inside("keeper", 2181), 1.5)
    assert len(zookeeper_link._commands) == 1


def test_an_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs in a container for it."""
    asked: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *told: asked.append(told))
    zookeeper_link.opened(Address("localhost", 2181), 2.0)
    assert asked == [(("localhost", 2181), 2.0)]


def test_an_answer_from_a_container_may_take_longer() -> None:
    """A busy machine takes a second to start a process there."""
    assert zookeeper_link.patience(Inside("keeper", 2181), 1.0) == 5.0
    assert zookeeper_link.patience(Address("localhost", 2181), 1.0) == 1.0


def test_its_place_is_said() -> None:
    """Where no answer comes, the sentence has it."""
    assert str(Inside("keeper", 2181)) == "port 2181 inside its container"
