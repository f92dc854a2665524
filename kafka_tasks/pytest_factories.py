"""Fixtures for further clusters, beside that of the options: `three = cluster(brokers=3)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from kafka_tasks.fixtures.cluster import KafkaCluster
    from kafka_tasks.fixtures.records import Record

_Scope = Literal["session", "package", "module", "class", "function"]
_HOMES = {"KafkaCluster": "cluster", "Record": "records"}

__all__ = ["KafkaCluster", "Record", "cluster"]


def cluster(
    *,
    brokers: int | None = None,
    version: str | None = None,
    mode: str | None = None,
    secure: str | None = None,
    acl: bool | None = None,
    properties: Mapping[str, Any] | None = None,
    scope: _Scope = "session",
    name: str | None = None,
) -> Callable[..., Iterator[KafkaCluster]]:
    """Return a fixture that gives a cluster of this shape.

    With the scope `session`, fixtures and markers of the same shape share one cluster; with any
    other scope the cluster is the fixture's own, and is deleted at the end of the scope. Assigned
    to the name `kafka_cluster`, it becomes the cluster of all other fixtures.
    """
    settings = {"brokers": brokers, "version": version, "mode": mode, "secure": secure, "acl": acl}
    asked = {**settings, "properties": properties}

    @pytest.fixture(scope=scope, name=name)
    def made(request: pytest.FixtureRequest, _kafka_run: Any) -> Iterator[KafkaCluster]:
        from kafka_tasks.fixtures import told

        yield from told.factory_cluster(_kafka_run, request, asked, alone=scope != "session")

    return made


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kafka_tasks.fixtures.{_HOMES[name]}"), name)
