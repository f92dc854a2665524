"""JUnit XML: pytest's is read, one for the whole acceptance run is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from kafka_tasks.acceptance.criteria import BY_ID, MARKER, Finding, Result

MESSAGE_LINES = 12
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(path: Path) -> list[Finding]:
    """What pytest reported about criteria; an absent or broken file reports nothing."""
    try:
        tree = ElementTree.parse(path)  # noqa: S314 - our own pytest wrote it
    except (OSError, ElementTree.ParseError):
        return []
    return [finding for case in tree.iter("testcase") for finding in _findings(case)]


def _findings(case: ElementTree.Element) -> Iterator[Finding]:
    result, message = _result(case)
    seconds = float(case.get("time", "0"))
    for entry in case.iterfind("properties/property"):
        if entry.get("name") == MARKER and (criterion := BY_ID.get(entry.get("value", ""))):
            yield Finding(criterion, result, seconds, message)


def _result(case: ElementTree.Element) -> tuple[Result, str]:
    kinds: tuple[tuple[str, Result], ...] = (
        ("failure", "failed"),
        ("error", "failed"),
        ("skipped", "skipped"),
    )
    for tag, result in kinds:
        for found in case.iterfind(tag):
            return result, _shortened(found.get("message") or found.text or "")
    return "passed", ""


def _shortened(message: str) -> str:
    """Without the exception's name where it says nothing, and not longer than a screen."""
    text = message.strip().removeprefix("failed on setup with ").strip('"')
    text = re.sub(r"^(AssertionError|Failed): ", "", text)
    lines = text.splitlines()
    return "\n".join([*lines[:MESSAGE_LINES], *(["…"] if len(lines) > MESSAGE_LINES else [])])


def write(path: Path, rounds: Mapping[str, Iterable[Finding]], error: str | None) -> None:
    """One test suite a round, one test case a criterion; `error` becomes a case of its own."""
    root = ElementTree.Element("testsuites", name="kafka-tasks acceptance")
    for name, findings in rounds.items():
        _suite(root, name, [_case(name, finding) for finding in findings])
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


def _case(round_: str, finding: Finding) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=f"acceptance.{round_}",
        name=finding.criterion.title,
        time=f"{finding.seconds:.3f}",
    )
    if finding.result != "passed":
        tag = "failure" if finding.result == "failed" else "skipped"
        _child(case, tag, finding.message)
    return case


def _child(case: ElementTree.Element, tag: str, message: str) -> None:
    text = _NOT_XML.sub("?", message)
    child = ElementTree.SubElement(case, tag, message=text.partition("\n")[0])
    child.text = text
