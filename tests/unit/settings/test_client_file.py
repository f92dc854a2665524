"""Client files of Java and of librdkafka as settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput, SettingsError
from kafka_tasks.settings import as_environment, client_file, contexts
from tests.unit.settings.sources import loaded

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
JAVA = rf"""
# of the team
bootstrap.servers=one:9092, two:9092
security.protocol=sasl_ssl
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config={SCRAM} \
    username="alice" password="s3\\"cret";
ssl.truststore.type=PEM
ssl.truststore.location=ca.pem
ssl.endpoint.identification.algorithm=https
acks=all
"""
OWN_HANDLER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
_TOKENS = """
bootstrap.servers=one:9092
sasl.mechanism=OAUTHBEARER
sasl.oauthbearer.token.endpoint.url=https://i.test/t
"""
_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
TOKENS_OF_JAVA = f"""{_TOKENS}sasl.login.callback.handler.class={OWN_HANDLER}
sasl.jaas.config={_MODULE} clientId="me" clientSecret="s3cret" scope="a b" extension_pool="one" \\
  ssl.truststore.location="ca.pem";
"""
TOKENS_OF_JAVA_4_1 = f"""{_TOKENS}sasl.login.callback.handler.class={OWN_HANDLER}
sasl.jaas.config={_MODULE};
sasl.oauthbearer.client.credentials.client.id=me
sasl.oauthbearer.client.credentials.client.secret=s3cret
sasl.oauthbearer.scope=a b
"""
TOKENS_OF_LIBRDKAFKA = f"""{_TOKENS}sasl.oauthbearer.method=oidc
sasl.oauthbearer.client.id=me
sasl.oauthbearer.client.secret=s3cret
sasl.oauthbearer.scope=a b
sasl.oauthbearer.extensions=pool=one
https.ca.location=ca.pem
"""
LIBRDKAFKA = r"""
bootstrap.servers=one:9092
security.protocol=SASL_PLAINTEXT
sasl.mechanisms=PLAIN
sasl.username=alice
sasl.password=s3\ncret
group.id=mine
"""


def written(folder: Path, text: str) -> Path:
    """Write a private client file, with a PEM file beside it."""
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    found = folder / "client.properties"
    found.write_text(text)
    found.chmod(0o600)
    return found


def test_tokens_of_java_and_of_librdkafka(tmp_path: Path) -> None:
    """Both name the endpoint, and the client in their own ways."""
    expected = {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": "https://i.test/t",
        "sasl.oauthbearer.client.id": "me",
        "sasl.oauthbearer.client.secret": "s3cret",
        "sasl.oauthbearer.scope": "a b",
        "sasl.oauthbearer.extensions": "pool=one",
        "https.ca.location": str(tmp_path / "ca.pem"),
    }
    for text in (TOKENS_OF_JAVA, TOKENS_OF_JAVA_4_1, TOKENS_OF_LIBRDKAFKA):
        written(tmp_path, text)
        found = loaded(tmp_path, environ={"KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties"})
        needed = expected if text is not TOKENS_OF_JAVA_4_1 else dict([*expected.items()][:6])
        assert found.client() == needed, text
        assert found.unused_properties == (), text


def test_a_token_command_replaces_the_endpoint_of_a_file(tmp_path: Path) -> None:
    """One of both gives the tokens."""
    written(tmp_path, TOKENS_OF_JAVA)
    environ = {"KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties"}
    found = loaded(tmp_path, environ={**environ, "KAFKA_TASKS_TOKEN_COMMAND": "giver"})
    assert found.sasl_oauthbearer_token_endpoint_url is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((OWN_HANDLER, "com.example.Handler"), r"com\.example\.Handler; kafka-tasks reads"),
        ((f"sasl.login.callback.handler.class={OWN_HANDLER}\n", ""), "makes a token without proof"),
        (("ca.pem", "ca.p12"), r"ca\.p12, for the token endpoint, is not PEM"),
    ],
)
def test_other_tokens_of_java_are_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    """Another class, no proof, and a store of another kind."""
    (tmp_path / "ca.p12").write_bytes(b"0\x82")
    written(tmp_path, TOKENS_OF_JAVA.replace(*change))
    environ = {"KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties"}
    with pytest.raises(SettingsError, match=said):
        loaded(tmp_path, environ=environ)
    # As the hint says.
    assert loaded(tmp_path, environ={**environ, "KAFKA_TASKS_TOKEN_COMMAND": "giver"})


def test_a_file_of_java_is_a_connection(tmp_path: Path) -> None:
    """Each value has its line, and what is not used is named."""
    file = written(tmp_path, JAVA)
    found = loaded(tmp_path, environ={"KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties"})
    assert found.are_remote
    assert [str(address) for address in found.bootstrap_servers or ()] == ["one:9092", "two:9092"]
    assert found.client() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "sasl.password": 's3"cret',
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }
    assert str(found.origins["sasl_password"]) == f"client file ({file}:6)"
    assert found.unused_properties == ("acks",)


def test_a_file_of_librdkafka_has_no_escapes(tmp_path: Path) -> None:
    """A property that only librdkafka has decides."""
    found = client_file.read(written(tmp_path, LIBRDKAFKA))
    assert found.values["sasl_password"].text == r"s3\ncret"
    assert found.values["sasl_mechanism"].text == "PLAIN"
    assert found.unused == ("group.id",)


def test_what_is_set_otherwise_wins(tmp_path: Path) -> None:
    """A certificate replaces every source of it in the file."""
    written(tmp_path, JAVA)
    environ = {
        "KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties",
        "KAFKA_TASKS_SASL_USERNAME": "bob",
        "KAFKA_TASKS_SSL_CA_PEM": "-----BEGIN CERTIFICATE-----",
    }
    found = loaded(tmp_path, environ=environ)
    assert found.sasl_username == "bob"
    assert found.ssl_ca_location is None and found.ssl_ca_pem is not None


def test_a_context_has_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no addresses of its own, and no other file counts then."""
    folder = tmp_path / "config"
    folder.mkdir()
    written(folder, LIBRDKAFKA)
    monkeypatch.setattr(contexts, "_user_file", lambda: folder / "contexts.yaml")
    (folder / "contexts.yaml").write_text(
        "contexts: {a: {client_properties: client.properties}, b: {bootstrap_servers: 'b:1'}}"
    )
    written(tmp_path, JAVA)
    environ = {"KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties"}
    first = loaded(tmp_path, environ=environ, flags={"context": "a"})
    assert first.sasl_password == r"s3\ncret"
    second = loaded(tmp_path, environ=environ, flags={"context": "b"})
    assert second.client() == {} and second.client_properties is None
    (tmp_path / ".env").write_text("KAFKA_TASKS_CLIENT_PROPERTIES=client.properties\n")
    assert loaded(tmp_path, environ=as_environment(second)).client() == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("security.protocol=SSL\n", "has no bootstrap.servers"),
        ("bootstrap.servers=k\n", r"BOOTSTRAP_SERVERS in .*client.properties:1 is 'k'"),
        ("bootstrap.servers=k:1\nsasl.mechanism=GSSAPI\n", r"properties:2 is 'GSSAPI'"),
        ("sasl.jaas.config=a.Krb5LoginModule required;", "kafka-tasks reads PlainLoginModule"),
        (f"sasl.jaas.config={SCRAM};", "no sasl.mechanism"),
        (f'sasl.mechanism=PLAIN\nsasl.jaas.config={SCRAM} password="s3cret', "2: .* is invalid"),
        ("a=\\u1\n", "line 1 has an invalid escape"),
        ("ssl.truststore.location=none.p12\n", "1: ssl.truststore.location cannot be read"),
    ],
)
def test_mistakes_name_the_line(tmp_path: Path, text: str, said: str) -> None:
    """And show no secret."""
    written(tmp_path, text)
    with pytest.raises(SettingsError, match=said) as caught:
        loaded(tmp_path, environ={"KAFKA_TASKS_CLIENT_PROPERTIES": "client.properties"})
    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"
    assert caught.value.hint


