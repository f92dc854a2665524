"""Imports that run in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from figures.sources import Offence, Source, Sources, imported_from

Graph = Mapping[str, Mapping[str, int]]


def circles(sources: Sources) -> list[Offence]:
    """Return the circles of imports: each set of modules that reach each other.

    Every import counts: at the top, inside functions, under TYPE_CHECKING. `from a import b` leads
    to `a.b` where that is a module, else to `a`; that an import also runs the packages around its
    target does not count. An offence names the modules of one circle, at an import inside of it.
    """
    graph = imports(sources)
    return [_offence(sources, graph, circle) for circle in sorted(map(sorted, _tied(graph)))]


def imports(sources: Sources) -> Graph:
    """Return module → the modules it imports, with the line of the first import of each."""
    graph: dict[str, dict[str, int]] = {}
    for name, one in sources.items():
        targets = graph.setdefault(name, {})
        for target, line in sorted(_targets(one, sources), key=lambda found: found[1]):
            if target != name:
                targets.setdefault(target, line)
    return graph


def _targets(one: Source, sources: Sources) -> Iterator[tuple[str, int]]:
    for node in one.nodes:
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = imported_from(one, node)
            inside = [f"{base}.{alias.name}" for alias in node.names]
            named = [name if name in sources else base for name in inside]
        else:
            continue
        yield from ((name, node.lineno) for name in named if name in sources)


def _tied(graph: Graph) -> list[set[str]]:
    """Return the strongly connected components of more than one module.

    `graphlib` names one circle at a time: it becomes one node, until the rest can be sorted.
    """
    tied: dict[str, set[str]] = {}
    home = {name: name for name in graph}
    while True:
        edges: dict[str, set[str]] = {}
        for name, targets in graph.items():
            edges.setdefault(home[name], set()).update({home[t] for t in targets} - {home[name]})
        try:
            TopologicalSorter(edges).prepare()
        except CycleError as error:
            circle = set(error.args[1])
            first = min(circle)
            tied[first] = set().union(*(tied.pop(node, {node}) for node in circle))
            home.update(dict.fromkeys(tied[first], first))
        else:
            return list(tied.values())


def _offence(sources: Sources, graph: Graph, circle: list[str]) -> Offence:
    first = circle[0]
    line = min(line for target, line in graph[first].items() if target in circle)
    return Offence(sources[first].path, line, " ↔ ".join(circle))
