"""A plan for topics: how the cluster differs from topics.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.topics.plan import ACTIONS, Change, Plan

_SIGNS = {"create": "+", "update": "~", "delete": "-", "blocked": "!", "none": " "}
_VERBS = ("create", "update", "delete")
# So many changes a person reads; the document has all of them.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for a cluster; `out` is the file it is kept in.

    `dry` where that file is not written; `to_apply` where the plan would be applied.
    """

    plan: Plan
    cluster_id: str
    fingerprint: str
    out: str | None = None
    dry: bool = False
    to_apply: bool = False


def document(found: Planned) -> Document:
    """Return every topic with its action and fields."""
    plain: Document = {
        "schema": SCHEMA,
        "cluster_id": found.cluster_id,
        "fingerprint": found.fingerprint,
        "summary": summary(found.plan),
        "changes": [_change(change) for change in found.plan.changes],
    }
    return {**plain, "dry": True} if found.dry else plain


def summary(plan: Plan) -> dict[str, int]:
    """Return how many topics there are of each action; `none` is called unchanged."""
    return {
        "unchanged" if action == "none" else action: len(plan.having(action))
        for action in ("create", "update", "delete", "none", "blocked")
        if action in ACTIONS
    }


def _change(change: Change) -> Document:
    return {
        "topic": change.topic,
        "action": change.action,
        "fields": [{"field": f.field, "from": f.before, "to": f.after} for f in change.fields],
        "reason": change.reason,
    }


def text(found: Planned, *, width: int) -> str:
    """Return the changes, and where the plan is kept."""
    lines = ["would apply:"] if found.to_apply else []
    lines.append(changes(found.plan))
    if found.out:
        verb = "Would write" if found.dry else "Wrote"
        lines.append(f"{verb} {found.out}; apply it: invoke kafka.topic.apply --plan {found.out}")
    return "\n".join(lines)


def changes(plan: Plan) -> str:
    """Return a line a topic that changes, a line a field, and the summary."""
    pending = plan.pending
    if not pending:
        return f"Nothing to do: {_topics(len(plan.changes))} as declared."
    lines = [line for change in pending[:_SHOWN] for line in _lines(change)]
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
