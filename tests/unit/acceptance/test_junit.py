"""JUnit XML, read and written."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from kafka_tasks.acceptance import junit
from kafka_tasks.acceptance.criteria import BY_ID
from kafka_tasks.model.verdict import CriterionResult

OURS = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest">
<testcase name="test_a" time="0.250"><properties><property name="criterion" value="timestamps"/>
</properties></testcase>
<testcase name="test_b" time="1"><properties><property name="criterion" value="null-values"/>
</properties><failure message="AssertionError: it differs&#10;assert 1 == 2">a traceback</failure>
</testcase>
<testcase name="test_c" time="0"><properties><property name="criterion" value="kafka-running"/>
</properties><error message='failed on setup with "Failed: nothing there"'>a traceback</error>
</testcase>
<testcase name="test_d" time="0"><properties><property name="criterion" value="services-connected"/>
</properties><skipped message="not known here" type="pytest.skip">file:1: not known here</skipped>
</testcase>
<testcase name="test_e" time="0"/>
<testcase name="test_f"><properties><property name="criterion" value="no-such"/></properties>
</testcase>
</testsuite></testsuites>
"""


def test_results_of_criteria_are_read(tmp_path: Path) -> None:
    """Passed, failed, broken and skipped are told apart; tests without a criterion are left out."""
    path = tmp_path / "junit.xml"
    path.write_text(OURS, encoding="utf-8")
    assert junit.read(path) == [
        CriterionResult(BY_ID["timestamps"], "passed", 0.25, ""),
        CriterionResult(BY_ID["null-values"], "failed", 1.0, "it differs\nassert 1 == 2"),
        CriterionResult(BY_ID["kafka-running"], "failed", 0.0, "nothing there"),
        CriterionResult(BY_ID["services-connected"], "skipped", 0.0, "not known here"),
    ]


def test_a_file_that_is_missing_or_broken_reports_nothing(tmp_path: Path) -> None:
    """pytest that died half-way leaves no result, and no traceback here."""
    path = tmp_path / "junit.xml"
    assert junit.read(path) == []
    path.write_text(OURS[:300], encoding="utf-8")
    assert junit.read(path) == []


def test_long_messages_are_cut(tmp_path: Path) -> None:
    """A message keeps its first lines, and shows that there were more."""
    message = "&#10;".join(f"line {number}" for number in range(50))
    path = tmp_path / "junit.xml"
    path.write_text(OURS.replace("it differs", message), encoding="utf-8")
    lines = junit.read(path)[1].message.splitlines()
    assert lines[0] == "line 0" and lines[-1] == "…"
    assert len(lines) == junit.MESSAGE_LINES + 1


def test_what_is_written_is_read_by_others(tmp_path: Path) -> None:
    """A suite a round with its counts, the error as a case, and no character XML cannot have."""
    path = tmp_path / "junit.xml"
    first = [
        CriterionResult(BY_ID["timestamps"], "passed", 0.25),
        CriterionResult(BY_ID["null-values"], "failed", 1.0, "\x1b[31mred <&>\nmore"),
    ]
    junit.write(path, {"start": first, "restart": []}, "it died\nlast line \x00")
    start, restart, run = ElementTree.parse(path).getroot()
    assert dict(start.attrib) == {
        "name": "acceptance.start",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
        "time": "1.250",
    }
    failure = start[1].find("failure")
    assert failure is not None and failure.text == "?[31mred <&>\nmore"
    assert failure.get("message") == "?[31mred <&>"
    assert restart.get("tests") == "0"
    error = run.find("testcase/error")
    assert error is not None and error.get("message") == "it died"
