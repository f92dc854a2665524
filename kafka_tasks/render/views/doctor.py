"""`kafka.doctor`: what was found, for machines and for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from kafka_tasks.model.finding import LEVELS, Diagnosis, Finding
from kafka_tasks.render.tables import counted

_WORDS = {"ok": "ok", "info": "info", "warning": "WARNING", "error": "ERROR"}
_AREAS = ("machine", "configuration", "cluster")
# A line of a log may be a screen long.
_ROWS = 4
_INDENT = " " * 10


def document(found: Diagnosis) -> dict[str, Any]:
    """All findings as plain values."""
    return {
        "schema": 1,
        "findings": [entry(finding) for finding in found.findings],
        "worst": found.worst,
        "exit_code": found.exit_code,
        "fixed": list(found.fixed),
        "elapsed_s": found.elapsed_s,
    }


def entry(finding: Finding) -> dict[str, Any]:
    """One finding; `exit_code` is 0 where it is no error."""
    return {
        "id": finding.id,
        "level": finding.level,
        "area": finding.area,
        "service": finding.service,
        "title": finding.title,
        "cause": finding.cause,
        "evidence": list(finding.evidence),
        "fix": finding.fix,
        "reference": finding.reference,
        "exit_code": finding.exit_code if finding.level == "error" else 0,
    }


def text(found: Diagnosis, *, width: int) -> str:
    """Area by area a line for what is well, and cause, evidence and fix for what is not."""
    lines = []
    for area in _AREAS:
        mine = [finding for finding in found.findings if finding.area == area]
        if mine:
            lines += [area, *(line for finding in mine for line in shown(finding, width)), ""]
    lines += [f"fixed: {what}" for what in found.fixed]
    return "\n".join([*lines, _summary(found)])


def shown(finding: Finding, width: int) -> list[str]:
    """The lines of one finding."""
    lines = _wrapped(f"  {_WORDS[finding.level]:<8}", finding.title, width)
    if finding.level == "ok":
        return lines
    if finding.cause:
        lines += _wrapped(f"{_INDENT}cause: ", finding.cause, width)
    for line in filter(str.strip, finding.evidence):
        lines += _wrapped(f"{_INDENT}| ", line, width)[:_ROWS]
    if finding.fix:
        lines += _wrapped(f"{_INDENT}fix: ", finding.fix, width)
    if finding.reference and finding.level != "info":
        lines += _wrapped(f"{_INDENT}see: ", finding.reference, width)
    return lines


def _wrapped(lead: str, said: str, width: int) -> list[str]:
    return textwrap.wrap(
        said,
        width=max(width, 40),
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
    ) or [lead.rstrip()]


def _summary(found: Diagnosis) -> str:
    took = f"({counted(len(found.findings), 'finding')}, {found.elapsed_s:.1f} s)"
    if found.worst in ("ok", "info"):
        return f"All is well {took}."
    counts = [
        counted(found.count(level), level) for level in reversed(LEVELS[2:]) if found.count(level)
    ]
    return f"{' and '.join(counts)} {took}."


def planned(fixes: Sequence[str]) -> list[str]:
    """What `--fix` is going to do."""
    return ["These fixes lose nothing:", *(f"  {what}" for what in fixes)]


def bundled(path: str, names: Sequence[str]) -> str:
    """Where the archive is, and what is in it."""
    return (
        f"Written to {path}, readable by you alone: {counted(len(names), 'file')}, "
        "secrets masked. Look through it before you pass it on."
    )


def bundle_document(path: str, names: Sequence[str], found: Mapping[str, Any]) -> dict[str, Any]:
    """`--bundle` as plain values: the diagnosis, with the archive."""
    return {**found, "bundle": {"path": path, "files": list(names)}}
