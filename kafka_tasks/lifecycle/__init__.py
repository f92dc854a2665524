"""up, down, restart, wait, status, pull: lock + runtime + probes."""

from __future__ import annotations

from kafka_tasks.lifecycle.locking import changing, require_same_settings
from kafka_tasks.lifecycle.pull import pull
from kafka_tasks.lifecycle.registration import await_deregistration
from kafka_tasks.lifecycle.session import Session, open_session, signals_held
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.status import list_clusters, status, wait
from kafka_tasks.lifecycle.stop import down, paused, require_service, restart

__all__ = [
    "Session",
    "await_deregistration",
    "changing",
    "down",
    "list_clusters",
    "open_session",
    "paused",
    "pull",
    "require_same_settings",
    "require_service",
    "restart",
    "signals_held",
    "status",
    "up",
    "wait",
]
