"""JUnit XML: read pytest's file, write one for the whole acceptance run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from kafka_tasks.acceptance.criteria import BY_ID, MARKER
from kafka_tasks.model.verdict import CriterionResult, Status

MESSAGE_LINES = 12
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(path: Path) -> list[CriterionResult]:
    """Return the results of criteria in pytest's file; none if it is missing or broken."""
    try:
        tree = ElementTree.parse(path)  # noqa: S314 - pytest wrote it in this run
    except (OSError, ElementTree.ParseError):
        return []
    return [result for case in tree.iter("testcase") for result in _results(case)]


def _results(case: ElementTree.Element) -> Iterator[CriterionResult]:
    status, message = _status(case)
    seconds = float(case.get("time", "0"))
    for entry in case.iterfind("properties/property"):
        if entry.get("name") == MARKER and (criterion := BY_ID.get(entry.get("value", ""))):
            yield CriterionResult(criterion, status, seconds, message)


def _status(case: ElementTree.Element) -> tuple[Status, str]:
    kinds: tuple[tuple[str, Status], ...] = (
        ("failure", "failed"),
        ("error", "failed"),
        ("skipped", "skipped"),
    )
    for tag, status in kinds:
        for found in case.iterfind(tag):
            return status, _shortened(found.get("message") or found.text or "")
    return "passed", ""


def _shortened(message: str) -> str:
    """Return the message without the exception's name, and at most a screen of it."""
    text = message.strip().removeprefix("failed on setup with ").strip('"')
    text = re.sub(r"^(AssertionError|Failed): ", "", text)
    lines = text.splitlines()
    return "\n".join([*lines[:MESSAGE_LINES], *(["…"] if len(lines) > MESSAGE_LINES else [])])


def write(path: Path, rounds: Mapping[str, Iterable[CriterionResult]], error: str | None) -> None:
    """Write a test suite for each round, a test case for each criterion and for `error`."""
    root = ElementTree.Element("testsuites", name="kafka-tasks acceptance")
    for name, results in rounds.items():
        _suite(root, name, [_case(name, result) for result in results])
    if error is not None:
        case = ElementTree.Element("testcase", classname="acceptance.run", name="run", time="0")
        _child(case, "error", error)
        _suite(root, "run", [case])
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite(root: ElementTree.Element, name: str, cases: list[ElementTree.Element]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=f"acceptance.{name}")
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    suite.extend(cases)


def _case(round_: str, result: CriterionResult) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=f"acceptance.{round_}",
        name=result.criterion.title,
        time=f"{result.seconds:.3f}",
    )
    if result.status != "passed":
        tag = "failure" if result.status == "failed" else "skipped"
        _child(case, tag, result.message)
    return case


def _child(case: ElementTree.Element, tag: str, message: str) -> None:
    text = _NOT_XML.sub("?", message)
    child = ElementTree.SubElement(case, tag, message=text.partition("\n")[0])
    child.text = text
