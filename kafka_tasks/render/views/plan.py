"""A plan for topics: how the cluster differs from topics.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.views.acls import entry
from kafka_tasks.render.words import counted
from kafka_tasks.topics.plan import ACCESS_ACTIONS, ACTIONS, AccessChange, Change, Plan

_SIGNS = {"create": "+", "update": "~", "delete": "-", "blocked": "!", "none": " "}
_RIGHT_SIGNS = {"grant": "+", "revoke": "-", "blocked": "!"}
_VERBS = ("create", "update", "delete", "grant", "revoke")
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
        "access": _access(found.plan),
    }
    return {**plain, "dry": True} if found.dry else plain


def summary(plan: Plan) -> dict[str, int]:
    """Return how many topics there are of each action; `none` is called unchanged."""
    return {
        "unchanged" if action == "none" else action: len(plan.having(action))
        for action in ("create", "update", "delete", "none", "blocked")
        if action in ACTIONS
    }


def access_summary(plan: Plan) -> dict[str, int]:
    """Return how many rights there are of each action; `none` is called unchanged."""
    return {
        "unchanged" if action == "none" else action: len(plan.rights(action))
        for action in ACCESS_ACTIONS
    }


def _access(plan: Plan) -> Document | None:
    if plan.access is None:
        return None
    return {"summary": access_summary(plan), "changes": [_right(each) for each in plan.access]}


def _right(change: AccessChange) -> Document:
    """Return the rule of a change, its action and the reason."""
    return {**entry(change.rule), "action": change.action, "reason": change.reason}


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
    """Return a line a topic and a right that change, a line a field, and the summary."""
    every = [_lines(change) for change in plan.pending]
    every += [_right_lines(change) for change in plan.pending_rights]
    if not every:
        return f"Nothing to do: {_declared(plan)} as declared."
    lines = [line for some in every[:_SHOWN] for line in some]
    if len(every) > _SHOWN:
        lines.append(f"… and {len(every) - _SHOWN} more; --output json has all of them")
    return "\n".join([*lines, "", _summary_line(plan)])


def _declared(plan: Plan) -> str:
    number, rights = len(plan.changes), len(plan.access or ())
    if not rights:
        return "1 topic is" if number == 1 else f"{number} topics are"
    if not number:
        return "1 right is" if rights == 1 else f"{rights} rights are"
    return f"{counted(number, 'topic')} and {counted(rights, 'right')} are"


def _right_lines(change: AccessChange) -> list[str]:
    lines = [f"{_RIGHT_SIGNS[change.action]} {change.action} {change.rule}"]
    return [*lines, f"    {change.reason}"] if change.reason else lines


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
    topics = _counted(summary(plan))
    rights = _counted(access_summary(plan))
    if not rights:
        return f"{topics}."
    return f"{topics}; rights: {rights}." if topics else f"Rights: {rights}."


def _counted(counts: dict[str, int]) -> str:
    words = [f"{count} to {name}" for name, count in counts.items() if name in _VERBS and count]
    words += [f"{counts[name]} {name}" for name in ("unchanged", "blocked") if counts[name]]
    return ", ".join(words)
