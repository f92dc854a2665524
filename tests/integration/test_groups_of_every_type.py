"""Classic, consumer, share and streams groups on a broker of Kafka 4.4, made by real clients."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, ShareConsumer

from tests.integration.conftest import Sandbox, eventually
from tests.integration.test_records_in_and_out import new_topic, produced
from tests.integration.test_verbs_and_groups import bootstrap, java, ok

pytestmark = pytest.mark.timeout(300)

TOPIC = "read-by-all"
LISTED = "org.apache.kafka.tools.GroupsCommand"
_NONE, _NO_ITEMS, _NO_TAGS = b"\0", b"\1", b"\0"


@pytest.fixture(scope="module")
def broker(running_kafka_4: Sandbox) -> Sandbox:
    """A broker with a topic of two partitions and three records."""
    new_topic(running_kafka_4, TOPIC, "--partitions", "2")
    produced(running_kafka_4, '{"value":"x"}\n' * 3, TOPIC)
    return running_kafka_4


def _properties(broker: Sandbox, group: str) -> dict[str, Any]:
    return {"bootstrap.servers": bootstrap(broker), "group.id": group, "log_level": 0}


def _consumer(broker: Sandbox, group: str, **more: str) -> Consumer:
    properties = {**_properties(broker, group), "auto.offset.reset": "earliest", **more}
    consumer = Consumer(properties)
    consumer.subscribe([TOPIC])
    return consumer


@contextmanager
def _sharing(broker: Sandbox, group: str) -> Iterator[None]:
    """Have a share consumer read until the block ends."""
    stop = threading.Event()

    def read() -> None:
        with ShareConsumer(_properties(broker, group)) as consumer:
            consumer.subscribe([TOPIC])
            while not stop.is_set():
                consumer.poll(0.2)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@contextmanager
def _reconciling(broker: Sandbox, group: str) -> Iterator[None]:
    """Have a group that moves a partition from a consumer that does not give it back."""
    first = _consumer(broker, group, **{"group.protocol": "consumer"})
    eventually(lambda: first.poll(0.2) or first.assignment(), "the first has partitions")
    second = _consumer(broker, group, **{"group.protocol": "consumer"})
    try:
        yield
    finally:
        second.close()
        first.close()


def _text(word: str) -> bytes:
    return bytes([len(word) + 1]) + word.encode()


def _streams_heartbeat(broker: Sandbox, group: str, *, joins: bool) -> None:
    """Join a streams group, or leave it: no library has the request (key 88, version 0)."""
    tasks = _NO_ITEMS if joins else _NONE
    reads = _text("0") + b"\2" + _text(TOPIC) + _NO_ITEMS * 5 + _NO_TAGS
    topology = b"\1" + struct.pack(">i", 0) + b"\2" + reads + _NO_TAGS if joins else b"\xff"
    body = (
        _text(group)
        + _text("member")
        + struct.pack(">ii", 0 if joins else -1, 0)
        + _NONE * 2
        + struct.pack(">i", 30_000)
        + topology
        + tasks * 3
        + (_text("process") if joins else _NONE)
        + b"\xff"
        + tasks
        + _NONE * 2
        + b"\0"
        + _NO_TAGS
    )
    request = struct.pack(">hhih", 88, 0, 1, -1) + _NO_TAGS + body
    host, port = bootstrap(broker).split(":")
    with socket.create_connection((host, int(port)), 10) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        reply = link.makefile("rb")
        (size,) = struct.unpack(">i", reply.read(4))
        (error,) = struct.unpack_from(">h", reply.read(size), 9)
    assert error == 0, f"the broker refuses the streams group: {error}"


def _groups(broker: Sandbox) -> dict[str, dict[str, Any]]:
    found = ok(broker.run("group.list", "-o", "json")).document["groups"]
    return {group["name"]: group for group in found}


def test_each_is_listed_as_what_it_is_and_reset_removes_it(broker: Sandbox) -> None:
    """With its type and Kafka's state; an active one is left and named; then all are deleted."""
    classic = _consumer(broker, "of-classic")
    eventually(lambda: classic.poll(0.2), "a record")
    classic.commit(asynchronous=False)
    classic.close()
    with _sharing(broker, "of-share"), _reconciling(broker, "of-consumer"):
        _streams_heartbeat(broker, "of-streams", joins=True)
        wanted = {
            "of-classic": ("classic", "empty", 0),
            "of-consumer": ("consumer", "reconciling", 2),
            "of-share": ("share", "stable", None),
            "of-streams": ("streams", "assigning", None),
        }

        def seen() -> dict[str, tuple[Any, ...]]:
            found = _groups(broker)
            return {name: (g["type"], g["state"], g["members"]) for name, g in found.items()}

        eventually(lambda: seen() == wanted, f"{wanted}, not {seen()}")
        table = java(broker, LISTED, "--list")
        rows = {line.split()[0]: line.split()[1].lower() for line in table.splitlines()[1:]}
        assert rows == {name: found[0] for name, found in wanted.items()}
        refused = broker.run("reset", "--yes")
        assert refused.code == 1
        for name in ("of-consumer", "of-share", "of-streams"):
            assert f"! {name}: The group {name} is still active." in refused.out
    _streams_heartbeat(broker, "of-streams", joins=False)
    assert set(_groups(broker)) == {"of-consumer", "of-share", "of-streams"}
    done = ok(broker.run("reset", "--yes", "-o", "json")).document
    assert done["groups"] == ["of-consumer", "of-share", "of-streams"]
    assert java(broker, LISTED, "--list").splitlines()[1:] == []
    new_topic(broker, TOPIC, "--partitions", "2")
    produced(broker, '{"value":"x"}\n' * 3, TOPIC)


def test_a_share_group_is_described_and_not_reset(broker: Sandbox) -> None:
    """It is no group that is not there; what shows its members is named; it can be deleted."""
    with _sharing(broker, "shared"):
        eventually(lambda: "shared" in _groups(broker), "the share group")
        shown = ok(broker.run("group.describe", "shared"))
        assert "shared: share group, stable" in shown.out
        assert "kafka-share-groups.sh --describe --group shared" in shown.out
        document = ok(broker.run("group.describe", "shared", "-o", "json")).document
        assert (document["members"], document["lag"], document["partitions"]) == (None, None, [])
        broker.run("group.reset", "shared", "--to", "start").refused(3, "is a share group")
        broker.run("group.delete", "shared", "--yes").refused(1, "shared is still active")
    assert ok(broker.run("group.delete", "shared", "--yes")).out == "Deleted shared.\n"
    broker.run("group.describe", "shared").refused(1, "There is no group shared")


def test_a_streams_group_has_offsets_that_can_be_set(broker: Sandbox) -> None:
    """Only while it is empty, as with consumers; its members cannot be read."""
    _streams_heartbeat(broker, "flows", joins=True)
    reset = ("group.reset", "flows", "--topic", TOPIC, "--to", "1", "--execute")
    broker.run(*reset).refused(1, "flows is active")
    _streams_heartbeat(broker, "flows", joins=False)
    ok(broker.run(*reset))
    document = ok(broker.run("group.describe", "flows", "-o", "json")).document
    assert (document["type"], document["members"]) == ("streams", None)
    assert {at["committed"] for at in document["partitions"]} <= {0, 1}
    assert "kafka-streams-groups.sh" in ok(broker.run("group.describe", "flows")).out
    ok(broker.run("group.delete", "flows", "--yes"))
