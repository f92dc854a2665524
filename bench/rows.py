"""A row of the speed table, and the registry that the table is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.surroundings import Surroundings

Comparison = Literal["ratio", "difference"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and the alternative, measured one right after the other, in the row's unit."""

    ours: float
    alternative: float


# Yields so many pairs, and cleans up when it is closed early.
Measure = Callable[["Surroundings", int], Iterator[Pair]]


@dataclass(frozen=True, slots=True)
class Row:
    """What is compared with what, how, and what must come out.

    `limit` bounds the median of ours / alternative, or of ours - alternative in `unit`.
    `repeats` is how many pairs a round has: more where a pair is short and noisy.
    """

    name: str
    what: str
    against: str
    unit: str
    limit: float
    measure: Measure
    compare: Comparison = "ratio"
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a row; `problem` says why it could not be measured to its end."""

    row: Row
    pairs: tuple[Pair, ...] = field(default=())
    problem: str | None = None

    @property
    def ours(self) -> float | None:
        """The median of our samples."""
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
        """Whether the row was measured to its end and is within its limit."""
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
    compare: Comparison = "ratio",
    repeats: int = 1,
) -> Callable[[Measure], Measure]:
    """Register a generator of pairs as a row of the table."""

    def register(measure: Measure) -> Measure:
        if name in ROWS:
            raise ValueError(f"there are two rows named {name}")
        ROWS[name] = Row(name, what, against, unit, limit, measure, compare, repeats)
        return measure

    return register
