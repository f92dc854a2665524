"""Figures of a run: rounds, faults, records, and what was found missing."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Runtime:
    """What happened on one runtime; times in seconds."""

    rounds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    read_again: int = 0
    found: int | None = None
    producers_replaced: int = 0
    heals: list[float] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """For the report."""
        heals = sorted(self.heals)
        return {
            "rounds": self.rounds,
            "faults": dict(sorted(self.faults.items())),
            "records_acknowledged": self.acknowledged,
            "records_read_again": self.read_again,
            "records_lost": None if self.found is None else self.acknowledged - self.found,
            "producers_replaced": self.producers_replaced,
            "heal_s": {
                "median": round(heals[len(heals) // 2], 2) if heals else None,
                "longest": round(heals[-1], 2) if heals else None,
            },
        }


@dataclass
class Report:
    """The whole run."""

    seed: int
    first: int = 0
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)

    def of(self, runtime: str) -> Runtime:
        """The figures of one runtime."""
        return self.runtimes.setdefault(runtime, Runtime())

    def write(self, target: Path, *, adds: bool = False) -> None:
        """As JSON; what an earlier run found of other parts stays, with `adds` of the same too."""
        kept = json.loads(target.read_text()) if target.exists() else {}
        earlier = {name: kept.get(name, {}).get("runs", ()) for name in self.runtimes if adds}
        date = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        origin = {"date": date, "seed": self.seed, "first": self.first}
        rounds = {
            name: _total([*earlier.get(name, ()), origin | of.document()])
            for name, of in self.runtimes.items()
        }
        document = {
            **kept,
            "schema": 2,
            "date": date,
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            **rounds,
            **self.others,
        }
        target.write_text(json.dumps(document, indent=2) + "\n")


_SUMS = ("rounds", "records_acknowledged", "records_lost")


def _total(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the runs and their sums; one that was cut short has not counted what is lost."""
    sums = {
        name: None if None in (found := [run[name] for run in runs]) else sum(found)
        for name in _SUMS
    }
    return {**sums, "runs": runs}
