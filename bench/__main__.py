"""`python -m bench`: measure the rows, print the table, write results.json.

Exits with 1 if a row does not meet its limit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

# Importing a module of rows registers them, in the order of the table.
from bench import starting, kraft, commands, memory, containers, topics, streams, verbs  # isort: skip  # noqa: F401
from bench import secured, plugin, unused_plugin, testcontainers_kafka, report  # isort: skip  # noqa: F401
from bench.children import Unmeasured
from bench.rows import ROWS, Pair, Result, Row
from bench.surroundings import Surroundings, machine, prepared

RESULTS = Path(__file__).with_name("results.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    wanted = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        results, surroundings = _measure_all([ROWS[n] for n in wanted.only or ROWS], wanted.rounds)
    except KeyboardInterrupt:
        print("Interrupted; all clusters of the benchmark are stopped.", file=sys.stderr)
        return 130
    except Unmeasured as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    report.show(results, Console(width=None if sys.stdout.isatty() else 140))
    if wanted.only is None or wanted.update:
        report.write(report.as_document(results, surroundings), RESULTS, order=list(ROWS))
    return 0 if all(result.holds for result in results) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=_rounds, default=7, help="number of rounds (default 7)")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(ROWS),
        metavar="NAME",
        help=f"measure only this row (repeatable), without results.json. Rows: {', '.join(ROWS)}",
    )
    parser.add_argument(
        "--update", action="store_true", help="write the rows of --only into results.json"
    )
    return parser.parse_args(arguments)


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds (1 or more)")
    return int(text)


def _measure_all(rows: Sequence[Row], rounds: int) -> tuple[list[Result], dict[str, object]]:
    print("preparing: bytecode, jars, class archive", file=sys.stderr)
    with prepared() as surroundings:
        facts = machine(surroundings.servers)
        if os.getloadavg()[0] > (os.cpu_count() or 1) / 2:
            print("this machine is busy: the figures will vary", file=sys.stderr)
        return [_measure(row, surroundings, rounds) for row in rows], facts


def _measure(row: Row, surroundings: Surroundings, rounds: int) -> Result:
    pairs: list[Pair] = []
    problem = None
    measuring = row.measure(surroundings, rounds * row.repeats)
    with contextlib.closing(measuring):  # type: ignore[type-var]
        try:
            for pair in measuring:
                pairs.append(pair)
                _print_pair(row, pair, len(pairs), rounds * row.repeats)
        except Unmeasured as error:
            problem = str(error)
    return Result(row, tuple(pairs), problem)


def _print_pair(row: Row, pair: Pair, number: int, of: int) -> None:
    numbers = f"{pair.ours:9.3f} {pair.alternative:9.3f} {row.unit}"
    print(f"{row.name:<10} {number:>2}/{of} {numbers}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
