"""Clients of clusters with certificates, with PLAIN and with TLS alone, as `env` prints them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Sandbox
from tests.integration.printed_clients import CLIENTS, connects
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)
# Kind → the line, so that each kind is tried in one mode; those of a cluster with names have users.
_KINDS = {"mtls": "4.4", "plain": "3.9", "tls": "4.4"}


@pytest.fixture(scope="module", params=telling(list(_KINDS), "mtls"))
def secured(
    request: pytest.FixtureRequest, warm: Path, new_project: Callable[..., Sandbox]
) -> Iterator[Sandbox]:
    """A cluster of this kind, with an authorizer where users have names."""
    kind = str(request.param)
    sandbox = new_project(f"kind-{kind}")
    sandbox.environ |= {"KAFKA_TASKS_VERSION": _KINDS[kind], "KAFKA_TASKS_SECURE": kind}
    try:
        sandbox.up(*(() if kind == "tls" else ("--acl",)))
        yield sandbox
    finally:
        sandbox.close()


# kcat and confluent-kafka, aiokafka and kafka-python have the same properties.
@pytest.mark.parametrize("client", telling(list(CLIENTS), "java", "aiokafka"))
def test_a_client_connects_with_what_env_prints(secured: Sandbox, client: str) -> None:
    """Unchanged: with certificates of its user, or with what the kind has instead."""
    named = secured.environ["KAFKA_TASKS_SECURE"] != "tls"
    connects(secured, client, *(("--user", "admin") if named else ()))
