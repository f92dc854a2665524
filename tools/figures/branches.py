"""Branches on a service's role, outside of the rooms that may."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from figures.sources import Offence, Source, Sources

# Here roles are what the code is about.
ALLOWED = (
    "model/role.py",
    "model/topology.py",
    "runtimes/roles/",
    "runtimes/compose/",
    "diagnosis/compose_file.py",
)
# Here a branch may ask which mode, ZooKeeper or KRaft, and nothing else.
MODE_ALLOWED = ("settings/", "model/kafka_line.py")

_NAME = re.compile(r"_?(ZOOKEEPER|BROKER|CONTROLLER|COMBINED|REGISTRY|KRAFT)(_LOG)?")
_WORD = re.compile(r"(zookeeper|broker|controller|combined|registry|kraft|kafka)(-log)?")
_PREDICATE = re.compile(r"is_(zookeeper|broker|controller|combined|registry|kraft)")
# Readiness layers and Kafka's resource types have some of the roles' names.
_OTHER_THINGS = {"layer", "failed", "resource", "resource_type", "kind"}


def branches(sources: Sources) -> list[Offence]:
    """Return the lines that branch on a role outside of `ALLOWED`, code inside functions too.

    A role is a name such as ZOOKEEPER or Role.BROKER, a string such as "zookeeper" or "broker",
    the service name "kafka", or an attribute `role`. A line branches on it with

    - a comparison, `in` and `not in` too (also with a collection that has one), or a `case`;
    - a dict literal keyed by it (by strings: if all keys are roles and there are two or more; one
      role's string may be a JSON key), or a subscript with a role's name;
    - `startswith`, `endswith` or `is_broker` and the like;
    - a test of `.zookeeper`: its truth or `is None`, also by a name that was assigned from it;
    - a slice of `service_names()`, which tells ZooKeeper by its position.

    JSON keys, readiness layers and resource types do not count: comparisons with a name or an
    attribute `layer`, `failed`, `resource`, `resource_type` or `kind`. In `MODE_ALLOWED`,
    comparisons with a name or an attribute `mode` or `modes` do not count either.
    """
    return [
        one.offence(line)
        for one in sources.values()
        if not one.inner.startswith(ALLOWED)
        for line in sorted(set(_lines(one)))
    ]


def _lines(one: Source) -> Iterator[int]:
    exempt = set(_OTHER_THINGS)
    if one.inner.startswith(MODE_ALLOWED):
        exempt |= {"mode", "modes"}
    aliases = set(_aliases(one))
    for node in one.nodes:
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            if not any(_called(part) in exempt for part in operands) and (
                any(map(_is_role, operands)) or _asks_for_none(node, aliases)
            ):
                yield node.lineno
        elif isinstance(node, ast.Match):
            yield from _cases(node, exempt)
        elif (isinstance(node, ast.Dict) and _keyed_by_role(node)) or _selects(node):
            yield node.lineno  # type: ignore[attr-defined]
        else:
            yield from (part.lineno for part in _tested(node) if _is_optional_role(part, aliases))


def _called(node: ast.AST) -> str:
    """Return the last part of a name, or "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_role(node: ast.AST) -> bool:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(map(_is_role, node.elts))
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and _WORD.fullmatch(node.value) is not None
    return _is_role_name(node) or (isinstance(node, ast.Attribute) and node.attr == "role")


def _is_role_name(node: ast.AST) -> bool:
    of = _called(node.value) if isinstance(node, ast.Attribute) else ""
    return _NAME.fullmatch(_called(node)) is not None and of != "ResourceType"


def _cases(node: ast.Match, exempt: set[str]) -> Iterator[int]:
    if _called(node.subject) in exempt:
        return
    for case in node.cases:
        values = (part.value for part in ast.walk(case.pattern) if isinstance(part, ast.MatchValue))
        if any(map(_is_role, values)):
            yield case.pattern.lineno


def _keyed_by_role(node: ast.Dict) -> bool:
    keys = [key for key in node.keys if key is not None]
    return any(map(_is_role_name, keys)) or (len(keys) > 1 and all(map(_is_role, keys)))


def _selects(node: ast.AST) -> bool:
    """Return True for a subscript, a method or a predicate that picks by role."""
    if isinstance(node, ast.Subscript):
        sliced = isinstance(node.value, ast.Call) and _called(node.value.func) == "service_names"
        return _is_role_name(node.slice) or sliced
    if isinstance(node, ast.Call) and _called(node.func) in ("startswith", "endswith"):
        return any(map(_is_role, node.args))
    return isinstance(node, ast.Attribute) and _PREDICATE.fullmatch(node.attr) is not None


def _tested(node: ast.AST) -> Iterable[ast.expr]:
    """Return the expressions whose truth decides."""
    if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert)):
        return [node.test]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [node.operand]
    if isinstance(node, ast.Call) and _called(node.func) == "bool":
        return node.args
    return node.ifs if isinstance(node, ast.comprehension) else []


def _asks_for_none(node: ast.Compare, aliases: set[str]) -> bool:
    operands = [node.left, *node.comparators]
    none = any(isinstance(part, ast.Constant) and part.value is None for part in operands)
    return none and any(_is_optional_role(part, aliases) for part in operands)


def _is_optional_role(node: ast.expr, aliases: set[str]) -> bool:
    if isinstance(node, ast.NamedExpr):
        return _is_optional_role(node.value, aliases)
    attribute = isinstance(node, ast.Attribute) and node.attr == "zookeeper"
    return attribute or (isinstance(node, ast.Name) and node.id in aliases)


def _aliases(one: Source) -> Iterator[str]:
    """Yield the names that the module assigns from an attribute `zookeeper`."""
    for node in one.nodes:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Attribute) and value.attr == "zookeeper":
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if (isinstance(node, (ast.NamedExpr, ast.AnnAssign)))
                else []
            )
            yield from (target.id for target in targets if isinstance(target, ast.Name))
