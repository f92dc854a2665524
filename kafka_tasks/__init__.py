"""A real Kafka in seconds, proven to work: Invoke tasks, readiness probes, topics, acceptance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle.session import Session, open_session
    from kafka_tasks.lifecycle.start import up
    from kafka_tasks.lifecycle.status import status, wait
    from kafka_tasks.lifecycle.stop import down, restart
    from kafka_tasks.lifecycle.temporary import temporary_cluster
    from kafka_tasks.model.address import Address
    from kafka_tasks.model.cluster import Cluster, ServiceState
    from kafka_tasks.model.events import Event, Recorder
    from kafka_tasks.model.results import Report
    from kafka_tasks.project.directory import Project
    from kafka_tasks.settings.loading import load as load_settings
    from kafka_tasks.settings.values import Settings
    from kafka_tasks.version import VERSION as __version__

_HOMES = {
    "Address": "model.address",
    "Cluster": "model.cluster",
    "Event": "model.events",
    "KafkaTasksError": "errors",
    "Project": "project.directory",
    "Recorder": "model.events",
    "Report": "model.results",
    "ServiceState": "model.cluster",
    "Session": "lifecycle.session",
    "Settings": "settings.values",
    "__version__": "version",
    "down": "lifecycle.stop",
    "load_settings": "settings.loading",
    "open_session": "lifecycle.session",
    "restart": "lifecycle.stop",
    "status": "lifecycle.status",
    "temporary_cluster": "lifecycle.temporary",
    "up": "lifecycle.start",
    "wait": "lifecycle.status",
}
# What is called otherwise at home.
_NAMES = {"__version__": "VERSION", "load_settings": "load"}

__all__ = [
    "Address",
    "Cluster",
    "Event",
    "KafkaTasksError",
    "Project",
    "Recorder",
    "Report",
    "ServiceState",
    "Session",
    "Settings",
    "__version__",
    "down",
    "load_settings",
    "open_session",
    "restart",
    "status",
    "temporary_cluster",
    "up",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(home, _NAMES.get(name, name))


def __dir__() -> list[str]:
    return sorted(__all__)
