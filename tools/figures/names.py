"""Public names that nobody else uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch

from figures.sources import Offence, Source, Sources, imported_from

# Somebody finds these by name: Invoke, pytest, the wheel's entry point, other people's code.
FOUND_OTHERWISE = (
    "kafka_tasks/tasks/*",
    "kafka_tasks/acceptance/test_*.py",
    "kafka_tasks/acceptance/conftest.py",
    "kafka_tasks/pytest_factories.py",
    "kafka_tasks/pytest_plugin*",
    "kafka_tasks/testing*",
    "kafka_tasks/*__main__.py",
    "kafka_tasks/__init__.py",
)
# A view is passed on whole, as a module, and called through the protocol that it fulfils.
_OF_A_PROTOCOL = {"kafka_tasks/render/views/*": ("document", "text")}


@dataclass
class _Reading:
    """What one file refers to, as (module, name); and the names that it passes on."""

    used: set[tuple[str, str]] = field(default_factory=set)
    passed_on: dict[str, tuple[str, str]] = field(default_factory=dict)


def unused(package: Sources, users: Sources) -> list[Offence]:
    """Return the public top-level names of the package that no other file uses.

    A name is a function, a class or an assigned name without an underscore in front. Another file
    uses it that imports it, or reaches it through its module: one of the package, or of `users`. A
    name that a package's `__init__` passes on is used where it is imported from there, or where
    `kafka_tasks` itself passes it on. Left out is what is found by name: `FOUND_OTHERWISE`, and
    pytest's hooks, tests and fixtures; the two functions of a view; and a class that a public
    signature in its file names, for who calls the function uses the class.
    """
    everything = {**package, **users}
    readings = {name: _read(one, everything) for name, one in everything.items()}
    used = set()
    for name, reading in readings.items():
        homes = (_origin(target, readings) for target in reading.used)
        used |= {home for home in homes if home[0] != name}
    if "kafka_tasks" in readings:
        passed_on = readings["kafka_tasks"].passed_on.values()
        used |= {_origin(target, readings) for target in passed_on}
    return [
        one.offence(line, name)
        for module, one in package.items()
        if not any(fnmatch(one.path, pattern) for pattern in FOUND_OTHERWISE)
        for name, line in _public(one)
        if (module, name) not in used and name not in _protocol(one)
    ]


def _protocol(one: Source) -> tuple[str, ...]:
    """Return the names of a file that are called through a protocol."""
    for pattern, names in _OF_A_PROTOCOL.items():
        if fnmatch(one.path, pattern):
            return names
    return ()


def _public(one: Source) -> Iterator[tuple[str, int]]:
    """Yield each public top-level name that has to be used, with its line."""
    signatures = _in_signatures(one)
    for node in _top(one.tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names = [] if _is_pytests(node) else [node.name]
        elif isinstance(node, ast.ClassDef):
            names = [] if node.name in signatures else [node.name]
        elif isinstance(node, ast.Assign):
            names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from ((name, node.lineno) for name in names if not name.startswith("_"))


def _is_pytests(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return True for a hook, a test or a fixture."""
    decorators = " ".join(map(ast.unparse, node.decorator_list))
    return node.name.startswith(("pytest_", "test_")) or "fixture" in decorators


def _in_signatures(one: Source) -> set[str]:
    """Return the names in annotations of public functions, and of public classes' public parts."""
    found: set[str] = set()
    todo: list[ast.stmt] = list(_top(one.tree.body))
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_public(node.name):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            parts: list[ast.AST | None] = [node.returns, *(one.annotation for one in every)]
        elif isinstance(node, ast.ClassDef) and _is_public(node.name):
            parts = list(node.bases)
            todo += node.body
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        else:
            continue
        found |= {n.id for part in parts if part for n in ast.walk(part) if isinstance(n, ast.Name)}
    return found


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those inside `if` and `try` too."""
    for node in body:
        yield node
        if isinstance(node, (ast.If, ast.Try)):
            yield from _top([*node.body, *node.orelse, *getattr(node, "finalbody", [])])


def _read(one: Source, everything: Sources) -> _Reading:
    """Read which names of which modules a file imports, or reaches through a module it imports."""
    reading, modules = _Reading(), {}
    for node in one.nodes:
        if isinstance(node, ast.ImportFrom):
            base = imported_from(one, node)
            for alias in node.names:
                local = alias.asname or alias.name
                if f"{base}.{alias.name}" in everything:
                    modules[local] = f"{base}.{alias.name}"
                elif base in everything:
                    reading.passed_on[local] = (base, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
    mentioned = {node.id for node in one.nodes if isinstance(node, ast.Name)}
    reading.used |= {
        target
        for local, target in reading.passed_on.items()
        if not one.is_package or local in mentioned
    }
    for node in one.nodes:
        if isinstance(node, ast.Attribute) and (module := modules.get(_dotted(node.value))):
            reading.used.add((module, node.attr))
    return reading


def _dotted(node: ast.expr) -> str:
    """Return `a.b.c` for such an expression, and "" for any other."""
    if isinstance(node, ast.Attribute):
        return f"{before}.{node.attr}" if (before := _dotted(node.value)) else ""
    return node.id if isinstance(node, ast.Name) else ""


def _origin(target: tuple[str, str], readings: dict[str, _Reading]) -> tuple[str, str]:
    """Follow a name that packages pass on to the module that defines it."""
    for _ in range(len(readings)):
        module, name = target
        if module not in readings or name not in readings[module].passed_on:
            break
        target = readings[module].passed_on[name]
    return target
