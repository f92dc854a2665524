"""A client that polls until a cluster answers: how one would wait by hand."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from bench.children import Unmeasured

POLL_S = 0.02
_ANSWER_S = 0.25

# librdkafka writes many lines a second while nothing listens; a logger takes them.
_silence = logging.getLogger("bench.librdkafka")
_silence.addHandler(logging.NullHandler())
_silence.propagate = False


def until_answered(
    port: int, *, timeout_s: float = 60, ended: Callable[[], str | None] = lambda: None
) -> float:
    """The `time.monotonic()` at which metadata with a controller was first answered.

    Polls every 20 ms, and librdkafka reconnects as often. `ended` says why there is nothing more
    to wait for; raises `Unmeasured` then, or after `timeout_s`.
    """
    quick = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 20}
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", **quick}, logger=_silence)
    give_up = time.monotonic() + timeout_s
    with client:
        while time.monotonic() < give_up:
            if _answers(client):
                return time.monotonic()
            if reason := ended():
                raise Unmeasured(reason)
            time.sleep(POLL_S)
    raise Unmeasured(f"nothing answered on port {port} within {timeout_s:g} s")


def _answers(client: AdminClient) -> bool:
    try:
        found = client.list_topics(timeout=_ANSWER_S)
    except KafkaException:
        return False
    return found.controller_id in found.brokers


class Observer:
    """Watches a port from a thread of its own, from the moment it is made."""

    def __init__(self, port: int) -> None:
        self._seen: float | None = None
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(port,), daemon=True)
        self._thread.start()

    def _watch(self, port: int) -> None:
        try:
            self._seen = until_answered(port, ended=self._called_off)
        except Unmeasured as error:
            self._problem = str(error)

    def _called_off(self) -> str | None:
        return "the observer saw nothing" if self._stop.is_set() else None

    def first_seen(self) -> float:
        """The `time.monotonic()` of the first answer; raises `Unmeasured` if there was none."""
        self._thread.join(5)
        self.close()
        if self._seen is None:
            raise Unmeasured(self._problem or "the observer saw nothing")
        return self._seen

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()
