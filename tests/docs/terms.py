"""Words that the project's texts avoid, the term to use instead, and the search for them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Phrase as a regular expression (a space is any white space) → the term to use.
TERMS: dict[str, str] = {
    # Plain words where the field has a term.
    "shall": "must, or the present tense",
    "anew": "again, or a verb with re-",
    "let be": "ignored, left unchanged",
    "let go on|go(?:es|ing)? on|went on|gone on": "continue, resume",
    "of ours": "kafka-tasks'",
    "somebody(?: else(?:'s)?)?": "the actor; remote cluster",
    "nobody": "the actor, or the passive",
    "(?:be|are|was|were|never) meant": "valid, selected",
    "told to end": "stopped",
    "(?:take|takes|taken|took|taking) for": "mistake for, parse as",
    "in the place of": "replace",
    "go(?:es)? without saying": "leave it out",
    "slip of the pen": "typo",
    "say no": "refuse, fail",
    # The table of terms.
    "flights?": "offline use",
    "(?:every cluster|clusters?) of this tool": "your clusters; all kafka-tasks clusters",
    "(?:get|gets|got) (?:its|the) default back": "reset to default",
    "a value (?:more|less)": "add to, remove from the list",
    "it is only shown": "dry run; --execute applies it",
    "no terminal to ask": "stdin is not a terminal",
    "taken back": "requests already sent were not rolled back",
    "(?:is|are) no (?:Kafka )?(?:broker|ZooKeeper)": "not a Kafka broker",
    "ended": "killed, stopped, exited",
    "(?:what )?a crash (?:left|leaves)": "leftover, stray",
    # Names of the past.
    "settled?|settles|settling": "recovery, recover",
    "shelf|shelves": "store",
    "provisions": "prerequisites",
    "emptying": "deletion",
    "tails": "log tails: the last lines",
}

# Text in which a phrase is right → why.
ALLOWED: dict[str, str] = {
    "somebody-elses": "the id of a finding, which scripts compare",
}

_PATTERNS = [
    (re.compile(r"\b(?:" + phrase.replace(" ", r"\s+") + r")\b", re.IGNORECASE), use)
    for phrase, use in TERMS.items()
]


@dataclass(frozen=True, slots=True)
class Offence:
    """A phrase to replace: its place, its words and the term to use."""

    place: str
    words: str
    use: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words!r} → {self.use}"


def offences(text: str, place: str, line: int = 1) -> Iterator[Offence]:
    """Yield each phrase to replace in a text that starts at this line."""
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    for pattern, use in _PATTERNS:
        for found in pattern.finditer(text):
            at = line + text.count("\n", 0, found.start())
            yield Offence(f"{place}:{at}", " ".join(found[0].split()), use)


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string literal, docstrings and f-strings included."""
    yield from _strings(ast.parse(source))


def _strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.lineno, node.value
        return
    inner: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
        yield node.lineno, "".join(map(str, parts))
        inner = [p for p in node.values if not isinstance(p, ast.Constant)]
    for child in inner:
        yield from _strings(child)


def in_file(path: Path, place: str) -> list[Offence]:
    """Return the phrases to replace in a file: the strings of Python, all of anything else."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [found for line, part in strings(text) for found in offences(part, place, line)]
    # A sentence in comments continues on the next line.
    return list(offences(re.sub(r"^[ \t]*#+ ?", "", text, flags=re.MULTILINE), place))
