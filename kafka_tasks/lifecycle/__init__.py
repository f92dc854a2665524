"""up, down, restart, wait, status, pull: lock + runtime + probes."""

from __future__ import annotations

from kafka_tasks.lifecycle.changing import changing, require_same_settings
from kafka_tasks.lifecycle.looking import list_clusters, status, wait
from kafka_tasks.lifecycle.pulling import pull
from kafka_tasks.lifecycle.registration import await_deregistration
from kafka_tasks.lifecycle.session import Session, open_session, signals_held
from kafka_tasks.lifecycle.starting import up
from kafka_tasks.lifecycle.stopping import down, paused, require_service, restart

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
