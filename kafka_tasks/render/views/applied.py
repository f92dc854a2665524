"""What became of a plan: applied, failed, blocked, not known, not begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.model.access import Rule
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.views import plan as plan_view
from kafka_tasks.render.views.acls import entry
from kafka_tasks.render.words import counted, some
from kafka_tasks.topics.plan import Plan

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError

_PAST = {"create": "created", "update": "updated", "delete": "deleted"}
_PAST_OF_RIGHTS = {"grant": "granted", "revoke": "revoked"}


@dataclass(frozen=True, slots=True)
class Rights:
    """Rights by stage, as the topics of `Applied`."""

    stages: Mapping[str, Sequence[Rule]]
    failures: Mapping[Rule, KafkaTasksError]


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan and its topics by stage: done, begun (sent, outcome not known) and waiting."""

    plan: Plan
    cluster_id: str
    stages: Mapping[str, Sequence[str]]
    failures: Mapping[str, KafkaTasksError]
    undo: Path | None = None
    interrupted: bool = False
    rights: Rights | None = None


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
        "access": _access(found.plan, found.rights) if found.rights else None,
    }


def _access(plan: Plan, rights: Rights) -> Document:
    actions = _actions(plan)
    return {
        "summary": plan_view.access_summary(plan),
        "done": [{**entry(rule), "action": actions[rule]} for rule in rights.stages["done"]],
        "failed": [
            {**entry(rule), "message": error.message, "evidence": list(error.evidence)}
            for rule, error in rights.failures.items()
        ],
        "blocked": [{**entry(c.rule), "reason": c.reason} for c in plan.rights("blocked")],
        "unknown": [entry(rule) for rule in rights.stages["begun"]],
        "not_begun": [entry(rule) for rule in rights.stages["waiting"]],
    }


def _actions(plan: Plan) -> dict[Rule, str]:
    return {change.rule: change.action for change in plan.access or ()}


def _done(plan: Plan, name: str) -> dict[str, str]:
    return {"topic": name, "action": plan.of(name).action}


def text(found: Applied, *, width: int) -> str:
    """Return how much was done, and a line for each topic that was not."""
    plan = found.plan
    if not plan.pending and not plan.pending_rights:
        return plan_view.changes(plan)
    lines = [f"{'Interrupted. ' if found.interrupted else ''}{_sum(found)}"]
    for name, error in sorted(found.failures.items()):
        lines.append(f"! {name} failed: {error.message}")
        lines += [f"    {line}" for line in error.evidence]
    lines += [f"! {c.topic} is blocked: {c.reason}" for c in plan.having("blocked")]
    lines += _unfinished("sent, outcome not known", found.stages["begun"])
    lines += _unfinished("not begun", found.stages["waiting"])
    lines += _right_lines(plan, found.rights) if found.rights else []
    if found.interrupted:
        lines.append("Run the same command again to apply the rest.")
    return "\n".join(lines)


def _sum(found: Applied) -> str:
    numbers = dict.fromkeys(_PAST, 0)
    actions = {change.topic: change.action for change in found.plan.changes}
    for name in found.stages["done"]:
        numbers[actions[name]] += 1
    parts = [f"{count} {_PAST[verb]}" for verb, count in numbers.items() if count]
    parts += _rights_done(found.plan, found.rights) if found.rights else []
    return f"{', '.join(parts)}." if parts else "Nothing was changed."


def _rights_done(plan: Plan, rights: Rights) -> list[str]:
    actions = _actions(plan)
    done = [actions[rule] for rule in rights.stages["done"]]
    every = _PAST_OF_RIGHTS.items()
    return [f"{counted(done.count(verb), 'right')} {past}" for verb, past in every if verb in done]


def _right_lines(plan: Plan, rights: Rights) -> list[str]:
    lines = []
    for rule, error in rights.failures.items():
        lines.append(f"! {rule} failed: {error.message}")
        lines += [f"    {line}" for line in error.evidence]
    lines += [f"! {c.rule} is blocked: {c.reason}" for c in plan.rights("blocked")]
    for what, stage in (("sent, outcome not known", "begun"), ("not begun", "waiting")):
        lines += _unfinished(what, [str(rule) for rule in rights.stages[stage]], "right")
    return lines


def _unfinished(what: str, names: Sequence[str], noun: str = "topic") -> list[str]:
    return [f"  {what}: {some(names, noun)}"] if names else []
