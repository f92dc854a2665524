"""The documents as data: their links, tables, code blocks and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if path.relative_to(ROOT).parts[0] not in (".venv", ".nox")
)


@dataclass(frozen=True)
class Block:
    """A fenced block: the comment before it (`file: …`, `run`), its language and text."""

    page: Path
    note: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.note or self.language}"


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page."""
    pattern = r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$"
    for found in re.finditer(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield Block(page, found["note"] or "", found["language"], found["text"])


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def table(page: Path, name: str) -> list[list[str]]:
    """The cells of the table after `<!-- table: name -->`, without markup."""
    text = page.read_text(encoding="utf-8")
    after = text.split(f"<!-- table: {name} -->\n", 1)[1].split("\n\n", 1)[0]
    rows = [line.strip("|").split("|") for line in after.splitlines()][2:]
    return [[_plain(cell) for cell in row] for row in rows]


def _plain(cell: str) -> str:
    return cell.strip().replace("`", "").replace("\\<", "<")


def anchors(page: Path) -> set[str]:
    """The names under which the headings of a page can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead to."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))
