from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.clients.zookeeper import _four_letter_word, mode
from kafka_tasks.errors import ClusterError
from kafka_tasks.model.address import Address

HERE = Address("localhost", 2181)
SRVR = (
    b"Zookeeper version: 3.8.4\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\n"
    b"Connections: 1\nOutstanding: 0\nZxid: 0x0\nMode: standalone\nNode count: 5\n"
)


class _Link:
    """A connection that answers in pieces."""

    def __init__(self, *chunks: bytes | OSError) -> None:
        self.chunks = list(chunks)
        self.sent = b""

    def __enter__(self) -> _Link:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def sendall(self, data: bytes) -> None:
        """Note what was asked."""
        self.sent += data

    def settimeout(self, seconds: float) -> None:
        """Every wait has an end."""
        assert seconds > 0

    def recv(self, size: int) -> bytes:
        """The next piece; nothing more means the end."""
        chunk = self.chunks.pop(0) if self.chunks else b""
        if isinstance(chunk, OSError):
            raise chunk
        return chunk


@pytest.fixture
def answers(zookeeper_is: Callable[[Any], None]) -> Callable[..., _Link]:
    """Let the next connection be one that answers with these pieces."""

    def prepare(*chunks: bytes | OSError) -> _Link:
        link = _Link(*chunks)
        zookeeper_is(link)
        return link

    return prepare


@pytest.mark.parametrize("cut", [1, 40, len(SRVR)])
def test_the_mode_is_read_however_the_reply_is_cut(answers: Callable[..., _Link], cut: int) -> None:
    """A reply in pieces is put together before the mode is looked for."""
    link = answers(*(SRVR[start : start + cut] for start in range(0, len(SRVR), cut)))
    assert mode(HERE, 1.0) == "standalone"
    assert link.sent == b"srvr"


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (b"", "an empty reply"),
        (b"This ZooKeeper instance is not currently serving requests\n", "not currently serving"),
        (b"srvr is not executed because it is not in the whitelist.\n", "whitelist"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400"),
        (b"\xff\xfe", "�"),
    ],
)
def test_what_is_no_mode_is_shown(answers: Callable[..., _Link], reply: bytes, seen: str) -> None:
    """An answer without a mode is not ready, and its first line is what was seen."""
    answers(reply)
    with pytest.raises(Unanswered, match=seen):
        mode(HERE, 1.0)


def test_a_refused_connection_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port is no exception of the socket library."""

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(Unanswered, match="localhost:2181: Connection refused"):
        mode(HERE, 1.0)


def test_a_broken_connection_is_unanswered(answers: Callable[..., _Link]) -> None:
    """A connection that breaks in the middle of a reply is no answer."""
    answers(SRVR[:20], ConnectionResetError(104, "Connection reset by peer"))
    with pytest.raises(Unanswered, match="reset"):
        mode(HERE, 1.0)


def test_a_reply_without_end_is_cut_off(answers: Callable[..., _Link]) -> None:
    """Whoever talks without end is heard for 64 KiB."""
    answers(*[b"x" * 4096] * 100)
    assert len(_four_letter_word(HERE, "srvr", 1.0)) == 65536


class _Kazoo:
    """What kazoo would find under a path."""

    def __init__(self, nodes: dict[str, bytes]) -> None:
        self.nodes = nodes
        self.ended: list[str] = []

    def exists(self, path: str) -> bool:
        """Whether the node, or one below it, is there."""
        return any(name == path or name.startswith(f"{path}/") for name in self.nodes)

    def get_children(self, path: str) -> list[str]:
        """The names below."""
        return [name.rpartition("/")[2] for name in self.nodes if name.startswith(f"{path}/")]

    def get(self, path: str) -> tuple[bytes, None]:
        """The content."""
        return self.nodes[path], None

    def stop(self) -> None:
        """End the session."""
        self.ended.append("stop")

    def close(self) -> None:
        """Free the rest."""
        self.ended.append("close")


def _with(monkeypatch: pytest.MonkeyPatch, nodes: dict[str, bytes]) -> _Kazoo:
    client = _Kazoo(nodes)
    monkeypatch.setattr(zookeeper, "_connected", lambda address, timeout_s: client)
    return client


def test_registered_brokers_have_their_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each id under /brokers/ids comes with what its broker wrote there."""
    client = _with(
        monkeypatch, {"/brokers/ids/1": b'{"endpoints": ["PLAINTEXT://localhost:9092"]}'}
    )
    assert zookeeper.registered_brokers(HERE, 1.0) == {1: ("PLAINTEXT://localhost:9092",)}
    assert client.ended == ["stop", "close"]