def test_stores_are_told_by_their_content(tmp_path: Path) -> None:
    """Java writes PKCS#12 for the type JKS; real JKS has the command that converts it."""
    store = tmp_path / "trust.jks"
    store.write_bytes(b"\x30\x82")
    text = (
        "ssl.truststore.location=trust.jks\nssl.truststore.password=word\nssl.truststore.type=JKS"
    )
    text += "\nssl.keystore.location=ca.pem\nssl.key.password=k3y\n"
    file = written(tmp_path, text)
    found = {name: value.text for name, value in client_file.read(file).values.items()}
    assert found == {
        "ssl_truststore_location": str(store),
        "ssl_truststore_password": "word",
        "ssl_certificate_location": str(tmp_path / "ca.pem"),
        "ssl_key_location": str(tmp_path / "ca.pem"),
        "ssl_key_password": "k3y",
    }
    store.write_bytes(b"\xfe\xed\xfe\xed\x00")
    with pytest.raises(SettingsError, match=r"properties:1: .*trust.jks is a JKS file") as caught:
        client_file.read(file)
    assert str(caught.value.hint).startswith("keytool -importkeystore -srckeystore")


def test_a_file_with_a_secret_is_private(tmp_path: Path) -> None:
    """One without may be read by others."""
    file = written(tmp_path, LIBRDKAFKA)
    file.chmod(0o644)
    with pytest.raises(InvalidInput, match="Other users may read the client file") as caught:
        client_file.read(file)
    assert caught.value.hint == f"chmod 600 {file}"
    file.write_text("bootstrap.servers=one:9092\n")
    assert client_file.read(file).unused == ()
