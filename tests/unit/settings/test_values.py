from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.settings import VARIABLES, load
from tests.unit.settings.sources import loaded

SECRETS = [variable for variable in VARIABLES if variable.secret]


def test_the_secrets_are_known_as_such() -> None:
    """Whatever is called a password is marked secret, and texts that may have a key."""
    named = {variable.name for variable in VARIABLES if "PASSWORD" in variable.name}
    texts = {"KAFKA_TASKS_SSL_CERTIFICATE_PEM", "KAFKA_TASKS_SSL_KEY_PEM"}
    assert {variable.name for variable in SECRETS} == named | texts


@given(secret=st.text("abcdefghij0123456789", min_size=8))
def test_a_secret_is_never_in_the_repr(secret: str) -> None:
    """repr() of the settings shows no password, and the client properties still have it."""
    environ = {variable.name: f"-----BEGIN {secret}" for variable in SECRETS}
    found = load(Path("/nowhere"), environ=environ)
    assert secret not in repr(found)
    assert secret not in str(found)
    assert [value.strip() for value in found.client().values()] == [*environ.values()][1:]


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
