"""ZooKeeper: four-letter words for probes; kazoo for what brokers register there."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kafka_tasks.errors import ClusterError
from kafka_tasks.model.cluster import Address

_REPLY_LIMIT = 65536
_MODES = frozenset({"standalone", "leader", "follower", "observer", "read-only"})
# What sessions begun here ask for, and how coarsely ZooKeeper rounds their ends.
_SESSION_S = 4.0
_TICK_S = 2.0


class Unanswered(Exception):
    """ZooKeeper did not answer, or what answered was not ZooKeeper."""


def four_letter_word(address: Address, word: str, timeout_s: float) -> str:
    """Send one of ZooKeeper's four-letter words and return the reply, 64 KiB of it at most."""
    import time

    ends_at = time.monotonic() + timeout_s
    reply = bytearray()
    try:
        with socket.create_connection((address.host, address.port), timeout=timeout_s) as link:
            link.sendall(word.encode("ascii"))
            while len(reply) < _REPLY_LIMIT:
                left = ends_at - time.monotonic()
                if left <= 0:
                    raise Unanswered(f"{address} did not finish its answer to {word}")
                link.settimeout(left)
                chunk = link.recv(4096)
                if not chunk:
                    break
                reply += chunk
    except OSError as error:
        raise Unanswered(f"{address}: {error.strerror or error}") from error
    return reply[:_REPLY_LIMIT].decode("utf-8", "replace")


def mode(address: Address, timeout_s: float) -> str:
    """The mode that `srvr` reports, such as standalone or leader. Raises `Unanswered`."""
    reply = four_letter_word(address, "srvr", timeout_s)
    for line in reply.splitlines():
        found = line.removeprefix("Mode: ").strip()
        if line.startswith("Mode: ") and found in _MODES:
            return found
    seen = reply.strip().splitlines()[0][:120] if reply.strip() else "an empty reply"
    raise Unanswered(f"{address} answered srvr with {seen!r} instead of a mode")


def registered_brokers(address: Address, timeout_s: float) -> dict[int, tuple[str, ...]]:
    """The ids under /brokers/ids with the endpoints each broker registered."""
    with _session(address, timeout_s) as client:
        if not client.exists("/brokers/ids"):
            return {}
        found: dict[int, tuple[str, ...]] = {}
        for name in client.get_children("/brokers/ids"):
            data = client.get(f"/brokers/ids/{name}")[0]
            found[int(name)] = tuple(map(str, json.loads(data).get("endpoints", ())))
        return found


def topics(address: Address, timeout_s: float) -> frozenset[str]:
    """The topics that are registered and not about to be deleted."""
    with _session(address, timeout_s) as client:
        found, going = (
            set(client.get_children(path)) if client.exists(path) else set()
            for path in ("/brokers/topics", "/admin/delete_topics")
        )
        return frozenset(found - going)


def cluster_id(address: Address, timeout_s: float) -> str | None:
    """The cluster id that the first broker wrote, or None where no broker ever started."""
    with _session(address, timeout_s) as client:
        if not client.exists("/cluster/id"):
            return None
        data = client.get("/cluster/id")[0]
    try:
        return str(json.loads(data)["id"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ClusterError(f"/cluster/id in {address} is not readable.") from error


def session_left_s(address: Address, path: str, timeout_s: float) -> float | None:
    """Seconds, at most, that the session which holds this ephemeral node will still live.

    None where the node is gone, or where ZooKeeper does not tell (`dump` has to be allowed). Its
    clock has an origin of its own, so the session asked with, just begun, is what is counted from.
    """
    with _session(address, timeout_s) as client:
        node = client.exists(path)
        if node is None:
            return None
        ends = _session_ends(four_letter_word(address, "dump", timeout_s))
        holder, own = ends.get(node.ephemeralOwner), ends.get(client.client_id[0])
        if holder is None or own is None:
            return None
        return max(0.0, holder - own + _SESSION_S + _TICK_S)


def _session_ends(dump: str) -> dict[int, float]:
    """Session → when it expires, in seconds by ZooKeeper's own clock."""
    found: dict[int, float] = {}
    at: float | None = None
    for line in dump.splitlines():
        if head := re.match(r"\d+ expire at \w+ (\w+ \d+ \d\d:\d\d:\d\d) \S+ (\d{4})", line):
            at = datetime.strptime(f"{head[1]} {head[2]}", "%b %d %H:%M:%S %Y").timestamp()
        elif (entry := re.fullmatch(r"\s+0x([0-9a-f]{1,16})", line)) and at is not None:
            found[int(entry[1], 16)] = at
        elif not line.startswith((" ", "\t")):
            at = None
    return found


@contextlib.contextmanager
def _session(address: Address, timeout_s: float) -> Iterator[Any]:
    """A session that ends with the block; what goes wrong in it is `Unanswered`."""
    client = _connected(address, timeout_s)
    try:
        yield client
    except Unanswered:
        raise
    except Exception as error:
        raise Unanswered(f"{address}: {error or type(error).__name__}") from error
    finally:
        client.stop()
        client.close()


def _connected(address: Address, timeout_s: float) -> Any:
    # Kazoo takes 0.1 s to load.
    from kafka_tasks.clients.zookeeper_session import Session

    return Session(address, timeout_s, session_s=_SESSION_S)
