"""A client that polls until a cluster answers, as a user would without kafka-tasks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from bench.children import Unmeasured

_POLL_S = 0.02
_TIMEOUT_S = 0.25

# librdkafka logs many lines a second while nothing listens.
_silent = logging.getLogger("bench.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


def until_answered(
    port: int, *, timeout_s: float = 60, exited: Callable[[], str | None] = lambda: None
) -> float:
    """Return the `time.monotonic()` of the first answer with metadata that has a controller.

    Polls every 20 ms; librdkafka reconnects as often. Raises `Unmeasured` after `timeout_s`, or as
    soon as `exited` returns a reason.
    """
    quick = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 20}
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", **quick}, logger=_silent)
    deadline = time.monotonic() + timeout_s
    with client:
        while time.monotonic() < deadline:
            if _answers(client):
                return time.monotonic()
            if reason := exited():
                raise Unmeasured(reason)
            time.sleep(_POLL_S)
    raise Unmeasured(f"nothing answered on port {port} within {timeout_s:g} s")


def _answers(client: AdminClient) -> bool:
    try:
        found = client.list_topics(timeout=_TIMEOUT_S)
    except KafkaException:
        return False
    return found.controller_id in found.brokers


class Observer:
    """Watches a port from its own thread, from its creation."""

    def __init__(self, port: int) -> None:
        self._seen: float | None = None
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(port,), daemon=True)
        self._thread.start()

    def _watch(self, port: int) -> None:
        try:
            self._seen = until_answered(port, exited=self._stopped)
        except Unmeasured as error:
            self._problem = str(error)

    def _stopped(self) -> str | None:
        return "the observer saw nothing" if self._stop.is_set() else None

    def first_seen(self) -> float:
        """Return the `time.monotonic()` of the first answer; raises `Unmeasured` without one."""
        self._thread.join(5)
        self.close()
        if self._seen is None:
            raise Unmeasured(self._problem or "the observer saw nothing")
        return self._seen

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()
