"""Remote clusters by name, from the user's file and from Invoke's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.color import ANSI_COLOR_NAMES

from kafka_tasks.errors import InvalidInput, SettingsError
from kafka_tasks.settings import NO_CONNECTION, as_environment, contexts
from tests.unit.settings.sources import loaded

STAGING = """
contexts:
  staging:
    bootstrap_servers: [one:9092, two:9092]
    security_protocol: SASL_SSL
    sasl_mechanism: PLAIN
    sasl_username: alice
    ssl_ca_location: ca.crt
    password_file: word
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file of contexts, with one of them."""
    found = tmp_path / "config" / "contexts.yaml"
    found.parent.mkdir()
    found.write_text(STAGING)
    word = found.parent / "word"
    word.write_text("s3cret\n")
    word.chmod(0o600)
    monkeypatch.setattr(contexts, "_user_file", lambda: found)
    return found


def test_a_context_is_the_whole_connection(tmp_path: Path, file: Path) -> None:
    """Nothing of another cluster's connection stays, whatever its source."""
    other = {
        "KAFKA_TASKS_BOOTSTRAP_SERVERS": "other:1",
        "KAFKA_TASKS_SSL_KEY_PASSWORD": "others",
        "KAFKA_TASKS_RUNTIME": "embedded",
    }
    found = loaded(tmp_path, environ=other, flags={"context": "staging"})
    assert found.are_remote and found.remote is not None
    assert [str(address) for address in found.bootstrap_servers or ()] == ["one:9092", "two:9092"]
    assert found.client() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "alice",
        "sasl.password": "s3cret",
        "ssl.ca.location": str(file.parent / "ca.crt"),
    }
    place = f"context (contexts.staging in {file})"
    assert str(found.origins["sasl_username"]) == place
    child = as_environment(found)
    assert child["KAFKA_TASKS_CONTEXT"] == ""
    assert child["KAFKA_TASKS_BOOTSTRAP_SERVERS"] == "one:9092,two:9092"


def test_without_a_name_no_context_is_read(tmp_path: Path, file: Path) -> None:
    """A file with mistakes disturbs nobody."""
    file.write_text("{")
    assert loaded(tmp_path).remote is None


def test_a_runtime_that_is_named_as_a_flag_wins(tmp_path: Path, file: Path) -> None:
    """As over bootstrap servers."""
    found = loaded(tmp_path, flags={"context": "staging", "runtime": "embedded"})
    assert not found.are_remote


def test_invokes_configuration_wins_over_the_users_file(tmp_path: Path, file: Path) -> None:
    """Its paths are relative to the project."""
    own = {"staging": {"bootstrap_servers": "mine:9092", "ssl_ca_location": "ca.crt"}}
    section = {"contexts": own, "context": "staging"}
    found = loaded(tmp_path, section=section)
    assert [str(address) for address in found.bootstrap_servers or ()] == ["mine:9092"]
    assert found.ssl_ca_location == tmp_path / "ca.crt"
    both = contexts.declared(tmp_path, {"contexts": {"a": own["staging"]}})
    assert list(both) == ["a", "staging"]


def test_a_child_needs_no_declaration(tmp_path: Path, file: Path) -> None:
    """It has the connection already: an empty name switches off that of `.env`."""
    (tmp_path / ".env").write_text("KAFKA_TASKS_CONTEXT=mine\n")
    section = {"contexts": {"mine": {"bootstrap_servers": "mine:9092"}}}
    child = as_environment(loaded(tmp_path, section=section))
    again = loaded(tmp_path, environ=child)
    assert again.remote is None and again.are_remote
    assert again.bootstrap_servers == loaded(tmp_path, section=section).bootstrap_servers
    assert loaded(tmp_path, environ=child, flags={"context": "staging"}).remote is not None


OTHERS = {
    "KAFKA_TASKS_BOOTSTRAP_SERVERS": "others:9092",
    "KAFKA_TASKS_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_TASKS_SASL_MECHANISM": "PLAIN",
    "KAFKA_TASKS_SASL_USERNAME": "eve",
    "KAFKA_TASKS_SASL_PASSWORD": "others",
    "KAFKA_TASKS_SSL_CA_LOCATION": "others.crt",
}


def _in_file(project: Path, **further: str) -> None:
    lines = {**OTHERS, **further}.items()
    (project / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines))


def test_a_child_has_no_password_of_another_cluster(tmp_path: Path) -> None:
    """`.env` has a connection, too, and the context says less than it does."""
    _in_file(tmp_path)
    section = {"contexts": {"mine": {"bootstrap_servers": "mine:9092"}}}
    mine = loaded(tmp_path, section=section, flags={"context": "mine"})
    again = loaded(tmp_path, environ=as_environment(mine))
    assert (again.client(), again.are_remote) == ({}, True)
    assert again.bootstrap_servers == mine.bootstrap_servers


