"""The text without which a regular expression cannot match, to skip most searches.

Thousands of lines are searched for hundreds of patterns, and next to none occurs: looking for a
fixed text first takes a thirtieth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# An atom with its repetition: an escape, a class, a group's end, or any other character.
_ATOM = re.compile(
    r"(?P<atom>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<\w+>|\(\?[:=!]|\(\?<[=!]|.)"
    r"(?P<repeated>(?:[?*+]|\{\d*,?\d*\})[?+]?)?",
    re.DOTALL,
)
_SPECIAL = frozenset(".^$")


def required_text(pattern: str) -> str:
    """Return the longest text that each match contains; empty where that cannot be said."""
    # Flags, and what they do to letters, are not read.
    if re.match(r"\(\?[aiLmsux-]+[:)]", pattern):
        return ""
    runs = list(_runs(pattern))
    return "" if None in runs else max((run or "" for run in runs), key=len, default="")


def _runs(pattern: str) -> Iterator[str | None]:
    """Yield each run of fixed characters outside of groups; None for a choice between wholes."""
    depth = 0
    run = ""
    for found in _ATOM.finditer(pattern):
        atom, repeated = found["atom"], found["repeated"]
        if depth == 0 and atom == "|":
            yield None
        depth += atom.startswith("(") - (atom == ")")
        fixed = _fixed(atom) if depth == 0 and atom not in "()" else None
        if fixed is None or repeated:
            # Once at least is still once; what follows it is another run.
            yield run + fixed if fixed is not None and repeated[0] == "+" else run
            run = ""
        else:
            run += fixed
    yield run


def _fixed(atom: str) -> str | None:
    """Return the one character that an atom stands for, or None where it may be several."""
    if atom.startswith("\\"):
        return None if atom[1].isalnum() else atom[1]
    return atom if len(atom) == 1 and atom not in _SPECIAL else None
