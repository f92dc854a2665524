"""The reports of a whole acceptance run: JSON, JUnit XML and text."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

from kafka_tasks.acceptance import junit
from kafka_tasks.acceptance.full_run import Outcome, Round
from kafka_tasks.errors import JavaUnfit, KafkaTasksError
from kafka_tasks.render.views.verdict import entry
from kafka_tasks.version import VERSION

_LOG_LINES = 12


def _document(outcome: Outcome) -> dict[str, Any]:
    reports = [each.report for each in outcome.rounds if each.report]
    last = reports[-1] if reports else None
    return {
        "schema": 1,
        "passed": outcome.passed,
        "runtime": outcome.runtime,
        "bootstrap_servers": last.bootstrap_servers if last else None,
        "zookeeper": last.zookeeper if last else None,
        "cluster_id": last.cluster_id if last else None,
        "versions": _versions(outcome),
        "criteria": [
            {"round": each.name, **entry(result)}
            for each in outcome.rounds
            for result in each.results
        ],
        "timeline": {each.name: _timeline(each) for each in outcome.rounds},
        "elapsed_s": outcome.elapsed_s,
        "notices": outcome.notices,
        "error": _error(outcome.error),
        "logs": outcome.logs,
    }


def _timeline(each: Round) -> dict[str, Any]:
    marks = each.report.timeline if each.report else ()
    return {
        "elapsed_s": each.report.elapsed_s if each.report else None,
        "layers": [
            {"layer": mark.layer, "service": mark.service, "ready_s": mark.ready_s}
            for mark in marks
        ],
    }


def _error(error: KafkaTasksError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "evidence": list(error.evidence),
    }


def _versions(outcome: Outcome) -> dict[str, str | None]:
    from importlib.metadata import version

    reports = [each.report for each in outcome.rounds if each.report]
    return {
        "kafka_tasks": VERSION,
        "kafka": reports[-1].kafka_version if reports else None,
        "confluent_platform": outcome.settings.version if outcome.settings else None,
        "java": _java(outcome),
        "confluent_kafka": version("confluent-kafka"),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _java(outcome: Outcome) -> str | None:
    if outcome.runtime != "embedded" or outcome.settings is None:
        return None
    from kafka_tasks.runtimes.embedded import java

    try:
        return java.choose(outcome.settings).version
    except JavaUnfit:
        return None


def write(outcome: Outcome, *, report: Path | None, junit_xml: Path | None) -> None:
    """Write the requested files; raises `OSError`."""
    if report is not None:
        content = json.dumps(_document(outcome), indent=2, ensure_ascii=False)
        report.write_text(content + "\n", encoding="utf-8")
    if junit_xml is not None:
        rounds = {each.name: each.results for each in outcome.rounds}
        error = outcome.error
        message = "\n".join([error.message, *error.evidence]) if error else None
        junit.write(junit_xml, rounds, message)


def text(outcome: Outcome) -> str:
    """Return the error with the last log lines, and the number of checks that passed."""
    statuses = [result.status for each in outcome.rounds for result in each.results]
    lines = []
    if outcome.error is not None:
        lines.append(f"Error: {outcome.error.message}")
        lines += [f"  | {line}" for line in outcome.error.evidence]
        if outcome.error.hint:
            lines.append(f"Hint: {outcome.error.hint}")
    for service, log in outcome.logs.items():
        lines.append(f"Log tail of {service}:")
        lines += [f"  | {line}" for line in log[-_LOG_LINES:]]
    word = "passed" if outcome.passed else "FAILED"
    passed, tried = statuses.count("passed"), len(statuses) - statuses.count("skipped")
    lines.append(f"Acceptance {word}: {passed} of {tried} checks ({outcome.elapsed_s:.1f} s).")
    return "\n".join(lines)
