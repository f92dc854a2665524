"""The reports of the benchmark: a table and results.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.rows import Result, Row


def show(results: Iterable[Result], console: Console) -> None:
    """Print the table, and below it the rows that could not be measured."""
    results = list(results)
    table = Table("what", "against")
    for heading in ("kafka-tasks", "alternative", "ratio", "limit"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("met")
    for result in results:
        table.add_row(*_cells(result))
    console.print(table)
    for result in results:
        if result.problem:
            console.print(f"{result.row.name}: {result.problem}", markup=False, highlight=False)


def _cells(result: Result) -> tuple[str, ...]:
    row = result.row
    compared = "-" if result.compared is None else _compared(row, result.compared)
    limit = f"≤ {row.limit:g} {'×' if row.compare == 'ratio' else f'{row.unit} later'}"
    return (
        row.what,
        row.against,
        _amount(result.ours, row.unit),
        _amount(result.alternative, row.unit),
        compared,
        limit,
        "yes" if result.holds else "[bold]no[/]",
    )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} {unit}" if unit == "s" else f"{value:.0f} {unit}"


def _compared(row: Row, value: float) -> str:
    return f"{value:.2f} ×" if row.compare == "ratio" else f"{value:+.0f} {row.unit}"


def as_document(results: Iterable[Result], machine: Mapping[str, object]) -> dict[str, Any]:
    """Return the results as a document; `median` is that of the ratios or differences."""
    rows = [_entry(result, machine) for result in results]
    return {"schema": 1, **machine, "rows": rows}


def _entry(result: Result, machine: Mapping[str, object]) -> dict[str, Any]:
    row = result.row
    return {
        "name": row.name,
        "date": machine["date"],
        "what": row.what,
        "against": row.against,
        "unit": row.unit,
        "ours": [round(pair.ours, 4) for pair in result.pairs],
        "alternative": [round(pair.alternative, 4) for pair in result.pairs],
        "compare": row.compare,
        "median": None if result.compared is None else round(result.compared, 4),
        "limit": row.limit,
        "holds": result.holds,
        "problem": result.problem,
    }


def write(document: Mapping[str, Any], path: Path, *, order: Sequence[str]) -> None:
    """Write the document, readable in a diff; keeps rows that were not measured this time."""
    old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    rows = {row["name"]: row for row in (*old, *document["rows"])}
    whole = {**document, "rows": [rows[name] for name in order if name in rows]}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
