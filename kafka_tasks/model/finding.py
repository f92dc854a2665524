"""What an examination found: one value a check, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "info", "warning", "error"]
Area = Literal["machine", "configuration", "cluster"]

LEVELS: tuple[Level, ...] = ("ok", "info", "warning", "error")
# Which error decides the exit code where there are several: what has to be put right first.
_FIRST = (4, 3, 5, 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    `id` is a word for machines, `title` one sentence, `evidence` lines as they were seen, `fix`
    what to type. `exit_code` counts for errors alone. `remedy` names the fix that
    `doctor --fix` has for it.
    """

    id: str
    level: Level
    title: str
    area: Area = "machine"
    cause: str | None = None
    evidence: tuple[str, ...] = ()
    fix: str | None = None
    exit_code: int = 1
    reference: str | None = None
    service: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings of one examination, and how long it took in seconds."""

    findings: tuple[Finding, ...]
    elapsed_s: float
    fixed: tuple[str, ...] = ()

    @property
    def worst(self) -> Level:
        """The level of the worst finding."""
        return max((found.level for found in self.findings), key=LEVELS.index, default="ok")

    @property
    def exit_code(self) -> int:
        """0 where nothing is wrong, else the code of what has to be put right first."""
        codes = [found.exit_code for found in self.errors]
        return min(codes, key=_FIRST.index) if codes else 0

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The errors, with the one to fix first at the beginning."""
        wrong = [found for found in self.findings if found.level == "error"]
        return tuple(sorted(wrong, key=lambda found: _FIRST.index(found.exit_code)))

    def count(self, level: Level) -> int:
        """Return the number of findings of this level."""
        return sum(found.level == level for found in self.findings)


def trouble(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the warnings and errors alone."""
    return tuple(found for found in findings if found.level in ("warning", "error"))
