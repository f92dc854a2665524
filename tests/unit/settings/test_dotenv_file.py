from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import SettingsError
from kafka_tasks.settings import dotenv_values_of
from tests.unit.settings.sources import loaded


def _write(path: Path, text: str) -> None:
    (path / ".env").write_text(text, encoding="utf-8")


def test_names_of_others_are_left_alone(tmp_path: Path) -> None:
    """Variables without the prefix, in both places, are not read."""
    _write(tmp_path, "FERNET_KEY=x\nAIRFLOW_UID=50000\nKAFKA_PORT=1\n")
    assert loaded(tmp_path, environ={"KAFKA_PORT": "2"}).port == 9092


@pytest.mark.parametrize(
    ("text", "value", "line"),
    [
        ("KAFKA_TASKS_NETWORK=plain", "plain", 1),
        ("# first\n\n\nKAFKA_TASKS_NETWORK='single quoted'\n", "single quoted", 4),
        ('export KAFKA_TASKS_NETWORK="double"  # said so\n', "double", 1),
        ("A=1\r\n\r\nKAFKA_TASKS_NETWORK=dos\r\n", "dos", 3),
        ("\ufeffKAFKA_TASKS_NETWORK=marked\n", "marked", 1),
        ('A="two\nlines"\nKAFKA_TASKS_NETWORK=below\n', "below", 3),
        ("KAFKA_TASKS_NETWORK=once\nKAFKA_TASKS_NETWORK=twice\n", "twice", 2),
        ("KAFKA_TASKS_NETWORK=größe\n", "größe", 1),
    ],
)
def test_dotenv_lines_are_read_with_their_number(
    tmp_path: Path, text: str, value: str, line: int
) -> None:
    """What .env files look like in the wild is understood, and the origin has the right line."""
    (tmp_path / ".env").write_bytes(text.encode())
    found = loaded(tmp_path)
    assert found.network == value
    assert str(found.origins["network"]) == f".env (.env:{line})"


@given(
    lines=st.lists(
        st.sampled_from(["", "# note", "A=1", "  ", "export B='2'", 'C="x y"']), max_size=8
    ),
    after=st.lists(st.sampled_from(["", "D=4"]), max_size=3),
)
def test_the_line_of_a_malformed_dotenv_is_right_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], after: list[str]
) -> None:
    """File and line of a malformed .env are those that an editor shows."""
    path = tmp_path_factory.mktemp("dotenv")
    _write(path, "\n".join([*lines, "this is no assignment", *after]))
    with pytest.raises(SettingsError) as caught:
        loaded(path)
    where = f"{path / '.env'}, line {len(lines) + 1}:"
    assert caught.value.message.startswith(where)
    assert f"line {len(lines) + 1} of" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "line",
    [
        "KAFKA_TASKS_SASL_PASSWORD: hunter2",
        "KAFKA_TASKS_SASL_PASSWORD hunter2",
        "KAFKA_TASKS_SASL_PASSWORD hunter2=",
        "KAFKA_TASKS SASL_PASSWORD=hunter2",
        'KAFKA_TASKS_SASL_PASSWORD="hunter2',
        "=hunter2",
        "export KAFKA_TASKS_SASL_PASSWORD hunter2",
        '"hunter2',
        "KAFKA_TASKS_PORT",
    ],
)
def test_a_malformed_line_does_not_show_a_secret(tmp_path: Path, line: str) -> None:
    """The sentence shows at most the name that a malformed line begins with."""
    _write(tmp_path, f"{line}\n")
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path)
    assert "line 1" in caught.value.message
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}{caught.value.evidence}"


def test_a_bare_name_of_others_is_no_offence(tmp_path: Path) -> None:
    """Compose lets a line be a name alone, which passes a variable on."""
    _write(tmp_path, "AIRFLOW_UID\nKAFKA_TASKS_PORT=9192\n")
    assert loaded(tmp_path).port == 9192


def test_a_dotenv_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    """A binary .env is exit 3 with the file's name."""
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00A")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        loaded(tmp_path)


def test_a_missing_dotenv_or_a_directory_is_none(tmp_path: Path) -> None:
    """No .env, a folder of that name and a project that is not there are all no settings."""
    assert loaded(tmp_path).port == 9092
    (tmp_path / ".env").mkdir()
    assert loaded(tmp_path).port == 9092
    assert loaded(tmp_path / "nowhere").port == 9092


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_dotenv_is_an_error(tmp_path: Path) -> None:
    """A .env without read permission is exit 3, not silently skipped."""
    _write(tmp_path, "KAFKA_TASKS_PORT=1\n")
    (tmp_path / ".env").chmod(stat.S_IWUSR)
    with pytest.raises(SettingsError, match="cannot be read"):
        loaded(tmp_path)


def test_a_dotenv_of_any_size_is_read_in_no_time_or_refused(tmp_path: Path) -> None:
    """Size and variables without end would take minutes."""
    (tmp_path / ".env").write_bytes(b"A=1\n" * 100_000)
    with pytest.raises(SettingsError, match="larger than 256 KB"):
        loaded(tmp_path)
    assert dotenv_values_of(tmp_path / ".env") == {}
    (tmp_path / ".env").write_text("# ours\nA=" + "${" * 20_000)
    with pytest.raises(SettingsError, match=r"line 2: 'A…' has more than 100 variables"):
        loaded(tmp_path)
    assert dotenv_values_of(tmp_path / ".env")["A"].startswith("${${")
