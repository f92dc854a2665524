"""A list of rights."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.model.access import Rule
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


def document(found: Sequence[Rule]) -> Document:
    """Return every rule of the authorizer."""
    return {"schema": SCHEMA, "rules": [entry(rule) for rule in found]}


def entry(rule: Rule) -> Document:
    """Return one rule; `pattern` is `literal` or `prefixed`."""
    return {
        "user": rule.user,
        "principal": rule.principal,
        "permission": "allow" if rule.allows else "deny",
        "right": rule.right,
        "resource": rule.resource.kind,
        "name": rule.resource.name,
        "pattern": "prefixed" if rule.resource.prefixed else "literal",
        "host": rule.host,
    }


def text(found: Sequence[Rule], *, width: int) -> str:
    """Return a row for each user, resource and host, with all rights in it."""
    if not found:
        return "No rights are granted."
    rows: dict[tuple[str, str, str, str, str], list[str]] = {}
    for rule in found:
        permission = "allow" if rule.allows else "deny"
        where = (rule.user, permission, rule.resource.kind, rule.resource.pattern, rule.host)
        rows.setdefault(where, []).append(rule.right)
    lines = [(user, may, ", ".join(rights), *rest) for (user, may, *rest), rights in rows.items()]
    return table(["user", "", "rights", "resource", "name", "from host"], lines, width=width)
