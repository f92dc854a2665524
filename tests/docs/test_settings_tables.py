"""`.env.example` and the documents' tables say what `kafka_tasks.settings` says."""

from __future__ import annotations

import re
from pathlib import Path

from kafka_tasks.settings import PREFIX, VARIABLES, Settings, load
from tests.docs.documents import ROOT, table

GUIDE = ROOT / "docs" / "kafka-setup-guide.md"
REFERENCE = ROOT / "docs" / "reference" / "settings.md"
EXAMPLE = ROOT / ".env.example"
NONE = "–"


def ours() -> str:
    """The part of `.env.example` before what belongs to Airflow."""
    return EXAMPLE.read_text(encoding="utf-8").split("# For a project beside an Airflow")[0]


def test_the_guide_has_each_variable_with_default_and_meaning_in_order() -> None:
    """The guide's table is the list of variables in `kafka_tasks.settings`."""
    wanted = [[v.name, v.default or NONE, v.meaning] for v in VARIABLES]
    assert table(GUIDE, "settings") == wanted


def test_the_reference_has_each_variable_with_what_it_may_be() -> None:
    """The reference's table has the words of the error messages."""
    wanted = [[v.name, v.default or NONE, v.allowed] for v in VARIABLES]
    assert table(REFERENCE, "allowed") == wanted


def test_the_example_has_each_variable_with_default_and_meaning_in_order() -> None:
    """`.env.example` has a line of meaning and a line of value for each variable."""
    found = re.findall(rf"^# (.+)\n(#?)({PREFIX}\w+)=(.*)$", ours(), re.MULTILINE)
    wanted = [
        (v.meaning, "" if v.default is not None else "#", v.name, v.default or "")
        for v in VARIABLES
    ]
    assert found == wanted


def test_a_copied_example_changes_nothing(tmp_path: Path) -> None:
    """`.env.example` as `.env` gives the settings that hold without it."""
    before = load(tmp_path, environ={})
    (tmp_path / ".env").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    after = load(tmp_path, environ={})
    assert _values(after) == _values(before)
    assert after.origins["port"].kind == ".env"


def _values(settings: Settings) -> list[tuple[str, object]]:
    return [(v.name, getattr(settings, v.field)) for v in VARIABLES]


def test_the_example_names_what_an_airflow_stack_needs_commented_out() -> None:
    """Key, user and network of an Airflow stack are there for its people to fill in."""
    rest = EXAMPLE.read_text(encoding="utf-8").removeprefix(ours())
    names = re.findall(r"^#([A-Z_]+)=", rest, re.MULTILINE)
    assert names == [
        "FERNET_KEY",
        "AIRFLOW_UID",
        "KAFKA_TASKS_NETWORK",
        "KAFKA_TASKS_NETWORK_EXTERNAL",
    ]
    assert all(line.startswith("#") for line in rest.splitlines())
