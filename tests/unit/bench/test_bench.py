"""The bench's arithmetic, its verdicts and what it writes, without starting anything."""

from __future__ import annotations

import contextlib
import json
import platform
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench import __main__ as program
from bench import report
from bench.children import Unmeasured, timed
from bench.rows import ROWS, Pair, Result, Row, row
from bench.surroundings import Servers, Surroundings, Workspace, machine
from kafka_tasks.runtimes.embedded.java import Java

FACTS: dict[str, object] = {"date": "today", "cores": 2}


def _row(compare: Any = "ratio", limit: float = 0.5, measure: Any = None, repeats: int = 1) -> Row:
    return Row("some", "ours", "theirs", "ms", limit, measure, compare, repeats)


def test_the_table_has_the_rows_that_were_promised() -> None:
    """A row that is dropped or a limit that is loosened fails this test."""
    promised = {name: (r.compare, r.limit) for name, r in ROWS.items()}
    assert promised == {
        "up": ("ratio", 0.5),
        "wait": ("difference", 100),
        "restart": ("ratio", 0.75),
        "kraft-up": ("ratio", 0.45),
        "kraft-up-second": ("ratio", 1.0),
        "kraft-three": ("ratio", 0.5),
        "kraft-killed": ("ratio", 0.25),
        "zookeeper-killed": ("ratio", 1.0),
        "up-ready": ("ratio", 1.9),
        "list": ("ratio", 1.2),
        "doctor": ("ratio", 1.0),
        "memory": ("ratio", 0.85),
        "compose-up": ("ratio", 0.35),
        "compose-kraft-up": ("ratio", 0.5),
        "compose-up-ready": ("ratio", 1.8),
        "compose-restart": ("ratio", 0.6),
        "compose-idle": ("ratio", 0.15),
        "compose-topic": ("ratio", 0.6),
        "plan-10000": ("ratio", 1.3),
        "plan-growth": ("ratio", 1.0),
        "plan-memory": ("ratio", 1.0),
        "apply-1000": ("ratio", 1.1),
        "consume-1m": ("ratio", 1.2),
        "produce-1m": ("ratio", 1.2),
        "topic-create": ("ratio", 0.5),
        "reset-50": ("ratio", 0.5),
        "secured-up": ("ratio", 1.7),
        "secured-kraft-up": ("ratio", 2.6),
        "secured-compose-kraft-up": ("ratio", 1.8),
        "secured-first-up": ("difference", 300),
        "acl-list": ("ratio", 2.0),
        "user-list": ("ratio", 2.0),
        "pytest-one": ("ratio", 1.3),
        "pytest-keep": ("difference", 520),
        "pytest-unused": ("difference", 5),
        "pytest-installed": ("difference", 10),
        "pytest-200": ("ratio", 1.0),
        "pytest-topic": ("difference", 10),
        "pytest-topic-two": ("difference", 15),
        "pytest-record": ("difference", 10),
        "pytest-testcontainers": ("ratio", 0.4),
        "pytest-testcontainers-4": ("ratio", 0.25),
    }


def test_a_name_is_taken_once() -> None:
    """A second row of the same name would hide the first."""
    with pytest.raises(ValueError, match="two rows are named up"):
        row("up", what="", against="", limit=1)(lambda surroundings, pairs: iter(()))


def test_pairs_are_compared_before_the_median_is_taken() -> None:
    """A slow moment that hits both of a pair leaves its ratio alone."""
    result = Result(_row(), (Pair(1, 2), Pair(10, 20), Pair(3, 2)))
    assert result.compared == 0.5
    assert (result.ours, result.alternative) == (3, 2)


def test_a_difference_is_in_the_unit_of_the_row() -> None:
    """The row about the wait bounds how much later ours is, not how many times."""
    result = Result(_row("difference", limit=100), (Pair(1050, 1000), Pair(900, 800), Pair(5, 0)))
    assert result.compared == 50
    assert result.holds


@pytest.mark.parametrize(
    ("pairs", "problem", "holds"),
    [
        ((Pair(1, 2),), None, True),
        ((Pair(1.01, 2),), None, False),
        ((), None, False),
        ((Pair(1, 2),), "it died", False),
    ],
)
def test_a_row_holds_up_to_its_limit(
    pairs: tuple[Pair, ...], problem: str | None, holds: bool
) -> None:
    """Above the limit, unmeasured or measured half, it does not hold."""
    assert Result(_row(), pairs, problem).holds is holds


def test_the_document_has_every_sample() -> None:
    """Whoever doubts a median can compute it again."""
    document = report.as_document([Result(_row(), (Pair(1, 4), Pair(2, 4)))], FACTS)
    assert document["cores"] == 2
    assert document["rows"] == [
        {
            "name": "some",
            "date": "today",
            "what": "ours",
            "against": "theirs",
            "unit": "ms",
            "ours": [1, 2],
            "alternative": [4, 4],
            "compare": "ratio",
            "median": 0.375,
            "limit": 0.5,
            "holds": True,
            "problem": None,
        }
    ]


