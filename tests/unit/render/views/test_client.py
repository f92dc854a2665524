from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.model.cluster import Address, Cluster
from kafka_tasks.render.views import client as client_view


@pytest.fixture
def secured(cluster: Cluster) -> Cluster:
    """A remote cluster with a password that a shell would trip over."""
    return replace(
        cluster,
        bootstrap=(Address("a", 1), Address("b", 2)),
        zookeeper=None,
        client={"security.protocol": "SASL_SSL", "sasl.password": "hunter2 $(x) 'y'"},
    )


@pytest.mark.parametrize("form", client_view.FORMATS)
def test_secrets_are_placeholders_unless_asked_for(secured: Cluster, form: str) -> None:
    """No form shows a password; with --show-secrets each does."""
    secret = secured.client["sasl.password"]
    hidden = client_view.document(secured, hidden=[secret])
    assert "hunter2" not in client_view.text(hidden, form) + json.dumps(hidden)
    assert client_view.PLACEHOLDER in client_view.text(hidden, form)
    assert "hunter2" in client_view.text(client_view.document(secured, hidden=()), form)


def test_env_is_for_a_shell(cluster: Cluster, secured: Cluster) -> None:
    """Each line is an export, quoted so that a shell reads the value as it is."""
    assert client_view.text(client_view.document(cluster, hidden=()), "env").splitlines() == [
        "export KAFKA_BOOTSTRAP_SERVERS=localhost:9092",
        "export ZOOKEEPER_CONNECT=localhost:2181",
    ]
    last = client_view.text(client_view.document(secured, hidden=()), "env").splitlines()[-1]
    assert shlex.split(last) == ["export", f"KAFKA_SASL_PASSWORD={secured.client['sasl.password']}"]


def test_the_other_forms_are_read_by_their_readers(secured: Cluster) -> None:
    """Properties, JSON and Python give the same librdkafka properties."""
    document = client_view.document(secured, hidden=())
    expected = {"bootstrap.servers": "a:1,b:2", **secured.client}
    assert json.loads(client_view.text(document, "json")) == expected
    namespace: dict[str, Any] = {}
    exec(client_view.text(document, "python"), namespace)
    assert namespace["config"] == expected
    lines = client_view.text(document, "properties").splitlines()
    assert dict(line.split("=", 1) for line in lines) == expected


def test_the_document_has_the_addresses(cluster: Cluster) -> None:
    """For machines: addresses and client properties."""
    assert client_view.document(cluster, hidden=()) == {
        "schema": 1,
        "bootstrap_servers": "localhost:9092",
        "zookeeper": "localhost:2181",
        "client": {},
    }
