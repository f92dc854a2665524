"""The files that are measured, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Offence:
    """A place that misses an aim: `path` is relative to what was measured."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.text}"


@dataclass(frozen=True)
class Source:
    """One file: its path below the root, its dotted module name, and its text."""

    path: str
    module: str
    text: str

    @property
    def is_package(self) -> bool:
        """True for `__init__.py`."""
        return self.path.endswith("__init__.py")

    @property
    def inner(self) -> str:
        """The path below `kafka_tasks/`."""
        return self.path.removeprefix("kafka_tasks/")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.splitlines()

    def offence(self, line: int, text: str | None = None) -> Offence:
        """Return the offence at this line, described by the line itself unless `text` is given."""
        return Offence(self.path, line, self.lines[line - 1].strip() if text is None else text)


Sources = Mapping[str, Source]


def source(path: str, text: str) -> Source:
    """Return a source by its path; the module's name follows from it."""
    module = ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")
    return Source(path, module, text)


def read(root: Path, *places: str) -> Sources:
    """Return module → source of every Python file in these files and folders below `root`."""
    found = {}
    for path in _files(root, places):
        one = source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        found[one.module] = one
    return found


def _files(root: Path, places: tuple[str, ...]) -> Iterator[Path]:
    for place in places:
        path = root / place
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path] * path.exists()


def imported_from(one: Source, node: ast.ImportFrom) -> str:
    """Return the full name of the module after `from`, also where it is relative."""
    if not node.level:
        return node.module or ""
    parts = one.module.split(".")
    package = parts if one.is_package else parts[:-1]
    anchor = package[: len(package) - node.level + 1]
    return ".".join((*anchor, *([node.module] if node.module else [])))
