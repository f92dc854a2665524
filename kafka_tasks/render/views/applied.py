"""What became of a plan: applied, failed, blocked, not known, not begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.views import plan as plan_view
from kafka_tasks.render.words import some
from kafka_tasks.topics.plan import Plan

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError

_PAST = {"create": "created", "update": "updated", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan and its topics by stage: done, begun (sent, outcome not known) and waiting."""

    plan: Plan
    cluster_id: str
    stages: Mapping[str, Sequence[str]]
    failures: Mapping[str, KafkaTasksError]
    undo: Path | None = None
    interrupted: bool = False


def document(found: Applied) -> Document:
    """Return every topic under what became of it."""
    return {
        "schema": SCHEMA,
        "cluster_id": found.cluster_id,
        "summary": plan_view.summary(found.plan),
        "done": [_done(found.plan, name) for name in found.stages["done"]],
        "failed": [
            {"topic": name, "message": error.message, "evidence": list(error.evidence)}
            for name, error in sorted(found.failures.items())
        ],
        "blocked": [{"topic": c.topic, "reason": c.reason} for c in found.plan.having("blocked")],
        "unknown": list(found.stages["begun"]),
        "not_begun": list(found.stages["waiting"]),
        "undo": str(found.undo) if found.undo else None,
        "interrupted": found.interrupted,
    }


def _done(plan: Plan, name: str) -> dict[str, str]:
    return {"topic": name, "action": plan.of(name).action}


def text(found: Applied, *, width: int) -> str:
    """Return how much was done, and a line for each topic that was not."""
    plan = found.plan
    if not plan.pending:
        return plan_view.changes(plan)
    lines = [f"{'Interrupted. ' if found.interrupted else ''}{_sum(found)}"]
    for name, error in sorted(found.failures.items()):
        lines.append(f"! {name} failed: {error.message}")
        lines += [f"    {line}" for line in error.evidence]
    lines += [f"! {c.topic} is blocked: {c.reason}" for c in plan.having("blocked")]
    lines += _unfinished("sent, outcome not known", found.stages["begun"])
    lines += _unfinished("not begun", found.stages["waiting"])
    if found.interrupted:
        lines.append("Run the same command again to apply the rest.")
    return "\n".join(lines)


def _sum(found: Applied) -> str:
    numbers = dict.fromkeys(_PAST, 0)
    actions = {change.topic: change.action for change in found.plan.changes}
    for name in found.stages["done"]:
        numbers[actions[name]] += 1
    done = ", ".join(f"{count} {_PAST[verb]}" for verb, count in numbers.items() if count)
    return f"{done}." if done else "Nothing was changed."


def _unfinished(what: str, names: Sequence[str]) -> list[str]:
    return [f"  {what}: {some(names, 'topic')}"] if names else []
