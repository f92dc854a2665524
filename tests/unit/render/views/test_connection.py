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
from kafka_tasks.settings import java_properties


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
    hidden = Connection(secured, form, hidden=True)
    text = connection.text(hidden, width=80)
    assert "hunter2" not in text + json.dumps(connection.document(hidden))
    assert "<secret>" in text
    assert "hunter2" in connection.text(Connection(secured, form), width=80)


@pytest.mark.parametrize("form", connection.FORMATS)
def test_a_field_is_hidden_and_not_its_value(cluster: Cluster, form: str) -> None:
    """A user that is named as its password, and an address with it, stay legible."""
    client = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    client |= {"sasl.username": "localhost", "sasl.password": "localhost"}
    found = Connection(replace(cluster, client=client), form)
    shown = connection.text(found, width=80)
    hidden = connection.text(replace(found, hidden=True), width=80)
    assert shown.count("localhost") == hidden.count("localhost") + 1


TOKENS = {
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.token.endpoint.url": "https://issuer.test/token",
    "sasl.oauthbearer.client.id": "me",
    "sasl.oauthbearer.client.secret": 's3"cret',
    "sasl.oauthbearer.scope": "a b",
    "sasl.oauthbearer.extensions": "pool=one",
}


def test_a_token_endpoint_is_javas_too(secured: Cluster) -> None:
    """With its CA, which is an option of the log-in there."""
    pem = "-----BEGIN CERTIFICATE-----\nca\n"
    found = replace(secured, client={**TOKENS, "https.ca.pem": pem})
    text = connection.text(Connection(found, "java"), width=80)
    lines = {entry.name: entry.value for entry in java_properties.entries(text)}
    assert lines["sasl.oauthbearer.token.endpoint.url"] == "https://issuer.test/token"
    assert lines["sasl.login.callback.handler.class"] in java_properties.TOKEN_HANDLERS
    told = java_properties.log_in(lines["sasl.jaas.config"])
    assert told.options == {
        "clientId": "me",
        "clientSecret": 's3"cret',
        "scope": "a b",
        "extension_pool": "one",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": pem,
    }


@pytest.mark.parametrize("form", ["python", "aiokafka"])
@pytest.mark.parametrize("command", [None, "giver --secret='a b'"])
def test_code_gets_tokens(secured: Cluster, form: str, command: str | None) -> None:
    """By the command, without a shell, or from the endpoint; it is Python, and hides secrets."""
    client = {"sasl.mechanism": "OAUTHBEARER"} if command else TOKENS
    found = replace(secured, client=client, token_command=command)
    text = connection.text(Connection(found, form), width=80)
    compile(text, form, "exec")
    assert (command is None) or "COMMAND = ['giver', '--secret=a b']" in text
    hidden = Connection(found, form, hidden=True)
    assert hidden.hides and "secret=" not in connection.text(hidden, width=80)
    assert 's3"cret' not in connection.text(hidden, width=80)


def test_env_is_for_a_shell(cluster: Cluster, secured: Cluster) -> None:
    """Each line is an export, quoted so that a shell reads the value as it is."""
    assert connection.text(Connection(cluster, "env"), width=80).splitlines() == [
        "export KAFKA_BOOTSTRAP_SERVERS=localhost:9092",
        "export ZOOKEEPER_CONNECT=localhost:2181",
    ]
    last = connection.text(Connection(secured, "env"), width=80).splitlines()[-1]
    assert shlex.split(last) == ["export", f"KAFKA_SASL_PASSWORD={secured.client['sasl.password']}"]


def test_the_other_forms_are_read_by_their_readers(secured: Cluster) -> None:
    """JSON, Python and a file of librdkafka give the same properties."""
    expected = {"bootstrap.servers": "a:1,b:2", **secured.client}
    assert json.loads(connection.text(Connection(secured, "json"), width=80)) == expected
    namespace: dict[str, Any] = {}
    exec(connection.text(Connection(secured, "python"), width=80), namespace)
    assert namespace["config"] == expected
    for form in ("librdkafka", "kcat"):
        lines = connection.text(Connection(secured, form), width=80).splitlines()
        assert dict(line.split("=", 1) for line in lines) == expected


def test_the_document_has_the_addresses(cluster: Cluster) -> None:
    """For machines: addresses and client properties."""
    assert connection.document(Connection(cluster, "env")) == {
        "schema": 1,
        "bootstrap_servers": "localhost:9092",
        "zookeeper": "localhost:2181",
        "user": None,
        "client": {},
    }


def _java(found: Connection) -> dict[str, str]:
    lines = connection.text(found, width=80).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_java_gets_a_login_and_stores_of_its_own(secured: Cluster) -> None:
    """Names are Java's; the password is quoted for JAAS, and escaped as a properties file is."""
    client = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "sasl.password": 'a"b\\cé',
    }
    stores = connection.JavaStores("store-word", "/trust.p12", "/alice.p12")
    mine = Connection(replace(secured, client=client), "java", stores=stores)
    found = _java(mine)
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    quoted = r'a\\"b\\\\c\u00e9'
    assert found["sasl.jaas.config"] == f'{login} username="alice" password="{quoted}";'
    assert found["ssl.truststore.type"] == found["ssl.keystore.type"] == "PKCS12"
    assert found["ssl.truststore.location"] == "/trust.p12"
    assert found["ssl.keystore.location"] == "/alice.p12"
    assert _java(replace(mine, form="properties")) == found
    hidden = replace(mine, hidden=True)
    assert hidden.hides and "store-word" not in connection.text(hidden, width=80)


@pytest.mark.parametrize(
    "password", [" before", "after ", "\t", "#a=b:c!", "\\u0041", "é😀", 'a"b']
)
def test_java_reads_each_password_as_it_is(password: str, secured: Cluster) -> None:
    """Also one that begins with a blank, which Java would drop."""
    client = {"security.protocol": "SSL", "ssl.key.password": password}
    text = connection.text(Connection(replace(secured, client=client), "java"), width=80)
    entries = {entry.name: entry.value for entry in java_properties.entries(text)}
    assert entries["ssl.key.password"] == password


def test_java_reads_the_pem_files_of_a_remote_cluster(secured: Cluster) -> None:
    """Without stores, Java takes the CA and the client's file as PEM."""
    client = {"security.protocol": "SSL", "ssl.ca.location": "/ca"}
    client |= {"ssl.certificate.location": "/me", "ssl.key.location": "/me"}
    assert _java(Connection(replace(secured, client=client), "java")) == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/ca",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": "/me",
    }


def test_aiokafka_gets_a_context(secured: Cluster) -> None:
    """The text is a program: its names are aiokafka's, and TLS is a context."""
    client = {"security.protocol": "SSL", "ssl.ca.location": "/ca"}
    client |= {"ssl.certificate.location": "/me.crt", "ssl.key.location": "/me.key"}
    text = connection.text(Connection(replace(secured, client=client), "aiokafka"), width=80)
    assert "context = create_default_context(cafile='/ca')" in text
    assert "context.load_cert_chain('/me.crt', '/me.key', None)" in text
    assert "'security_protocol': 'SSL'," in text and "'ssl_context': context," in text
    plain = connection.text(Connection(replace(secured, client={}), "aiokafka"), width=80)
    assert plain.splitlines() == ["config = {", "    'bootstrap_servers': 'a:1,b:2',", "}"]
