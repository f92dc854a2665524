"""Verdict of the acceptance suite: its criteria and the result of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.security import Security

# A phase is run by itself: without a restart, before a restart, after it.
Phase = Literal["verify", "before", "after"]
Status = Literal["passed", "failed", "skipped"]
# What a criterion of a secured cluster needs: any kind, passwords, or an authorizer.
_Need = Literal["security", "passwords", "acl"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion, proven by one test.

    `mode` is the only one that it belongs to; with `need` it belongs to secured clusters alone.
    """

    id: str
    title: str
    phase: Phase = "verify"
    mode: Mode | None = None
    need: _Need | None = None

    def applies(self, mode: Mode, security: Security | None = None) -> bool:
        """Return whether it is to be proven of such a cluster; None is one without security."""
        if self.need is None:
            return self.mode in (None, mode)
        if security is None:
            return False
        met = {"security": True, "passwords": bool(security.mechanism), "acl": security.acl}
        return met[self.need]


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """The result of one criterion; `message` is the reason of a failure or a skip."""

    criterion: Criterion
    status: Status
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The results of all criteria of a phase."""

    results: tuple[CriterionResult, ...]
    elapsed_s: float

    @property
    def passed(self) -> bool:
        """True if none failed and at least one passed."""
        return not self.count("failed") and self.count("passed") > 0

    def count(self, status: Status) -> int:
        """Return the number of criteria with this status."""
        return sum(result.status == status for result in self.results)
