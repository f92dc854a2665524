from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.settings import VARIABLES, load
from tests.unit.settings.sources import loaded

SECRETS = [variable for variable in VARIABLES if variable.secret]


def test_the_secrets_are_known_as_such() -> None:
    """Whatever is called a password is marked secret, and texts that may have a key or a secret."""
    words = ("PASSWORD", "SECRET")
    named = {each.name for each in VARIABLES if any(word in each.name for word in words)}
    texts = {"KAFKA_TASKS_SSL_CERTIFICATE_PEM", "KAFKA_TASKS_SSL_KEY_PEM"}
    assert {variable.name for variable in SECRETS} == named | texts | {"KAFKA_TASKS_TOKEN_COMMAND"}


@given(secret=st.text("abcdefghij0123456789", min_size=8))
def test_a_secret_is_never_in_the_repr(secret: str) -> None:
    """repr() of the settings shows no password, and the client properties still have it."""
    environ = {variable.name: f"-----BEGIN {secret}" for variable in SECRETS}
    del environ["KAFKA_TASKS_SASL_OAUTHBEARER_CLIENT_SECRET"]
    found = load(Path("/nowhere"), environ=environ)
    assert secret not in repr(found)
    assert secret not in str(found)
    # A trust store and a token command are no properties of librdkafka.
    assert [value.strip() for value in found.client().values()] == [*environ.values()][2:]


def test_a_log_in_by_a_token_has_librdkafkas_names(tmp_path: Path) -> None:
    """The endpoint is librdkafka's own; its properties are not there for another mechanism."""
    names = {
        "TOKEN_ENDPOINT_URL": "https://issuer.test/token",
        "CLIENT_ID": "me",
        "CLIENT_SECRET": "s3cret",
        "SCOPE": "read write",
        "EXTENSIONS": "logicalCluster=lkc-1",
    }
    environ = {f"KAFKA_TASKS_SASL_OAUTHBEARER_{name}": value for name, value in names.items()}
    found = loaded(tmp_path, environ={**environ, "KAFKA_TASKS_SASL_MECHANISM": "OAUTHBEARER"})
    assert "s3cret" not in repr(found)
    assert found.client() == {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": "https://issuer.test/token",
        "sasl.oauthbearer.client.id": "me",
        "sasl.oauthbearer.client.secret": "s3cret",
        "sasl.oauthbearer.scope": "read write",
        "sasl.oauthbearer.extensions": "logicalCluster=lkc-1",
    }
    assert loaded(tmp_path, environ=environ).client() == {}


def test_the_client_properties_have_librdkafkas_names(tmp_path: Path) -> None:
    """Security settings become librdkafka properties, paths as text."""
    found = loaded(
        tmp_path,
        environ={
            "KAFKA_TASKS_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_TASKS_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_TASKS_SASL_USERNAME": "me",
            "KAFKA_TASKS_SSL_CA_LOCATION": "ca.pem",
        },
    )
    assert found.client() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }


def test_entries_list_every_variable_with_its_origin(tmp_path: Path) -> None:
    """What `kafka.config` shows is each variable once, with value and origin."""
    found = list(loaded(tmp_path, flags={"timeout": "5"}).entries())
    assert [variable.name for variable, _, _ in found] == [variable.name for variable in VARIABLES]
    origins = {variable.field: str(origin) for variable, _, origin in found}
    assert origins["timeout"] == "flag (--timeout)"
    assert origins["network"] == "default"