class _Node(NamedTuple):
    """The stat of a node."""

    ephemeralOwner: int
    version: int = 0


class _Ephemeral(_Kazoo):
    """Nodes with their owners, which can be deleted."""

    def __init__(self, owners: dict[str, int]) -> None:
        super().__init__({})
        self.owners = owners
        self.deleted: list[str] = []

    def exists(self, path: str) -> Any:
        """The stat, or None."""
        return _Node(self.owners[path]) if path in self.owners else None

    def delete(self, path: str, version: int) -> None:
        """Note it."""
        assert version == 0
        self.deleted.append(path)


@pytest.mark.parametrize(
    ("owners", "deleted"),
    [
        ({"/controller": 7, "/brokers/ids/1": 7}, ["/controller", "/brokers/ids/1"]),
        ({"/controller": 8, "/brokers/ids/1": 7, "/brokers/ids/2": 8}, ["/brokers/ids/1"]),
        ({"/controller": 7, "/brokers/ids/2": 7}, []),
        ({"/controller": 0, "/brokers/ids/1": 0}, []),
    ],
)
def test_only_nodes_of_the_brokers_own_session_are_deleted(
    monkeypatch: pytest.MonkeyPatch, owners: dict[str, int], deleted: list[str]
) -> None:
    """The controller's goes first where it is the same session; what is not ephemeral stays."""
    client = _Ephemeral(owners)
    monkeypatch.setattr(zookeeper, "_connected", lambda address, timeout_s: client)
    zookeeper.unregister(HERE, 1, 1.0)
    assert client.deleted == deleted
    assert client.ended == ["stop", "close"]


def test_an_empty_zookeeper_has_no_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first broker there is no path, and that is no error."""
    _with(monkeypatch, {})
    assert zookeeper.registered_brokers(HERE, 1.0) == {}
    assert zookeeper.cluster_id(HERE, 1.0) is None


def test_a_broken_registration_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read there ends the question, and the session all the same."""
    client = _with(monkeypatch, {"/brokers/ids/1": b"{"})
    with pytest.raises(Unanswered):
        zookeeper.registered_brokers(HERE, 1.0)
    assert client.ended == ["stop", "close"]


def test_the_cluster_id_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The id that the first broker wrote is found."""
    _with(monkeypatch, {"/cluster/id": b'{"version":"1","id":"abc"}'})
    assert zookeeper.cluster_id(HERE, 1.0) == "abc"


@pytest.mark.parametrize("content", [b"[1]", b"7", b"{}", b"{", b"[" * 100_000])
def test_a_cluster_id_that_is_none_is_an_error(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Whatever else stands in the node is said in words."""
    client = _with(monkeypatch, {"/cluster/id": content})
    with pytest.raises(ClusterError, match="not readable"):
        zookeeper.cluster_id(HERE, 1.0)
    assert client.ended == ["stop", "close"]


@pytest.mark.parametrize("word", [b"\x1b[31mstandalone", b"", b"leaders"])
def test_a_mode_that_zookeeper_does_not_have_is_none(
    answers: Callable[..., _Link], word: bytes
) -> None:
    """Only its own words are believed, and nothing of it is handed to a terminal."""
    answers(b"Mode: " + word + b"\n")
    with pytest.raises(Unanswered, match="instead of a mode"):
        mode(HERE, 1.0)


def test_a_session_that_times_out_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of the session is an error of this package, with the address."""

    def silent(address: Address, timeout_s: float) -> None:
        raise TimeoutError(f"no answer within {timeout_s:g} s")

    monkeypatch.setattr(zookeeper, "_connected", silent)
    with pytest.raises(Unanswered, match=r"^localhost:2181: no answer within 1 s$"):
        zookeeper.registered_brokers(HERE, 1.0)
