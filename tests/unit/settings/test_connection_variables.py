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


@pytest.mark.parametrize("fields", contexts.ONE_OF)
def test_certificates_have_one_source(tmp_path: Path, fields: tuple[str, ...]) -> None:
    """The error names both variables."""
    text = {"_pem": "-----BEGIN X-----"}
    environ = {f"KAFKA_TASKS_{name.upper()}": text.get(name[-4:], "file") for name in fields[-2:]}
    with pytest.raises(SettingsError, match=" and ".join(environ)):
        loaded(tmp_path, environ=environ)
