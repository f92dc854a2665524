"""The rows of the speed table, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.surroundings import Surroundings

_Comparison = Literal["ratio", "difference"]


@dataclass(frozen=True, slots=True)
class Pair:
    """kafka-tasks and the alternative, measured one after the other, in the row's unit."""

    ours: float
    alternative: float


# Yields the given number of pairs, and cleans up if it is closed early.
_Measure = Callable[["Surroundings", int], Iterator[Pair]]


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison: the two sides, the unit, and the limit.

    `limit` bounds the median of ours / alternative, or of ours - alternative in `unit`.
    `repeats` is the number of pairs in a round: more if a pair is short and varies.
    """

    name: str
    what: str
    against: str
    unit: str
    limit: float
    measure: _Measure
    compare: _Comparison = "ratio"
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a row; `problem` is the reason why the measurement is incomplete."""

    row: Row
    pairs: tuple[Pair, ...] = field(default=())
    problem: str | None = None

    @property
    def ours(self) -> float | None:
        """The median of kafka-tasks' samples."""
        return median(pair.ours for pair in self.pairs) if self.pairs else None

    @property
    def alternative(self) -> float | None:
        """The median of the alternative's samples."""
        return median(pair.alternative for pair in self.pairs) if self.pairs else None

    @property
    def compared(self) -> float | None:
        """The median of the pairwise ratios or differences: a slow moment hits both of a pair."""
        if not self.pairs:
            return None
        if self.row.compare == "difference":
            return median(pair.ours - pair.alternative for pair in self.pairs)
        return median(pair.ours / pair.alternative for pair in self.pairs)

    @property
    def holds(self) -> bool:
        """True if the measurement is complete and within the limit."""
        return (
            self.problem is None and self.compared is not None and self.compared <= self.row.limit
        )


ROWS: dict[str, Row] = {}


def row(
    name: str,
    *,
    what: str,
    against: str,
    limit: float,
    unit: str = "s",
    compare: _Comparison = "ratio",
    repeats: int = 1,
) -> Callable[[_Measure], _Measure]:
    """Register a generator of pairs as a row of the table."""

    def register(measure: _Measure) -> _Measure:
        if name in ROWS:
            raise ValueError(f"two rows are named {name}")
        ROWS[name] = Row(name, what, against, unit, limit, measure, compare, repeats)
        return measure

    return register
