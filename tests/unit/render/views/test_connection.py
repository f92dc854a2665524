from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.render.views import connection
from kafka_tasks.render.views.connection import Connection


@pytest.fixture
def secured(cluster: Cluster) -> Cluster:
    """A remote cluster with a password that a shell would trip over."""
    return replace(
        cluster,
        bootstrap=(Address("a", 1), Address("b", 2)),
        topology=Topology(),
        client={"security.protocol": "SASL_SSL", "sasl.password": "hunter2 $(x) 'y'"},
    )


@pytest.mark.parametrize("form", connection.FORMATS)
def test_secrets_are_placeholders_unless_asked_for(secured: Cluster, form: str) -> None:
    """No form shows a password; with --show-secrets each does."""
    secret = secured.client["sasl.password"]
    hidden = Connection(secured, form, (secret,))
    text = connection.text(hidden, width=80)
    assert "hunter2" not in text + json.dumps(connection.document(hidden))
    assert "<secret>" in text
    assert "hunter2" in connection.text(Connection(secured, form), width=80)


def test_env_is_for_a_shell(cluster: Cluster, secured: Cluster) -> None:
    """Each line is an export, quoted so that a shell reads the value as it is."""
    assert connection.text(Connection(cluster, "env"), width=80).splitlines() == [
        "export KAFKA_BOOTSTRAP_SERVERS=localhost:9092",
        "export ZOOKEEPER_CONNECT=localhost:2181",
    ]
    last = connection.text(Connection(secured, "env"), width=80).splitlines()[-1]
    assert shlex.split(last) == ["export", f"KAFKA_SASL_PASSWORD={secured.client['sasl.password']}"]


def test_the_other_forms_are_read_by_their_readers(secured: Cluster) -> None:
    """Properties, JSON and Python give the same librdkafka properties."""
    expected = {"bootstrap.servers": "a:1,b:2", **secured.client}
    assert json.loads(connection.text(Connection(secured, "json"), width=80)) == expected
    namespace: dict[str, Any] = {}
    exec(connection.text(Connection(secured, "python"), width=80), namespace)
    assert namespace["config"] == expected
    lines = connection.text(Connection(secured, "properties"), width=80).splitlines()
    assert dict(line.split("=", 1) for line in lines) == expected


def test_the_document_has_the_addresses(cluster: Cluster) -> None:
    """For machines: addresses and client properties."""
    assert connection.document(Connection(cluster, "env")) == {
        "schema": 1,
        "bootstrap_servers": "localhost:9092",
        "zookeeper": "localhost:2181",
        "client": {},
    }
