"""The criteria of acceptance, and whether they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.model.finding import Finding
from kafka_tasks.model.verdict import CriterionResult, Verdict
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.views import diagnosis


@dataclass(frozen=True, slots=True)
class Verified:
    """A verdict, and where it failed what an examination found to be wrong."""

    verdict: Verdict
    trouble: Sequence[Finding] = ()


def document(found: Verified) -> Document:
    """Return every criterion; times in seconds."""
    verdict = found.verdict
    plain: Document = {
        "schema": SCHEMA,
        "passed": verdict.passed,
        "criteria": [entry(result) for result in verdict.results],
        "elapsed_s": verdict.elapsed_s,
    }
    if verdict.passed:
        return plain
    return {**plain, "findings": [diagnosis.entry(finding) for finding in found.trouble]}


def entry(result: CriterionResult) -> Document:
    """Return one criterion."""
    return {
        "id": result.criterion.id,
        "title": result.criterion.title,
        "result": result.status,
        "seconds": result.seconds,
        "message": result.message,
    }


def text(found: Verified, *, width: int) -> str:
    """Return a line a criterion, the sum, and what is wrong where one failed."""
    verdict = found.verdict
    lines = [line for result in verdict.results for line in _lines(result)]
    failed, skipped = verdict.count("failed"), verdict.count("skipped")
    tried = len(verdict.results) - skipped
    ends = f"{verdict.count('passed')} of {tried} criteria passed ({verdict.elapsed_s:.1f} s)"
    ends += f", {failed} failed" if failed else ""
    ends += f", {skipped} skipped" if skipped else ""
    lines.append(f"{ends}.")
    lines += [line for finding in found.trouble for line in diagnosis.shown(finding, width)]
    return "\n".join(lines)


def _lines(result: CriterionResult) -> list[str]:
    word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[result.status]
    head = f"{word:<8} {result.criterion.title}"
    if result.status == "passed":
        return [f"{head:<77} {result.seconds:5.2f} s"]
    if result.status == "skipped":
        return [f"{head}: {result.message}"]
    return [head, *(f"         | {line}" for line in result.message.splitlines())]
