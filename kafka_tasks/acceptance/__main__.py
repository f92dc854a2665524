"""`python -m kafka_tasks.acceptance`: the whole suite on a temporary cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run the suite and return the exit code: 0 passed, 1 failed, or that of the error."""
    options = _parser().parse_args(arguments)
    from kafka_tasks.acceptance import report
    from kafka_tasks.acceptance.full_run import accept

    try:
        for path in filter(None, (options.report, options.junit)):
            _prepare(path)
        outcome = accept(options.runtime, lambda line: print(line, flush=True))
        report.write(outcome, report=options.report, junit_xml=options.junit)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(f"Error: {error.strerror or error}{where}.", file=sys.stderr)
        return 4
    print(report.text(outcome), flush=True)
    return outcome.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kafka_tasks.acceptance",
        description="Start a cluster, verify it, restart it, verify it again, stop it.",
    )
    parser.add_argument(
        "--runtime", default="embedded", help="runtime of the cluster (default embedded)"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report to FILE (JSON)"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML to FILE")
    return parser


def _prepare(path: Path) -> None:
    """Create the directory and delete the report of an earlier run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
