"""Reads `access:` of topics.yaml: which user may do what, and on which resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.access import CLUSTER, Resource, Rule, principal, resource, rights
from kafka_tasks.topics.model import AccessSpec, WantedTopics, check_declared_name
from kafka_tasks.topics.nodes import Problems, Reader

# Key of an entry → the kind of resource that it names; and the reverse, with the cluster.
_KINDS = {"topic": "topic", "group": "group", "transactional_id": "transactional-id"}
KEYS = {**{kind: key for key, kind in _KINDS.items()}, "cluster": "cluster"}
_ENTRY = ("user", "may", *_KINDS, "cluster", "host", "state")
_MINIMAL = "{user: alice, may: [read], topic: orders, group: billing}"

_Keys: TypeAlias = Mapping[str, tuple[yaml.ScalarNode, yaml.Node]]


@dataclass(slots=True)
class Access:
    """The rights of all files; `owner` has the prefixes of those files that declare any."""

    specs: list[AccessSpec] = field(default_factory=list)
    owner: tuple[str, ...] | None = None

    def add(self, found: WantedTopics) -> None:
        """Add the rights of one file."""
        self.specs += found.access
        if found.access_owner is not None:
            self.owner = tuple(dict.fromkeys((*(self.owner or ()), *found.access_owner)))

    def require_consistent(self, problems: Problems) -> None:
        """Add a problem for each right that is declared both present and absent."""
        first: dict[Rule, AccessSpec] = {}
        for spec in self.specs:
            other = first.setdefault(spec.rule, spec)
            if other.absent is not spec.absent:
                path, _, line = str(spec.origin).rpartition(":")
                text = f"{spec.rule}: declared present and absent, first at {other.origin}"
                problems.found.append((path, int(line), text))


def declarable(rule: Rule) -> bool:
    """Return whether topics.yaml can have this rule: it has none that denies."""
    return rule.allows and rule.resource.kind in KEYS


def read(
    reader: Reader,
    found: tuple[yaml.ScalarNode, yaml.Node] | None,
    path: str,
    owner: tuple[str, ...],
) -> tuple[AccessSpec, ...]:
    """Return the declared rights, one for each user, right and resource."""
    if found is None:
        return ()
    entries = reader.sequence(found[1], "access")
    return tuple(spec for node in entries for spec in _Entry(reader, node).specs(path, owner))


@dataclass(frozen=True, slots=True)
class _Entry:
    reader: Reader
    node: yaml.Node

    def specs(self, path: str, owner: tuple[str, ...]) -> Iterator[AccessSpec]:
        """Yield the rights of this entry."""
        keys = self.reader.mapping(self.node, "an entry of access", _ENTRY)
        user = self._user(keys)
        on = list(self._resources(keys))
        host = self.reader.text(keys["host"][1], "host") if "host" in keys else "*"
        absent = self._absent(keys)
        origin = f"{path}:{self.node.start_mark.line + 1}"
        for each in on:
            for right in self._rights(keys, each.kind):
                if user and host:
                    rule = Rule(user, each, right, host=host)
                    yield AccessSpec(rule, absent, owner, origin)

    def _add(self, node: yaml.Node, text: str) -> None:
        """Add a problem once: the rights of an entry are read for each of its resources."""
        problems = self.reader.problems
        entry = (problems.path, node.start_mark.line + 1, text)
        if entry not in problems.found:
            problems.found.append(entry)

    def _user(self, keys: _Keys) -> str | None:
        if "user" not in keys:
            self._missing("user")
            return None
        at = keys["user"][1]
        name = self.reader.text(at, "user")
        try:
            return principal(name) if name is not None else None
        except InvalidInput as error:
            self._add(at, error.message.rstrip("."))
        return None

    def _missing(self, key: str) -> None:
        if isinstance(self.node, yaml.MappingNode):
            self._add(self.node, f"{key} is missing; an example: {_MINIMAL}")

    def _texts(self, node: yaml.Node, what: str) -> Iterator[tuple[yaml.Node, str]]:
        """Yield the texts of a list, or a single one."""
        entries = [node] if isinstance(node, yaml.ScalarNode) else self.reader.sequence(node, what)
        for entry in entries:
            text = self.reader.text(entry, what)
            if text is not None:
                yield entry, text

    def _resources(self, keys: _Keys) -> Iterator[Resource]:
        if not {*_KINDS, "cluster"} & set(keys):
            self._missing("topic")
        for key, kind in _KINDS.items():
            if key in keys:
                for at, name in self._texts(keys[key][1], key):
                    yield from self._resource(at, kind, name)
        if "cluster" in keys and self.reader.truth(keys["cluster"][1], "cluster"):
            yield CLUSTER

    def _resource(self, at: yaml.Node, kind: str, name: str) -> Iterator[Resource]:
        try:
            found = resource(f"{kind}:{name}")
            if kind == "topic" and found.name != "*":
                check_declared_name(found.name)
        except InvalidInput as error:
            self._add(at, f"{kind} {name}: {error.message.rstrip('.')}")
        else:
            yield found

    def _rights(self, keys: _Keys, kind: str) -> Iterator[str]:
        if "may" not in keys:
            self._missing("may")
            return
        for at, text in self._texts(keys["may"][1], "may"):
            try:
                yield from rights(text, kind)
            except InvalidInput as error:
                near = f"; {error.hint}" if "did you mean" in str(error.hint) else ""
                self._add(at, f"{error.message.rstrip('.')}{near}")

    def _absent(self, keys: _Keys) -> bool:
        if "state" not in keys:
            return False
        at = keys["state"][1]
        found = self.reader.text(at, "state")
        if found not in ("present", "absent", None):
            self._add(at, f"state is {found!r}; allowed: present, absent")
        return found == "absent"
