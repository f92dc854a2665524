"""Tables between markers in documents, written from what the package says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BEGIN, _END = "<!-- generated: {} -->\n", "<!-- end: {} -->"

# Document → its tables by name, each made line by line.
Documents = Mapping[str, Mapping[str, Callable[[], Iterator[str]]]]


def cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return text.replace("|", r"\|")


def _renewed(text: str, name: str, lines: Iterable[str]) -> str:
    """Return the document with the text between its markers replaced."""
    begin, end = _BEGIN.format(name), _END.format(name)
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"the document has no {begin.strip()} … {end}")
    return head + begin + "\n".join(lines) + "\n" + end + tail


def write(documents: Documents, tool: str, arguments: list[str]) -> int:
    """Rewrite the tables of the documents, or compare them with `--check`; return the exit code."""
    differs = 0
    for path, tables in documents.items():
        document = ROOT / path
        before = after = document.read_text(encoding="utf-8")
        for name, make in tables.items():
            after = _renewed(after, name, make())
        if after == before:
            continue
        differs = 1
        if "--check" in arguments:
            print(f"{path} differs: python tools/{tool}")
        else:
            document.write_text(after, encoding="utf-8")
            print(path)
    return differs if "--check" in arguments else 0
