"""Requests to a controller's listener that no client library sends.

Written by hand from Kafka's message definitions: DescribeQuorum (key 55) and UnregisterBroker
(key 64), both in version 0, which every line from 3.5 to 4.4 speaks.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from msgspec import Struct

from kafka_tasks.clients.kafka import tls, wire
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address

_DESCRIBE_QUORUM, _UNREGISTER_BROKER = 55, 64
_METADATA_TOPIC = b"__cluster_metadata"
_NO_TAGS = b"\0"
_NOT_LEADER, _NOT_CONTROLLER, _NOT_REGISTERED = 6, 41, 102
_NOT_NOW = {
    3: "UNKNOWN_TOPIC_OR_PARTITION",
    5: "LEADER_NOT_AVAILABLE",
    7: "REQUEST_TIMED_OUT",
    8: "BROKER_NOT_AVAILABLE",
    35: "UNSUPPORTED_VERSION",
}


class Quorum(Struct, frozen=True):
    """The quorum as its leader sees it: node ids, and each one's last offset in the log."""

    leader: int
    epoch: int
    voters: dict[int, int]
    observers: dict[int, int]


def describe(
    controller: Address, timeout_s: float, client: Mapping[str, str] | None = None
) -> Quorum | None:
    """Return the quorum, where this controller leads it; None where another one may.

    `client` has librdkafka's properties of a connection. Raises `Unanswered`.
    """
    topic = _text(_METADATA_TOPIC) + _array([struct.pack(">i", 0) + _NO_TAGS]) + _NO_TAGS
    body = _array([topic]) + _NO_TAGS
    reply = _asked(controller, _DESCRIBE_QUORUM, body, timeout_s, client)
    try:
        return _quorum(reply)
    except (struct.error, IndexError) as error:
        raise Unanswered(f"{controller} gave an answer that is no quorum") from error


def _quorum(reply: wire.Reply) -> Quorum | None:
    if _is_another(reply.int16()):
        return None
    if reply.count() != 1:
        return None
    reply.text()
    if reply.count() != 1:
        return None
    reply.int32()
    error, leader, epoch, _ = reply.int16(), reply.int32(), reply.int32(), reply.int64()
    if _is_another(error) or leader < 0:
        return None
    return Quorum(leader, epoch, _replicas(reply), _replicas(reply))


def _is_another(code: int) -> bool:
    """Return whether the error means that another controller leads; raises for any other."""
    if code in (_NOT_LEADER, _NOT_CONTROLLER):
        return True
    if code:
        raise Unanswered(f"the quorum is not there: {_NOT_NOW.get(code, f'error {code}')}")
    return False


def unregister(
    controller: Address, broker: int, timeout_s: float, client: Mapping[str, str] | None = None
) -> bool:
    """Remove a dead broker's registration; return whether this controller did that.

    False where another controller leads. One that is not registered counts as removed. Sent for a
    broker that lives, it would leave it alive and its partitions without leaders. Raises
    `Unanswered`.
    """
    body = struct.pack(">i", broker) + _NO_TAGS
    reply = _asked(controller, _UNREGISTER_BROKER, body, timeout_s, client)
    try:
        reply.int32()
        code = reply.int16()
    except struct.error as error:
        raise Unanswered(f"{controller} gave an answer that is none") from error
    return code == _NOT_REGISTERED or not _is_another(code)


def _asked(
    controller: Address, key: int, body: bytes, timeout_s: float, client: Mapping[str, str] | None
) -> wire.Reply:
    """Send one request, and return its reply behind the header."""
    with wire.connected(controller, timeout_s, tls.context(client or {})) as link:
        reply = wire.ask(link, key, 0, body, flexible=True)
    reply.tags()
    return reply


def _replicas(reply: wire.Reply) -> dict[int, int]:
    """Return the node ids of an array of replicas, with their last offsets."""
    found = {}
    for _ in range(max(reply.count(), 0)):
        node = reply.int32()
        found[node] = reply.int64()
        reply.tags()
    return found


def _array(items: list[bytes]) -> bytes:
    """Return a compact array of fewer than 127 items."""
    return bytes([len(items) + 1]) + b"".join(items)


def _text(content: bytes) -> bytes:
    """Return a compact string of fewer than 127 bytes."""
    return bytes([len(content) + 1]) + content
