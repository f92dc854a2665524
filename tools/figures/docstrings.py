"""Docstrings of functions that open with no imperative verb."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from figures.sources import Offence, Source, Sources

# The verbs that a docstring may open with, a letter a line. Ruff's D401 lets unknown words through.
VERBS = frozenset((Path(__file__).parent / "verbs.txt").read_text(encoding="utf-8").split())
_EXEMPT = {"property", "cached_property", "setter", "deleter", "fixture", "overload", "override"}


def documented(sources: Sources) -> Iterator[tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function and method with a docstring that has to open with a verb.

    Properties, pytest's fixtures and tests, overloads and magic methods need none.
    """
    for one in sources.values():
        for node in one.nodes:
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if ast.get_docstring(node) and not _is_exempt(node):
                yield one, node


def verbless(sources: Sources) -> list[Offence]:
    """Return the docstrings of functions whose first word is no imperative verb.

    Verbs are those of `verbs.txt`, which is to be extended: a word belongs there that is an
    imperative and says alone what is done.
    """
    return [
        one.offence(node.body[0].lineno, f"{node.name}: {text.splitlines()[0]}")
        for one, node in documented(sources)
        if not opens_with_verb(text := ast.get_docstring(node) or "")
    ]


def opens_with_verb(text: str) -> bool:
    """Return True if the first word is one of `VERBS`."""
    first = re.match(r"[A-Za-z]+(?=[\s.,:;]|$)", text)
    return first is not None and first[0].lower() in VERBS


def _is_exempt(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if node.name.startswith("test_") or (node.name.startswith("__") and node.name.endswith("__")):
        return True
    decorators = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(
        (d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "")) in _EXEMPT
        for d in decorators
    )
