"""Writes the documents' tables of known failures from `kafka_tasks/diagnosis/signatures.yaml`.

`python tools/make_troubleshooting.py` rewrites the tables between the markers; with `--check` it
changes nothing and exits with 1 if a document differs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from kafka_tasks.diagnosis.signatures import Signature, load

ROOT = Path(__file__).resolve().parent.parent
_BEGIN, _END = "<!-- generated: {} -->\n", "<!-- end: {} -->"


def chapter() -> Iterator[str]:
    """Return the table: the message, its cause, and the command that helps."""
    yield "| symptom | cause | what to type |"
    yield "|---|---|---|"
    for known in load():
        shown = ", ".join(f"`{_cell(text)}`" for text in known.shown)
        yield f"| {shown} | {_cell(known.cause)} | {_cell(_fixes(known))} |"


def findings() -> Iterator[str]:
    """Yield the lines of the reference's table: each signature as a finding, with a report."""
    yield "| id | what it says | in the text of | exit | reported in |"
    yield "|---|---|---|---|---|"
    for known in load():
        code, of = known.exit_code, ", ".join(known.services)
        yield f"| `{known.id}` | {_cell(_blank(known.title))} | {of} | {code} | {_link(known)} |"


def _fixes(known: Signature) -> str:
    if not known.fix_compose:
        return _blank(known.fix)
    return f"embedded: {_blank(known.fix)}. compose: {_blank(known.fix_compose)}"


def _blank(text: str) -> str:
    return re.sub(r"\{\w+\}", "…", text)


def _cell(text: str) -> str:
    return _blank(text).replace("|", r"\|")


def _link(known: Signature) -> str:
    path, _, heading = known.reference.partition("#")
    if not path.startswith("docs/"):
        return known.reference
    title = Path(path).stem.replace("-", " ")
    return f"[{title}](../{path.removeprefix('docs/')}{'#' + heading if heading else ''})"


DOCUMENTS: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "docs/kafka-setup-guide.md": ("symptoms", chapter),
    "docs/reference/findings.md": ("signatures", findings),
}


def renewed(text: str, name: str, lines: Iterator[str]) -> str:
    """Return the document with the text between its markers replaced."""
    begin, end = _BEGIN.format(name), _END.format(name)
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"the document has no {begin.strip()} … {end}")
    return head + begin + "\n".join(lines) + "\n" + end + tail


def main(arguments: list[str]) -> int:
    """Rewrite the documents, or compare them with `--check`."""
    differs = 0
    for path, (name, make) in DOCUMENTS.items():
        document = ROOT / path
        before = document.read_text(encoding="utf-8")
        after = renewed(before, name, make())
        if after == before:
            continue
        differs = 1
        if "--check" in arguments:
            print(f"{path} differs: python tools/make_troubleshooting.py")
        else:
            document.write_text(after, encoding="utf-8")
            print(path)
    return differs if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
