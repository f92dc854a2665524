"""Writes the documents' tables of known failures from `kafka_tasks/diagnosis/signatures.yaml`.

`python tools/make_troubleshooting.py` rewrites the tables between the markers; with `--check` it
changes nothing and exits with 1 if a document differs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from written_tables import Documents, cell, write

from kafka_tasks.clients.kafka.refusals import FINDINGS
from kafka_tasks.diagnosis.signatures import Signature, load


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


def connections() -> Iterator[str]:
    """Yield the lines of the reference's table of connections that cannot work."""
    yield "| id | what it says |"
    yield "|---|---|"
    for finding, said in FINDINGS.items():
        yield f"| `{finding}` | {cell(said)} |"


def _fixes(known: Signature) -> str:
    if not known.fix_compose:
        return _blank(known.fix)
    return f"embedded: {_blank(known.fix)}. compose: {_blank(known.fix_compose)}"


def _blank(text: str) -> str:
    return re.sub(r"\{\w+\}", "…", text)


def _cell(text: str) -> str:
    return cell(_blank(text))


def _link(known: Signature) -> str:
    path, _, heading = known.reference.partition("#")
    if not path.startswith("docs/"):
        return known.reference
    title = Path(path).stem.replace("-", " ")
    return f"[{title}](../{path.removeprefix('docs/')}{'#' + heading if heading else ''})"


DOCUMENTS: Documents = {
    "docs/kafka-setup-guide.md": {"symptoms": chapter},
    "docs/reference/findings.md": {"connections": connections, "signatures": findings},
}

if __name__ == "__main__":
    sys.exit(write(DOCUMENTS, "make_troubleshooting.py", sys.argv[1:]))
