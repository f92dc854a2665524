"""Computes the changes from the rules of a cluster to the rights that files declare; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from kafka_tasks.model.access import CLUSTER, Resource, Rule, deciding, removed_by
from kafka_tasks.topics.model import AccessSpec, WantedTopics
from kafka_tasks.topics.plan import AccessChange

# Kinds of resources whose names have an owner's prefix: `--prune` may revoke rights on them.
_OWNED = ("topic", "group", "transactional-id")


def planned(
    wanted: WantedTopics, there: Collection[Rule] | None, *, prune: bool
) -> tuple[AccessChange, ...] | None:
    """Compare declared rights and rules; None where no file declares any.

    Undeclared rules are left alone, except with `prune` those below an owner's prefix. Rules that
    deny are never removed.
    """
    if wanted.access_owner is None or there is None:
        return None
    known = set(there)
    declared = {spec.rule for spec in wanted.access if not spec.absent}
    changes: dict[Rule, AccessChange] = {}
    for spec in wanted.access:
        for change in _changes(spec, known, declared):
            # The same right may be declared twice, and one of the files may own it.
            if changes.get(change.rule, change).action in ("blocked", change.action):
                changes[change.rule] = change
    if prune:
        for rule in _prunable(known, wanted.access_owner):
            changes.setdefault(rule, AccessChange(rule, "revoke"))
    return tuple(changes[rule] for rule in sorted(changes))


def _changes(spec: AccessSpec, there: set[Rule], declared: set[Rule]) -> Iterator[AccessChange]:
    going = [rule for rule in _removed(spec, there) if rule not in declared]
    if (reason := _unfit(spec)) is not None:
        if going or not spec.absent:
            yield AccessChange(spec.rule, "blocked", reason)
    elif not spec.absent:
        yield AccessChange(spec.rule, "none" if spec.rule in there else "grant")
    else:
        yield from (AccessChange(rule, "revoke") for rule in going)
        if not going:
            yield AccessChange(spec.rule, "none")


def _removed(spec: AccessSpec, there: set[Rule]) -> list[Rule]:
    """Return the rules that `state: absent` removes: those from all hosts unless it names one."""
    found = removed_by(there, spec.rule) if spec.absent else []
    return [rule for rule in found if spec.rule.host in ("*", rule.host)]


def _unfit(spec: AccessSpec) -> str | None:
    """Return why this file must not change the right."""
    of = spec.rule.resource
    if not spec.owner or (of.name.startswith(spec.owner) and of.kind in _OWNED):
        return None
    if of == CLUSTER:
        return "the cluster has no owner's prefix; declare it in a file without owner"
    return (
        f"{of} has another owner: this file owns {', '.join(spec.owner)}; "
        "declare it in its owner's file, or add the prefix to owner"
    )


def _prunable(there: Iterable[Rule], prefixes: tuple[str, ...]) -> Iterator[Rule]:
    """Yield the rules that allow something below these prefixes."""
    for rule in there:
        of = rule.resource
        if rule.allows and prefixes and of.kind in _OWNED and of.name.startswith(prefixes):
            yield rule


def remarks(
    wanted: WantedTopics,
    there: Collection[Rule],
    *,
    topics: Collection[str],
    users: Mapping[str, object] | None,
) -> Iterator[str]:
    """Yield what may be mistyped, and which rules overrule a declared right.

    `users` are those with a password; None where they cannot be listed.
    """
    declared = [spec for spec in wanted.access if not spec.absent]
    names = {*topics, *(spec.name for spec in wanted.specs if not spec.absent)}
    first = {spec.rule.user: spec for spec in reversed(declared)}
    for user, spec in sorted(first.items()):
        if users is not None and user not in users and (near := _near(user, users)):
            yield f"{spec.origin}: no user {user} has a password; did you mean {near}?"
    on = {spec.rule.resource: spec for spec in reversed(declared)}
    for resource, spec in sorted(on.items()):
        if (text := _missing(resource, names)) is not None:
            yield f"{spec.origin}: {text}"
    denials = [rule for rule in there if not rule.allows]
    overruling = {deny for spec in declared for deny in deciding(denials, spec.rule, allows=False)}
    yield from (f"overruled: {rule}" for rule in sorted(overruling))


def _missing(resource: Resource, topics: Collection[str]) -> str | None:
    if resource.kind != "topic" or resource.prefixed or resource.name in ("*", *topics):
        return None
    near = _near(resource.name, topics)
    hint = f"did you mean {near}?" if near else "the right takes effect once it is created"
    return f"there is no topic {resource.name}; {hint}"


def _near(word: str, known: Collection[str]) -> str | None:
    return next(iter(get_close_matches(word, known, n=1)), None)
