"""ZooKeeper: four-letter words for probes; a session for the nodes that brokers register."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kafka_tasks.clients import zookeeper_link
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.clients.zookeeper_request import children
from kafka_tasks.errors import ClusterError
from kafka_tasks.model.address import Endpoint

_REPLY_LIMIT = 65536
_MODES = frozenset({"standalone", "leader", "follower", "observer", "read-only"})
# The timeout that sessions ask for, and the tick to which ZooKeeper rounds their expiry.
_SESSION_S = 4.0
_TICK_S = 2.0


def _four_letter_word(address: Endpoint, word: str, timeout_s: float) -> str:
    """Send one of ZooKeeper's four-letter words and return up to 64 KiB of the reply."""
    import time

    timeout_s = zookeeper_link.patience(address, timeout_s)
    ends_at = time.monotonic() + timeout_s
    reply = bytearray()
    try:
        with zookeeper_link.opened(address, timeout_s) as link:
            link.sendall(word.encode("ascii"))
            while len(reply) < _REPLY_LIMIT:
                left = ends_at - time.monotonic()
                if left <= 0:
                    raise Unanswered(f"{address} did not complete its reply to {word}")
                link.settimeout(left)
                chunk = link.recv(4096)
                if not chunk:
                    break
                reply += chunk
    except OSError as error:
        raise Unanswered(f"{address}: {error.strerror or error}") from error
    return reply[:_REPLY_LIMIT].decode("utf-8", "replace")


def srvr(address: Endpoint, timeout_s: float) -> str:
    """Return what the server answers to `srvr`: a refusal, too, begins as only ZooKeeper's do."""
    return _four_letter_word(address, "srvr", timeout_s)


def mode(address: Endpoint, timeout_s: float) -> str:
    """Return the mode that `srvr` reports, such as standalone; raises `Unanswered`."""
    reply = srvr(address, timeout_s)
    for line in reply.splitlines():
        found = line.removeprefix("Mode: ").strip()
        if line.startswith("Mode: ") and found in _MODES:
            return found
    seen = reply.strip().splitlines()[0][:120] if reply.strip() else "an empty reply"
    raise Unanswered(f"{address} answered srvr with {seen!r} instead of a mode")


def registered_brokers(address: Endpoint, timeout_s: float) -> dict[int, tuple[str, ...]]:
    """Return the ids under /brokers/ids, each with the endpoints of the broker."""
    with _session(address, timeout_s) as client:
        if not client.exists("/brokers/ids"):
            return {}
        found: dict[int, tuple[str, ...]] = {}
        for name in client.get_children("/brokers/ids"):
            data = client.get(f"/brokers/ids/{name}")[0]
            found[int(name)] = tuple(map(str, json.loads(data).get("endpoints", ())))
        return found


def topics(address: Endpoint, timeout_s: float) -> frozenset[str]:
    """Return the registered topics that are not marked for deletion."""
    found, marked = children(address, ("/brokers/topics", "/admin/delete_topics"), timeout_s)
    return found - marked


def cluster_id(address: Endpoint, timeout_s: float) -> str | None:
    """Return the cluster id that the first broker wrote, or None before its first start."""
    with _session(address, timeout_s) as client:
        if not client.exists("/cluster/id"):
            return None
        data = client.get("/cluster/id")[0]
    try:
        return str(json.loads(data)["id"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ClusterError(f"/cluster/id in {address} is not readable.") from error


def unregister(address: Endpoint, broker: int, timeout_s: float) -> None:
    """Delete what the session that registered a broker has: `/controller`, then the registration.

    A node of another session stays: a broker that has registered since is not touched.
    """
    path = f"/brokers/ids/{broker}"
    with _session(address, timeout_s) as client:
        node = client.exists(path)
        if node is None or not node.ephemeralOwner:
            return
        for each in ("/controller", path):
            found = client.exists(each)
            if found is not None and found.ephemeralOwner == node.ephemeralOwner:
                client.delete(each, found.version)


def session_left_s(address: Endpoint, path: str, timeout_s: float) -> float | None:
    """Return the seconds, at most, until the session that holds this ephemeral node expires.

    None where the node is gone, or where ZooKeeper does not allow `dump`. The expiry of the
    session opened here is the reference, since the clock of ZooKeeper has its own origin.
    """
    with _session(address, timeout_s) as client:
        node = client.exists(path)
        if node is None:
            return None
        ends = _session_ends(_four_letter_word(address, "dump", timeout_s))
        holder, own = ends.get(node.ephemeralOwner), ends.get(client.client_id[0])
        if holder is None or own is None:
            return None
        return max(0.0, holder - own + _SESSION_S + _TICK_S)


def _session_ends(dump: str) -> dict[int, float]:
    """Read session → expiry, in seconds by ZooKeeper's own clock."""
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
def _session(address: Endpoint, timeout_s: float) -> Iterator[Any]:
    """Open a session for this block; every error in it becomes `Unanswered`."""
    try:
        client = _connected(address, timeout_s)
        try:
            yield client
        finally:
            client.stop()
            client.close()
    except Unanswered:
        raise
    except Exception as error:
        raise Unanswered(f"{address}: {error or type(error).__name__}") from error


def _connected(address: Endpoint, timeout_s: float) -> Any:
    # Kazoo takes 0.1 s to load.
    from kafka_tasks.clients.zookeeper_session import ZookeeperSession

    return ZookeeperSession(address, timeout_s, session_s=_SESSION_S)
