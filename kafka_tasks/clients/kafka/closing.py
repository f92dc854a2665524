"""Closes admin clients, at the latest before Python ends.

A thread of librdkafka hands each answer over. While Python finalizes, it asks for a lock that is
gone, and the process ends with SIGSEGV (confluent-kafka 2.16, `PyGILState_Ensure`).
"""

from __future__ import annotations

import atexit
import threading
import time
from weakref import WeakKeyDictionary

from confluent_kafka.admin import AdminClient

from kafka_tasks.retry import Deadline

# Seconds for a close within a task. It takes 0.1 s, but longer while a server sends without end.
_CLOSE_S = 1.0
# Seconds that the end of Python waits for clients that other threads still use or close.
_END_S = 5.0
_POLL_S = 0.01

_open: WeakKeyDictionary[AdminClient, threading.Thread] = WeakKeyDictionary()
_closing: set[threading.Thread] = set()


def opened(client: AdminClient) -> AdminClient:
    """Return the client, which this thread has opened."""
    _open[client] = threading.current_thread()
    return client


def close(client: AdminClient) -> None:
    """Close the client; one that takes longer than a second is closed in the background."""
    begin(client).join(_CLOSE_S)


def begin(client: AdminClient) -> threading.Thread:
    """Close the client in the background, in the thread that is returned."""
    _open.pop(client, None)
    thread = threading.Thread(target=_close, args=(client,), daemon=True)
    _closing.add(thread)
    thread.start()
    return thread


def _close(client: AdminClient) -> None:
    try:
        client.__exit__(None, None, None)
    finally:
        _closing.discard(threading.current_thread())


@atexit.register
def _close_all() -> None:
    """Wait for the clients of threads that still run, and close those that were left open."""
    deadline = Deadline.after(_END_S)
    while (_closing or _owned_elsewhere()) and not deadline.expired():
        time.sleep(_POLL_S)
    for client, owner in list(_open.items()):
        # Closing one that is in use would free it under its user.
        if owner is threading.main_thread() or not owner.is_alive():
            close(client)


def _owned_elsewhere() -> bool:
    main = threading.main_thread()
    return any(owner is not main and owner.is_alive() for owner in list(_open.values()))
