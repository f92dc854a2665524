"""The cases that every commit replays: one of each kind, and those that found a bug.

`corpus.json` has, for each target, the seed and the numbers of its cases with the way each ended,
and under `found` a list of [seed, number] that a person keeps. A replay fails where a case ends in
another way: what is read has changed, or the generator deals other cases than were chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("corpus.json")
# Cases of a target that are kept though they end as others do.
_PLAIN = 20
# More kinds than this are told apart by values that were not recognised as such.
_MOST = 100
# These depend on time, on this machine or on the flags of every task: any ending of the contract
# will do. A case of theirs takes up to seconds, so that only one of each kind is kept.
_LOOSE = ("command", "hostile", "processes", "topics.yaml: 20 MB")


def is_loose(target: str) -> bool:
    """Return whether a target's cases may end in more than one way."""
    return target.startswith(_LOOSE)


class Wrong(Exception):
    """The call ended, but not as the contract has it."""


@dataclass(frozen=True, order=True)
class Id:
    """What a case is made from, besides its target's name."""

    seed: int
    number: int


@dataclass
class Covering:
    """Cases of one run of a target, one for each kind, and how they ended."""

    endings: dict[Id, str] = field(default_factory=dict)
    _kinds: set[str] = field(default_factory=set)

    def note(self, id: Id, ending: str, kind: str, *, loose: bool) -> None:
        """Keep the case if it is the first of its kind, or among the first of all."""
        new = kind not in self._kinds and len(self.endings) < _MOST
        if new or (id.number < _PLAIN and not loose):
            self._kinds.add(kind)
            self.endings[id] = ending


@dataclass
class Corpus:
    """The kept cases of every target."""

    targets: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path = PATH) -> Corpus:
        """Return what is kept in the tree."""
        return cls(json.loads(path.read_bytes()) if path.exists() else {})

    def cases(self, target: str) -> Sequence[Id]:
        """Return the cases of a target; raise `Wrong` where there are none."""
        if not (kept := self.targets.get(target)):
            raise Wrong(f"the corpus has no case of {target}: {_RENEW}")
        chosen = {Id(kept["seed"], int(number)) for number in kept["cases"]}
        return sorted(chosen | {Id(*pair) for pair in kept["found"]})

    def compare(self, target: str, id: Id, ending: str) -> None:
        """Raise `Wrong` where a case did not end as it is kept."""
        kept = self.targets.get(target)
        if kept is None or id.seed != kept["seed"] or is_loose(target):
            return
        if (expected := kept["cases"].get(str(id.number))) not in (None, ending):
            raise Wrong(f"it ended as {ending} and is kept as {expected}; if meant, {_RENEW}")

    def renewed(self, run: Mapping[str, Covering]) -> Corpus:
        """Return the corpus with the cases of a run for the targets that ran."""
        targets = dict(self.targets)
        for target, covering in run.items():
            if not (kept := sorted(covering.endings)):
                continue
            targets[target] = {
                "seed": kept[0].seed,
                "cases": {str(id.number): covering.endings[id] for id in kept},
                "found": self.targets.get(target, {}).get("found", []),
            }
        return Corpus(targets)

    def write(self, path: Path = PATH) -> int:
        """Write it into the tree; return how many cases it has."""
        path.write_text(
            json.dumps(self.targets, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        )
        return sum(len(kept["cases"]) + len(kept["found"]) for kept in self.targets.values())


_RENEW = "nox -s fuzz -- --cases 8000 --seed 20261124 --renew"
