"""The examination itself: robust, and in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kafka_tasks.diagnosis import doctor, last_failure
from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.finding import Diagnosis, Finding
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import Settings
from tests.unit.diagnosis.conftest import MakeExam


@pytest.fixture(autouse=True)
def _nothing_else_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", ())


def well(_case: Examination) -> Iterator[Finding]:
    """Yield one finding without a problem."""
    yield Finding("well", "ok", "it is well")


def broken(_case: Examination) -> Iterator[Finding]:
    """Yield a finding, then fail."""
    yield Finding("half", "ok", "the first half")
    raise TypeError("a slip")


def refused(_case: Examination) -> Iterator[Finding]:
    """Raise an error of this package."""
    raise MachineError("the disk said no", hint="df")


def test_a_check_that_fails_is_a_finding(make_exam: MakeExam) -> None:
    """What a check found before its mistake is kept; the mistake is named with its place."""
    found = list(doctor.guarded(Check("slips", "machine", broken), make_exam()))
    assert [finding.id for finding in found] == ["half", "check-broken"]
    assert "TypeError: a slip" in found[1].title
    assert "slips" in found[1].title
    assert 'raise TypeError("a slip")' in found[1].evidence[0]


def test_an_error_in_a_check_is_a_finding(make_exam: MakeExam) -> None:
    """An error of this package keeps its words and its hint, as a warning."""
    (found,) = doctor.guarded(Check("disk", "machine", refused), make_exam())
    assert (found.level, found.title, found.fix) == ("warning", "the disk said no", "df")


def test_a_check_that_hangs_is_named(project: Project, settings: Settings) -> None:
    """A check that hangs blocks no other check and becomes a finding."""
    release = threading.Event()

    def hang(_case: Examination) -> Iterator[Finding]:
        release.wait(30)
        yield Finding("late", "ok", "late")

    checks = [Check("hangs", "machine", hang), Check("well", "machine", well)]
    found = doctor.examine(project, lambda: settings, checks=checks, timeout_s=0.2)
    release.set()
    assert [finding.id for finding in found.findings] == ["check-silent", "well"]


def test_findings_are_in_the_order_of_the_checks(project: Project, settings: Settings) -> None:
    """The order of the findings does not depend on which check finishes first."""
    checks = [Check(str(n), "machine", _numbered(n)) for n in range(20)]
    found = doctor.examine(project, lambda: settings, checks=checks)
    assert [finding.id for finding in found.findings] == [f"n{n}" for n in range(20)]


def _numbered(n: int):  # type: ignore[no-untyped-def]
    return lambda _: [Finding(f"n{n}", "ok", "here")]


def test_settings_that_cannot_be_read_are_a_finding(project: Project) -> None:
    """With unreadable settings the other checks run with the defaults."""

    def unreadable() -> Settings:
        raise InvalidInput("KAFKA_TASKS_PORT is 'abc'; allowed: a port.", hint="…=9092")

    seen: list[Examination] = []

    def looks(exam: Examination) -> list[Any]:
        seen.append(exam)
        return []

    checks = [Check("looks", "machine", looks)]
    found = doctor.examine(project, unreadable, checks=checks)
    assert [f.id for f in found.findings] == ["setting-invalid"]
    assert found.exit_code == 3
    assert seen[0].settings.port == 9092
    assert seen[0].settings.project == project.path
    assert not seen[0].readable


@pytest.mark.parametrize(
    ("codes", "expected"), [([], 0), ([1], 1), ([5, 3], 3), ([5, 4, 3], 4), ([1, 5], 5)]
)
def test_the_exit_code_is_that_of_what_comes_first(codes: list[int], expected: int) -> None:
    """The machine before the configuration before the cluster; warnings never count."""
    errors = [Finding(f"e{code}", "error", "wrong", exit_code=code) for code in codes]
    warned = Finding("w", "warning", "odd", exit_code=4)
    found = Diagnosis((warned, *errors), 0.1)
    assert found.exit_code == expected
    assert found.worst == ("error" if codes else "warning")


def test_the_same_error_is_said_once(project: Project, settings: Settings) -> None:
    """Two checks that come upon one error make one finding, with the evidence."""
    plain = Finding("port-taken", "error", "A port is taken.", service="tool")
    named = Finding("port-taken", "error", "Port 1 is taken.", service="kafka", evidence=("x",))
    other = Finding("port-taken", "error", "Port 2 is taken.", service="zookeeper")
    past = Finding(
        "port-taken", "warning", "A port was taken.", service="tool", evidence=("y", "z")
    )
    logged = Finding("port-taken", "warning", "Its log tells of a port.", service="kafka")
    checks = [Check("all", "machine", lambda _: [named, plain, other, past, logged])]
    found = doctor.examine(project, lambda: settings, checks=checks)
    assert found.findings == (named, other, logged)
    checks = [Check("past", "machine", lambda _: [past])]
    assert doctor.examine(project, lambda: settings, checks=checks).findings == (past,)


def test_a_failure_is_remembered_until_a_start_succeeds(project: Project) -> None:
    """It is kept with its findings, for its owner alone."""
    finding = Finding("disk-full", "error", "Full.", evidence=("a", "b"), exit_code=4)
    last_failure.remember(project, "up", "It failed.", (finding,))
    kept = last_failure.recall(project)
    assert kept is not None
    assert (kept.doing, kept.message, kept.findings) == ("up", "It failed.", (finding,))
    path = project.state / "run" / last_failure.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("{")
    assert last_failure.recall(project) is None
    last_failure.forget(project)
    assert not path.exists()
    last_failure.forget(project)