def test_a_child_stays_where_its_parent_is(tmp_path: Path, file: Path) -> None:
    """An empty name in the environment leaves the context of `.env`, for a child as well."""
    _in_file(tmp_path, KAFKA_TASKS_CONTEXT="staging")
    own = loaded(tmp_path, environ={"KAFKA_TASKS_CONTEXT": ""})
    again = loaded(tmp_path, environ=as_environment(own))
    assert again.remote is None and again.bootstrap_servers == own.bootstrap_servers
    assert again.client() == own.client() and again.client()["sasl.username"] == "eve"
    local = loaded(tmp_path, environ=NO_CONNECTION)
    assert not local.are_remote and local.client() == {}
    assert not loaded(tmp_path, environ=as_environment(local)).are_remote


def test_a_typed_address_wins_over_a_context_that_was_not_typed(tmp_path: Path, file: Path) -> None:
    """Its security is that of the settings, and the context's password stays here."""
    environ = {"KAFKA_TASKS_CONTEXT": "staging"}
    found = loaded(tmp_path, environ=environ, flags={"bootstrap_servers": "typed:9092"})
    assert found.remote is None and found.context is None and found.client() == {}
    both = {"bootstrap_servers": "typed:9092", "context": "staging"}
    assert loaded(tmp_path, flags=both).remote is not None


def test_an_unknown_name_has_the_nearest_as_its_hint(tmp_path: Path, file: Path) -> None:
    """All that there are stand in the message."""
    with pytest.raises(SettingsError, match=r"no context stagin \(there is: staging\)") as caught:
        loaded(tmp_path, environ={"KAFKA_TASKS_CONTEXT": "stagin"})
    assert caught.value.hint == "did you mean staging?"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "contexts.c has no bootstrap_servers"),
        ("text", "contexts.c has settings"),
        ({"bootstrap_servers": "k:1", "sasl_password": "x"}, "secrets stay in a file"),
        ({"bootstrap_servers": "k:1", "readonly": True}, "contexts.c.readonly is not a setting"),
        ({"bootstrap_servers": "k:1", "read_only": "yes"}, "read_only is 'yes'; allowed: false"),
        ({"bootstrap_servers": "k:1", "confirm": "id"}, "confirm is 'id'; allowed: name"),
        ({"bootstrap_servers": "k:1", "color": "pink"}, "color is 'pink'; allowed: cyan, red, gre"),
        ({"bootstrap_servers": "k:1", "color": ["red"]}, r"color is \['red'\]; allowed: cyan"),
        ({"bootstrap_servers": "k:1", "token_command": "a 'b"}, "KAFKA_TASKS_TOKEN_COMMAND in"),
        ({"bootstrap_servers": "k:1", "client_secret_command": ""}, "secret_command is no command"),
        (
            {"bootstrap_servers": "k:1", "sasl_oauthbearer_client_secret": "x"},
            "client_secret: secrets stay in a file",
        ),
        ({"bootstrap_servers": "k"}, "KAFKA_TASKS_BOOTSTRAP_SERVERS in contexts.c"),
    ],
)
def test_mistakes_name_the_key(tmp_path: Path, file: Path, entry: Any, said: str) -> None:
    """And never show a secret."""
    with pytest.raises(SettingsError, match=said) as caught:
        loaded(tmp_path, section={"contexts": {"c": entry}}, flags={"context": "c"})
    assert "'x'" not in caught.value.message
    assert "allowed" not in said or "example.com" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("entry", "color"),
    [
        ({}, "cyan"),
        ({"read_only": True}, "green"),
        ({"confirm": "name"}, "red"),
        ({"confirm": "name", "read_only": True}, "red"),
        ({"confirm": "name", "color": "bright_magenta"}, "bright_magenta"),
    ],
)
def test_a_context_has_a_color(tmp_path: Path, file: Path, entry: Any, color: str) -> None:
    """Its own, or one that shows what it allows."""
    section = {"contexts": {"c": {"bootstrap_servers": "k:1", **entry}}}
    assert contexts.named("c", tmp_path, section).color == color


def test_rich_knows_each_color() -> None:
    """By the same name."""
    assert set(contexts._COLORS) <= set(ANSI_COLOR_NAMES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contexts: [", "it is not YAML"),
        ("context: {}", "it has one key, contexts"),
        ("contexts: 3", "contexts has a name for each cluster"),
    ],
)
def test_mistakes_name_the_file(tmp_path: Path, file: Path, text: str, said: str) -> None:
    """An empty one has no contexts."""
    file.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        contexts.declared(tmp_path, {})
    assert str(file) in caught.value.message
    file.write_text("")
    assert contexts.declared(tmp_path, {}) == {}
    file.unlink()
    assert contexts.declared(tmp_path, {}) == {}


def test_a_password_file_of_all_is_refused(tmp_path: Path, file: Path) -> None:
    """With the fix; an empty one too."""
    word = file.parent / "word"
    word.chmod(0o644)
    with pytest.raises(InvalidInput, match="Other users may read") as caught:
        loaded(tmp_path, flags={"context": "staging"})
    assert caught.value.hint == f"chmod 600 {word}"
    word.chmod(0o600)
    word.write_text("\nsecond")
    with pytest.raises(InvalidInput, match="no password in the first line"):
        loaded(tmp_path, flags={"context": "staging"})
