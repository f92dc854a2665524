from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path

import pytest

from kafka_tasks.clients.kafka.for_aiokafka import arguments
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.clients.kafka.token_source import TokenSource
from kafka_tasks.errors import InvalidInput


def test_an_open_cluster_needs_its_address_alone() -> None:
    """The name is that of aiokafka."""
    found = arguments({"bootstrap.servers": "a:1,b:2", "broker.address.family": "v4"})
    assert found == {"bootstrap_servers": "a:1,b:2"}


def test_a_login_over_tls_has_aiokafkas_names_and_a_context() -> None:
    """aiokafka takes a TLS context instead of paths."""
    found = arguments(
        {
            "bootstrap.servers": "a:1",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "anna",
            "sasl.password": "secret",
        }
    )
    assert isinstance(found.pop("ssl_context"), ssl.SSLContext)
    assert found == {
        "bootstrap_servers": "a:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "anna",
        "sasl_plain_password": "secret",
    }


def test_a_log_in_by_tokens_has_a_provider() -> None:
    """It is asked in a thread of its own: a command or an endpoint takes its time."""
    source = TokenSource(lambda: Token("t", time.time() + 60), "pool=one")
    client = {"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc"}
    found = arguments(client, source)
    provider = found["sasl_oauth_token_provider"]
    assert asyncio.run(provider.token()) == "t"
    assert provider.extensions() == {"pool": "one"}


@pytest.mark.parametrize("name", ["ssl.ca.location", "ssl.certificate.location"])
def test_a_tls_file_that_cannot_be_read_is_a_sentence(name: str, tmp_path: Path) -> None:
    """The error has the reason of the system."""
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(
        InvalidInput, match=r"TLS files of the connection cannot be read: .*No such"
    ):
        arguments({"bootstrap.servers": "a:1", "security.protocol": "SSL", name: missing})


def test_a_property_that_aiokafka_does_not_have_is_named() -> None:
    """Nothing is left out in silence."""
    with pytest.raises(
        InvalidInput, match=r"aiokafka has no argument for sasl\.oauthbearer\.config"
    ):
        arguments({"bootstrap.servers": "a:1", "sasl.oauthbearer.config": "x"})
