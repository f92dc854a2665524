"""Writes the reference of the pytest plugin from its options, markers and fixtures.

`python tools/make_plugin_reference.py` rewrites the tables between the markers; with `--check` it
changes nothing and exits with 1 if the document differs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from written_tables import ROOT, Documents, cell, write

from kafka_tasks.pytest_values import MARKERS, OPTIONS, Option

_PLUGIN = ROOT / "kafka_tasks" / "pytest_plugin.py"


def fixtures() -> Iterator[str]:
    """Yield the table of the fixtures, in the order of the module."""
    yield "| fixture | scope | gives |"
    yield "|---|---|---|"
    for node in ast.parse(_PLUGIN.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).startswith("pytest.fixture"):
                    told = " ".join((ast.get_docstring(node) or "").split())
                    yield f"| `{node.name}` | {_scope(decorator)} | {cell(told)} |"


def _scope(decorator: ast.expr) -> str:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    found = {each.arg: ast.literal_eval(each.value) for each in keywords}
    return str(found.get("scope", "function"))


def options() -> Iterator[str]:
    """Yield the table of the options."""
    yield "| option | ini setting | default | meaning |"
    yield "|---|---|---|---|"
    for option in OPTIONS:
        default = cell(option.default) or "–"
        yield f"| `{_typed(option)}` | `{option.ini}` | {default} | {cell(option.help)} |"


def _typed(option: Option) -> str:
    value = cell("|".join(option.choices) or option.metavar)
    return f"{option.flag} {value}".strip()


def markers() -> Iterator[str]:
    """Yield the table of the markers."""
    yield "| marker | meaning |"
    yield "|---|---|"
    for line in MARKERS:
        head, _, told = line.partition("): ")
        yield f"| `@pytest.mark.{head})` | {cell(told)} |"


DOCUMENTS: Documents = {
    "docs/reference/pytest-plugin.md": {
        "plugin options": options,
        "plugin fixtures": fixtures,
        "plugin markers": markers,
    },
}

if __name__ == "__main__":
    sys.exit(write(DOCUMENTS, "make_plugin_reference.py", sys.argv[1:]))
