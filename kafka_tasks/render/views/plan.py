"""Plans and what became of them: the documents of the contract, and the text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka_tasks.render.tables import some
from kafka_tasks.topics.plan import ACTIONS, Change, Plan

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError

_SIGNS = {"create": "+", "update": "~", "delete": "-", "blocked": "!", "none": " "}
# So many rows a person reads; the document has all of them.
_SHOWN = 200


def document(plan: Plan, *, cluster_id: str, fingerprint: str) -> dict[str, Any]:
    """`topic.plan`."""
    return {
        "schema": 1,
        "cluster_id": cluster_id,
        "fingerprint": fingerprint,
        "summary": summary(plan),
        "changes": [_change(change) for change in plan.changes],
    }


def summary(plan: Plan) -> dict[str, int]:
    """How many topics there are of each action; `none` is called unchanged."""
    return {
        "unchanged" if action == "none" else action: len(plan.having(action))
        for action in ("create", "update", "delete", "none", "blocked")
        if action in ACTIONS
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "topic": change.topic,
        "action": change.action,
        "fields": [{"field": f.field, "from": f.before, "to": f.after} for f in change.fields],
        "reason": change.reason,
    }


def text(plan: Plan) -> str:
    """A line a topic that changes, a line a field, and the summary."""
    pending = plan.pending
    if not pending:
        return f"Nothing to do: {_topics(len(plan.changes))} as declared."
    lines: list[str] = []
    for change in pending[:_SHOWN]:
        lines += _lines(change)
    if len(pending) > _SHOWN:
        lines.append(f"… and {len(pending) - _SHOWN} more; --output json has all of them")
    return "\n".join([*lines, "", _summary_line(plan)])


def _topics(number: int) -> str:
    return "1 topic is" if number == 1 else f"{number} topics are"


def _lines(change: Change) -> list[str]:
    lines = [f"{_SIGNS[change.action]} {change.action} {change.topic}"]
    if change.action == "create":
        values = ", ".join(f"{_short(f.field)} {f.after}" for f in change.fields)
        return [f"{lines[0]}: {values}" if values else lines[0]]
    lines += [f"    {_short(f.field)}: {_value(f.before)} → {f.after}" for f in change.fields]
    if change.reason:
        lines.append(f"    {change.reason}")
    return lines


def _short(field: str) -> str:
    return field.removeprefix("config.").replace("_", " ")


def _value(value: int | str | None) -> str:
    return "not set" if value is None else str(value)


def _summary_line(plan: Plan) -> str:
    counts = summary(plan)
    words = [f"{count} to {name}" for name, count in counts.items() if name in _VERBS and count]
    words += [f"{counts[name]} {name}" for name in ("unchanged", "blocked") if counts[name]]
    return f"{', '.join(words)}."


_VERBS = ("create", "update", "delete")


def account_document(
    stages: Mapping[str, Sequence[str]],
    failures: Mapping[str, KafkaTasksError],
    plan: Plan,
    *,
    cluster_id: str,
    undo: Path | None,
    interrupted: bool,
) -> dict[str, Any]:
    """`topic.apply`: what was done, what was not, and what nobody knows."""
    return {
        "schema": 1,
        "cluster_id": cluster_id,
        "summary": summary(plan),
        "done": [_did(plan, name) for name in stages["done"]],
        "failed": [
            {"topic": name, "message": error.message, "evidence": list(error.evidence)}
            for name, error in sorted(failures.items())
        ],
        "blocked": [{"topic": c.topic, "reason": c.reason} for c in plan.having("blocked")],
        "unknown": list(stages["begun"]),
        "not_begun": list(stages["waiting"]),
        "undo": str(undo) if undo else None,
        "interrupted": interrupted,
    }


def _did(plan: Plan, name: str) -> dict[str, str]:
    return {"topic": name, "action": plan.of(name).action}


def account_text(
    stages: Mapping[str, Sequence[str]],
    failures: Mapping[str, KafkaTasksError],
    plan: Plan,
    *,
    interrupted: bool,
) -> str:
    """The same for a person."""
    if not plan.pending:
        return text(plan)
    by_action = dict.fromkeys(_VERBS, 0)
    actions = {change.topic: change.action for change in plan.changes}
    for name in stages["done"]:
        by_action[actions[name]] += 1
    done = ", ".join(f"{count} {_PAST[verb]}" for verb, count in by_action.items() if count)
    lines = [f"{'Interrupted. ' if interrupted else ''}{_sentence(done)}"]
    for name, error in sorted(failures.items()):
        lines.append(f"! {name} failed: {error.message}")
        lines += [f"    {line}" for line in error.evidence]
    blocked = plan.having("blocked")
    lines += [f"! {change.topic} is blocked: {change.reason}" for change in blocked]
    lines += _unfinished("sent, outcome not known", stages["begun"])
    lines += _unfinished("not begun", stages["waiting"])
    if interrupted:
        lines.append("The same command again does what is left.")
    return "\n".join(lines)


_PAST = {"create": "created", "update": "updated", "delete": "deleted"}


def _sentence(done: str) -> str:
    return f"{done}." if done else "Nothing was changed."


def _unfinished(what: str, names: Sequence[str]) -> list[str]:
    return [f"  {what}: {some(names, 'topic')}"] if names else []
