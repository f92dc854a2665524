"""Docstrings of functions open with what the function does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.docs.documents import ROOT

PACKAGE = ROOT / "kafka_tasks"
# An opening that describes a value; a function returns, raises or changes one.
OPENING = re.compile(r"(?:What|Which|Whether|How|Where|The same)\b")

# Room → docstrings that still open so. Lower the number with each that is reworded.
LEFT: dict[str, int] = {}


def openings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and first line of each function's docstring that opens with such a word."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if OPENING.match(text):
                yield node.lineno, text.splitlines()[0]


def test_docstrings_of_functions_open_with_a_verb() -> None:
    """No function's docstring opens with What, Which, Whether, How, Where or The same."""
    found: Counter[str] = Counter()
    shown = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for line, text in openings(path.read_text(encoding="utf-8")):
            found[room] += 1
            shown.append(f"{path.relative_to(ROOT)}:{line}: {text}")
    over = {room: (n, LEFT.get(room, 0)) for room, n in found.items() if n > LEFT.get(room, 0)}
    assert not over, f"found and allowed: {over}\n" + "\n".join(shown)


@pytest.mark.parametrize("opening", ["What it does", "Whether it is", "The same.", "How so"])
def test_an_opening_is_noticed(opening: str) -> None:
    """Methods and nested functions count; classes and properly opened ones do not."""
    source = (
        f'class A:\n    """{opening}"""\n\n'
        f'    def f(self):\n        """{opening}"""\n'
        '        def g():\n            """Whatever happens, return."""\n'
    )
    assert list(openings(source)) == [(4, opening)]
