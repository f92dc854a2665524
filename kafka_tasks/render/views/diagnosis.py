"""What `doctor` found, and what became of --fix and --bundle."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka_tasks.model.finding import LEVELS, Diagnosis, Finding
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted

_WORDS = {"ok": "ok", "info": "info", "warning": "WARNING", "error": "ERROR"}
_AREAS = ("machine", "configuration", "cluster")
# A line of a log may be a screen long.
_ROWS = 4
_INDENT = " " * 10


@dataclass(frozen=True, slots=True)
class Examined:
    """A diagnosis, with what was done or would be done about it: for machines and in words."""

    diagnosis: Diagnosis
    fields: Mapping[str, Any] = field(default_factory=dict)
    said: str | None = None


def document(found: Examined) -> Document:
    """Return all findings as plain values."""
    diagnosis = found.diagnosis
    return {
        "schema": SCHEMA,
        "findings": [entry(finding) for finding in diagnosis.findings],
        "worst": diagnosis.worst,
        "exit_code": diagnosis.exit_code,
        "fixed": list(diagnosis.fixed),
        "elapsed_s": diagnosis.elapsed_s,
        **found.fields,
    }


def entry(finding: Finding) -> Document:
    """Return one finding; `exit_code` is 0 unless it is an error."""
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


def text(found: Examined, *, width: int) -> str:
    """Return, area by area, a line for what is ok, and cause, evidence and fix for what is not."""
    diagnosis, lines = found.diagnosis, []
    for area in _AREAS:
        mine = [finding for finding in diagnosis.findings if finding.area == area]
        if mine:
            lines += [area, *(line for finding in mine for line in shown(finding, width)), ""]
    lines += [f"fixed: {what}" for what in diagnosis.fixed]
    lines.append(_summary(diagnosis))
    return "\n".join(lines if found.said is None else [*lines, found.said])


def shown(finding: Finding, width: int) -> list[str]:
    """Return the lines of one finding."""
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


def bundled(path: str, names: Sequence[str]) -> str:
    """Return where the archive is, and how many files it has."""
    return (
        f"Wrote {path}, readable by you alone: {counted(len(names), 'file')}, secrets masked. "
        "Check it before you share it."
    )
