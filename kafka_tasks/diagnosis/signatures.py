"""What known failures look like in logs and errors: read from signatures.yaml, searched for.

The search is bounded: the last lines of a text, and of each line its beginning; the patterns have
no repetition inside a repetition, so that a line costs time in proportion to its length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kafka_tasks.model.finding import Area, Finding, Level

LINES = 4000
LINE_LENGTH = 2000
SERVICES = ("kafka", "zookeeper", "tool", "engine", "any")
_EVIDENCE = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One entry of the file; see its head for what each field is."""

    id: str
    services: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    shown: tuple[str, ...]
    title: str
    cause: str
    fix: str
    reference: str
    exit_code: int
    rows: tuple[int, ...] = ()
    fix_compose: str | None = None
    symptom: bool = False
    lingers: bool = False

    def applies_to(self, service: str) -> bool:
        """Whether it is looked for in the text of this service; kafka-2 is a kafka."""
        role = service.partition("-")[0]
        return "any" in self.services or role in self.services

    def search(self, lines: Iterable[str]) -> tuple[Match | None, list[str]]:
        """The first few lines in which it is found, and all lines in which it is not."""
        seen: list[str] = []
        rest: list[str] = []
        groups: dict[str, str | None] = {}
        for line in lines:
            head = line[:LINE_LENGTH]
            found = next((hit for p in self.patterns if (hit := p.search(head))), None)
            if found is None:
                rest.append(line)
                continue
            groups = {**found.groupdict(), **{key: value for key, value in groups.items() if value}}
            if len(seen) < _EVIDENCE and line not in seen:
                seen.append(line)
        return (Match(self, tuple(seen), groups) if seen else None), rest


@dataclass(frozen=True, slots=True)
class Match:
    """A signature that was found, the lines, and what its named groups caught."""

    signature: Signature
    lines: tuple[str, ...]
    groups: Mapping[str, str | None]

    def finding(
        self, *, service: str, runtime: str | None, level: Level = "error", area: Area = "cluster"
    ) -> Finding:
        """The finding to show, with the fix for this runtime."""
        known = self.signature
        fix = known.fix_compose if runtime == "compose" and known.fix_compose else known.fix
        return Finding(
            id=known.id,
            level=level,
            title=_filled(known.title, self.groups),
            area=area,
            cause=_filled(known.cause, self.groups),
            evidence=self.lines,
            fix=_filled(fix, self.groups).replace("`", ""),
            exit_code=known.exit_code,
            reference=known.reference,
            service=service,
        )


class _Blanks(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def _filled(text: str, groups: Mapping[str, str | None]) -> str:
    return text.format_map(_Blanks({key: value for key, value in groups.items() if value}))


@functools.cache
def load() -> tuple[Signature, ...]:
    """Every signature, the most important first."""
    import yaml

    text = (files(__package__) / "signatures.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(_read(entry) for entry in yaml.load(text, loader))  # noqa: S506


def _read(entry: dict[str, Any]) -> Signature:
    lists = {name: tuple(entry.get(name, ())) for name in ("rows", "services", "shown")}
    patterns = tuple(re.compile(text) for text in entry["patterns"])
    return Signature(**{**entry, **lists, "patterns": patterns})


def search(texts: Mapping[str, Sequence[str]]) -> list[tuple[str, Match]]:
    """Which signatures the texts (service → lines) have, each once, with whose text it was.

    A line counts for the most important signature that it has. Those that follow from something
    else are left out where anything else was found.
    """
    left = {service: list(lines[-LINES:]) for service, lines in texts.items()}
    found: list[tuple[str, Match]] = []
    for signature in load():
        for service in left:
            if not signature.applies_to(service):
                continue
            hit, left[service] = signature.search(left[service])
            if hit:
                found.append((service, hit))
                break
    causes = [entry for entry in found if not entry[1].signature.symptom]
    return causes or found
