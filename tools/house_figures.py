"""Measure the house: `python tools/house_figures.py`. Its definitions are the ones that count.

`--json` prints the figures for machines, `--list NAME` what makes up one, a `path:line text` a
line. `--scans` measures a start too, which needs the package's dependencies; all other figures need
the standard library only. `--check` ends with 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from figures.branches import branches
from figures.circles import circles
from figures.docstrings import documented, verbless
from figures.names import unused
from figures.scans import scans_before_start
from figures.sources import ROOT, Offence, Sources, read

# Whose use of a public name counts, beside the package.
USERS = ("bench", "tools", "docs/examples", "noxfile.py", "tasks.py", "bootstrap.py")
TESTS = ("tests",)

# Figure → what it may be at most. Others are for context.
AIMS: dict[str, float] = {
    "role-branches": 0,
    "import-circles": 0,
    "process-scans-before-start": 1,
    "longest-file": 350,
    "function-length-p90": 20,
    "unused-public-names": 0,
    "verbless-docstrings-percent": 5,
}


@dataclass(frozen=True)
class House:
    """What is measured: the package, the files that use it, and its tests."""

    package: Sources
    users: Sources
    tests: Sources


@dataclass(frozen=True)
class Figure:
    """A measured number, and what makes it up."""

    name: str
    value: float
    offences: Sequence[Offence] = ()

    @property
    def aim(self) -> float | None:
        """The most that it may be; None where it is for context."""
        return AIMS.get(self.name)

    @property
    def holds(self) -> bool:
        """False where an aim is missed."""
        return self.aim is None or self.value <= self.aim


def role_branches(house: House) -> Figure:
    """Count the lines that branch on a role outside of the rooms that may: see `branches`."""
    found = branches(house.package)
    return Figure("role-branches", len(found), found)


def import_circles(house: House) -> Figure:
    """Count the circles of imports, local ones and those for type checkers too: see `circles`."""
    found = circles(house.package)
    return Figure("import-circles", len(found), found)


def longest_file(house: House) -> Figure:
    """Count the lines of the longest file of the package."""
    aim = AIMS["longest-file"]
    counts = {one: one.text.count("\n") for one in house.package.values()}
    long = sorted((one for one in counts if counts[one] > aim), key=lambda one: -counts[one])
    offences = [Offence(one.path, 1, f"{counts[one]} lines") for one in long]
    return Figure("longest-file", max(counts.values(), default=0), offences)


def function_length(house: House) -> Figure:
    """Count the lines, `def` included, that nine functions in ten do not exceed, inner ones too."""
    aim = AIMS["function-length-p90"]
    found = sorted(
        (
            ((node.end_lineno or 0) - node.lineno + 1, one.path, node.lineno, node.name)
            for one in house.package.values()
            for node in one.nodes
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ),
        reverse=True,
    )
    p90 = sorted(length for length, *_ in found)[len(found) * 9 // 10] if found else 0
    long = [
        Offence(path, line, f"{name}: {length} lines")
        for length, path, line, name in found
        if length > aim
    ]
    return Figure("function-length-p90", p90, long)


def unused_names(house: House) -> Figure:
    """Count the public top-level names that no other file uses, no test either: see `unused`."""
    found = unused(house.package, {**house.users, **house.tests})
    return Figure("unused-public-names", len(found), found)


def tested_names(house: House) -> Figure:
    """Count the public top-level names that only tests use."""
    known = unused(house.package, {**house.users, **house.tests})
    found = [one for one in unused(house.package, house.users) if one not in known]
    return Figure("names-only-tests-use", len(found), found)


def verbless_docstrings(house: House) -> Figure:
    """Give the share of docstrings of functions without an opening verb, in %: see `verbless`."""
    found, all_ = verbless(house.package), sum(1 for _ in documented(house.package))
    return Figure("verbless-docstrings-percent", round(100 * len(found) / (all_ or 1), 1), found)


def modules(house: House) -> Figure:
    """Count the modules of the package."""
    return Figure("modules", len(house.package))


def lines(house: House) -> Figure:
    """Count the lines of the package, empty ones and comments too."""
    return Figure("lines", sum(one.text.count("\n") for one in house.package.values()))


def scans(_: House) -> Figure:
    """Count the scans of the process table before a start: see `scans_before_start`."""
    return Figure("process-scans-before-start", scans_before_start())


_STATIC: tuple[Callable[[House], Figure], ...] = (
    role_branches,
    import_circles,
    longest_file,
    function_length,
    unused_names,
    tested_names,
    verbless_docstrings,
    modules,
    lines,
)


def as_it_stands() -> House:
    """Return the house of this tree."""
    return House(read(ROOT, "kafka_tasks"), read(ROOT, *USERS), read(ROOT, *TESTS))


def measured(house: House, *, with_scans: bool = False) -> dict[str, Figure]:
    """Return name → figure."""
    figures = [measure(house) for measure in (*_STATIC, *((scans,) if with_scans else ()))]
    return {figure.name: figure for figure in figures}


def table(figures: dict[str, Figure]) -> str:
    """Return the figures as text, a line each."""
    rows = [f"{'figure':<28} {'now':>8} {'aim':>6}"]
    for figure in figures.values():
        aim = "" if figure.aim is None else f"≤ {figure.aim:g}"
        missed = "" if figure.holds else "  missed"
        rows.append(f"{figure.name:<28} {figure.value:>8,g} {aim:>6}{missed}")
    return "\n".join(rows)


def main() -> int:
    """Print what was asked for; returns 1 where `--check` finds an aim missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--list", metavar="NAME", help="what makes up this figure")
    parser.add_argument("--scans", action="store_true", help="measure a start too")
    parser.add_argument("--check", action="store_true", help="exit 1 where an aim is missed")
    options = parser.parse_args()
    figures = measured(as_it_stands(), with_scans=options.scans)
    if options.list:
        if options.list not in figures:
            parser.error(f"no figure {options.list}; there are {', '.join(figures)}")
        print(*figures[options.list].offences, sep="\n")
    elif options.json:
        rows = {f.name: {"value": f.value, "aim": f.aim} for f in figures.values()}
        print(json.dumps(rows, indent=2))
    else:
        print(table(figures))
    return int(options.check and not all(figure.holds for figure in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