def test_the_machine_stays_anonymous() -> None:
    """Neither its name nor any path of it is among the facts."""
    servers = Servers(Java(Path("/opt/a-java"), "17.0.9", "bundled"), "/jars/a.jar", "3.9.1", {})
    facts = machine(servers)
    text = json.dumps(facts)
    assert {"date", "cores", "memory_gb", "python", "java"} <= set(facts)
    assert platform.node() not in text
    assert "/" not in text


def test_a_command_that_fails_is_not_a_measurement(tmp_path: Path) -> None:
    """An unexpected exit code ends the row, with what the command said."""
    failing = [sys.executable, "-c", "import sys; sys.exit('no Kafka here')"]
    with pytest.raises(Unmeasured, match=r"exited with 1: no Kafka here"):
        timed(failing, cwd=tmp_path, environ={})
    assert timed(failing, cwd=tmp_path, environ={}, codes=(1,)).seconds > 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the results file of a program with nothing to prepare."""

    @contextlib.contextmanager
    def nothing() -> Iterator[Any]:
        yield SimpleNamespace(servers=None)

    monkeypatch.setattr(program, "prepared", nothing)
    monkeypatch.setattr(program, "machine", lambda servers: FACTS)
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for name in list(ROWS):
        monkeypatch.delitem(ROWS, name)
    return tmp_path / "results.json"


def _measuring(monkeypatch: pytest.MonkeyPatch, name: str, *pairs: Pair | Exception) -> list[int]:
    """Add a row; return a list that gets the number of requested pairs, then 0 at the end."""
    calls: list[int] = []

    def measure(surroundings: object, wanted: int) -> Iterator[Pair]:
        calls.append(wanted)
        try:
            for pair in pairs:
                if isinstance(pair, Exception):
                    raise pair
                yield pair
        finally:
            calls.append(0)

    monkeypatch.setitem(ROWS, name, Row(name, "ours", "theirs", "s", 0.5, measure, repeats=3))
    return calls


def test_all_rows_that_hold_are_a_success(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is asked for its rounds, its repeats and all; the results are written."""
    calls = _measuring(monkeypatch, "good", Pair(1, 4))
    assert program.main(["--rounds", "2"]) == 0
    assert calls == [6, 0]
    assert [entry["holds"] for entry in json.loads(quick.read_text())["rows"]] == [True]


def test_one_row_that_does_not_hold_is_a_failure(
    quick: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are measured all the same, and the table says which it was."""
    _measuring(monkeypatch, "broken", Unmeasured("the broker died"))
    _measuring(monkeypatch, "slow", Pair(3, 4))
    _measuring(monkeypatch, "good", Pair(1, 4))
    assert program.main([]) == 1
    rows = json.loads(quick.read_text())["rows"]
    assert [entry["holds"] for entry in rows] == [False, False, True]
    assert rows[0]["problem"] == "the broker died"
    assert "broken: the broker died" in capsys.readouterr().out


def test_one_row_alone_leaves_the_results_as_they_are(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of the table does not replace the whole."""
    _measuring(monkeypatch, "good", Pair(1, 4))
    other = _measuring(monkeypatch, "other", Pair(1, 4))
    assert program.main(["--only", "good"]) == 0
    assert other == []
    assert not quick.exists()


def test_an_update_replaces_the_rows_that_were_measured(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others keep their numbers and their date, in the order of the table."""
    _measuring(monkeypatch, "first", Pair(1, 4))
    _measuring(monkeypatch, "second", Pair(1, 4))
    assert program.main([]) == 0
    monkeypatch.setattr(program, "machine", lambda servers: {**FACTS, "date": "tomorrow"})
    _measuring(monkeypatch, "first", Pair(1, 2))
    assert program.main(["--only", "first", "--update"]) == 0
    rows = json.loads(quick.read_text())["rows"]
    assert [(r["name"], r["date"], r["median"]) for r in rows] == [
        ("first", "tomorrow", 0.5),
        ("second", "today", 0.25),
    ]


def test_a_shared_workspace_is_created_once(tmp_path: Path) -> None:
    """Rows share a workspace, and it is deleted at the end."""
    made: list[str] = []

    @contextlib.contextmanager
    def make() -> Iterator[Workspace]:
        made.append("made")
        yield Workspace(tmp_path, {}, 9092)
        made.append("gone")

    surroundings = Surroundings(tmp_path, {}, cast(Any, None))
    first = surroundings.shared("crowd", make())
    assert surroundings.shared("crowd", make()) is first
    assert made == ["made"]
    surroundings.close()
    assert made == ["made", "gone"]


def test_an_interrupted_row_cleans_up(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between two pairs closes the row, which stops its clusters, and exits with 130."""
    calls = _measuring(monkeypatch, "good", Pair(1, 4), Pair(1, 4))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_print_pair", interrupt)
    assert program.main([]) == 130
    assert calls == [21, 0]
    assert not quick.exists()


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--rounds", "x"], ["--only", "no"]])
def test_arguments_are_checked_before_anything_starts(
    arguments: list[str], quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row that does not exist, and rounds that are no number, are refused."""
    with pytest.raises(SystemExit) as stopped:
        program.main(arguments)
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err
