"""Rights as the arguments of a grant name them: user, rights, resource and group."""

from __future__ import annotations

from kafka_tasks.model import access
from kafka_tasks.model.access import Resource, Rule, principal, rights
from kafka_tasks.topics.model import check_name


def rules(user: str, right: str, on: str, group: str | None = None) -> list[Rule]:
    """Return a rule for each right on the resource, and on the group; raises `InvalidInput`."""
    resources = [resource(on)]
    if group is not None:
        prefix = group.removesuffix("*")
        resources.append(Resource("group", prefix or "*", bool(prefix) and prefix != group))
    who = principal(user)
    return [Rule(who, each, name) for each in resources for name in rights(right, each.kind)]


def resource(text: str) -> Resource:
    """Return the resource that was typed; raises `InvalidInput`, also for no name of a topic."""
    found = access.resource(text)
    if found.kind == "topic" and found.name != "*":
        check_name(found.name, "kafka.acl.grant")
    return found
