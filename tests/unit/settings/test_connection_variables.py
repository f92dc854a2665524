"""The settings of a connection: certificates from files, text and stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.errors import SettingsError
from kafka_tasks.settings import contexts
from tests.unit.settings.sources import loaded


def test_certificates_may_be_text_or_stores(tmp_path: Path) -> None:
    """A text of one line has `\\n` for its ends of lines, and is shown nowhere."""
    begin = "-----BEGIN X-----"
    found = loaded(
        tmp_path,
        environ={
            "KAFKA_TASKS_SSL_CA_PEM": f"{begin}\\nca",
            "KAFKA_TASKS_SSL_KEYSTORE_LOCATION": "keys.p12",
            "KAFKA_TASKS_SSL_KEYSTORE_PASSWORD": "sp",
        },
    )
    assert found.client() == {
        "ssl.ca.pem": f"{begin}\nca\n",
        "ssl.keystore.location": str(tmp_path / "keys.p12"),
        "ssl.keystore.password": "sp",
    }
    with pytest.raises(SettingsError, match=r"SSL_KEY_PEM is .*; allowed: text that begins") as bad:
        loaded(tmp_path, environ={"KAFKA_TASKS_SSL_KEY_PEM": "s3cret"})
    assert "s3cret" not in bad.value.message


ENDPOINT = {
    "TOKEN_ENDPOINT_URL": "https://i.test/t",
    "CLIENT_ID": "me",
    "CLIENT_SECRET": "s3cret",
}


def _tokens(**changes: str | None) -> dict[str, str]:
    found = {**ENDPOINT, **changes}
    names = {f"KAFKA_TASKS_SASL_OAUTHBEARER_{name}": value for name, value in found.items()}
    given = {name: value for name, value in names.items() if value is not None}
    return {**given, "KAFKA_TASKS_SASL_MECHANISM": "OAUTHBEARER"}


@pytest.mark.parametrize("name", ENDPOINT)
def test_a_log_in_by_a_token_needs_what_gives_it(tmp_path: Path, name: str) -> None:
    """The endpoint with a client, or a command."""
    with pytest.raises(SettingsError, match=f"OAUTHBEARER_{name} is not set") as caught:
        loaded(tmp_path, environ=_tokens(**{name: None}))
    assert "KAFKA_TASKS_TOKEN_COMMAND" in str(caught.value.hint)
    environ = _tokens(TOKEN_ENDPOINT_URL=None)
    assert loaded(tmp_path, environ={**environ, "KAFKA_TASKS_TOKEN_COMMAND": "giver --x"})


def test_another_mechanism_sends_no_token(tmp_path: Path) -> None:
    """A token that nothing would send is a mistake; where nothing is remote it is none."""
    environ = {"KAFKA_TASKS_TOKEN_COMMAND": "giver"}
    assert loaded(tmp_path, environ=environ).token_command == "giver"
    environ["KAFKA_TASKS_BOOTSTRAP_SERVERS"] = "one:9092"
    with pytest.raises(SettingsError, match=r"TOKEN_COMMAND is set, but .*MECHANISM is not set"):
        loaded(tmp_path, environ=environ)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "issuer.test/token"),
        ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "https://me:s3cret@issuer.test/token"),
        ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "https://issuer.test:port/token"),
        ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "https://issuer.test/to ken"),
        ("SASL_OAUTHBEARER_EXTENSIONS", "pool"),
        ("SASL_OAUTHBEARER_EXTENSIONS", "pool=one,,"),
        ("TOKEN_COMMAND", "giver 'open"),
    ],
)
def test_what_cannot_be_sent_or_run_is_refused(tmp_path: Path, name: str, value: str) -> None:
    """An address without a scheme or with a password, half an extension, half a command."""
    with pytest.raises(SettingsError, match=f"KAFKA_TASKS_{name} is"):
        loaded(tmp_path, environ={f"KAFKA_TASKS_{name}": value})


@pytest.mark.parametrize("fields", contexts.ONE_OF)
def test_certificates_have_one_source(tmp_path: Path, fields: tuple[str, ...]) -> None:
    """The error names both variables."""
    text = {"_pem": "-----BEGIN X-----", "_url": "https://issuer.test/token"}
    environ = {f"KAFKA_TASKS_{name.upper()}": text.get(name[-4:], "file") for name in fields[-2:]}
    with pytest.raises(SettingsError, match=" and ".join(environ)):
        loaded(tmp_path, environ=environ)
