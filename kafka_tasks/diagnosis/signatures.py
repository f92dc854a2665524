"""Signatures of known failures in logs and errors: read from signatures.yaml.

The search is bounded to the last lines of a text and to the beginning of each line. No pattern has
a repetition inside a repetition, so a line costs time in proportion to its length.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kafka_tasks.diagnosis import hints
from kafka_tasks.diagnosis.required_text import required_text
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.finding import Area, Finding, Level
from kafka_tasks.model.topology import Service

LINES = 4000
_LINE_LENGTH = 2000
# Services that stand for an error's own text instead of a server's log.
NO_SERVER = ("tool", "engine")
SERVICES = ("kafka", "zookeeper", *NO_SERVER, "any")
_EVIDENCE_LINES = 4

# The services of a cluster by their names, each with our name for what it is.
_Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signature:
    """One entry of signatures.yaml, whose head explains the fields."""

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
    fix_file: str | None = None
    beside: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    overcome: re.Pattern[str] | None = None
    needed: tuple[str, ...] = ()
    symptom: bool = False
    lingers: bool = False
    ends_starts: bool = True

    def applies_to(self, service: str, names: _Names = MappingProxyType({})) -> bool:
        """Return True if the signature applies to the text of this service; kafka-2 is a kafka."""
        role = names.get(service) or service.partition("-")[0]
        return "any" in self.services or role in self.services

    def may_occur(self, text: str) -> bool:
        """Return False where no line of the text can match; faster than a search."""
        return any(needed in text for needed in self.needed)

    def fix_for(self, runtime: str | None, *, own_file: bool = False) -> str:
        """Return the fix for a runtime, or for a user's own Compose file."""
        if runtime != "compose":
            return self.fix
        return (self.fix_file if own_file else None) or self.fix_compose or self.fix

    def search(self, lines: Iterable[str]) -> tuple[Match | None, list[str]]:
        """Return the match with its first few lines, and all lines without a match."""
        lines = list(lines)
        over = self._overcome_until(lines)
        if self.beside and not _occurs(self.beside, lines):
            return None, lines
        if self.unless and _occurs(self.unless, lines):
            return None, lines
        seen: list[str] = []
        rest: list[str] = []
        groups: dict[str, str | None] = {}
        for at, line in enumerate(lines):
            head = line[:_LINE_LENGTH]
            found = next((hit for p in self.patterns if (hit := p.search(head))), None)
            if found is None or at < over:
                rest.append(line)
                continue
            groups = {**found.groupdict(), **{key: value for key, value in groups.items() if value}}
            if len(seen) < _EVIDENCE_LINES and line not in seen:
                seen.append(line)
        return (Match(self, tuple(seen), groups) if seen else None), rest

    def _overcome_until(self, lines: Sequence[str]) -> int:
        """Return the number of the first line that counts."""
        if self.overcome is None:
            return 0
        ends = (at for at in range(len(lines), 0, -1) if self.overcome.search(lines[at - 1]))
        return next(ends, 0)


@dataclass(frozen=True, slots=True)
class Match:
    """A signature found in a text, with the lines and the named groups."""

    signature: Signature
    lines: tuple[str, ...]
    groups: Mapping[str, str | None]

    def finding(
        self,
        *,
        service: str,
        runtime: str | None,
        names: _Names = MappingProxyType({}),
        own_file: bool = False,
        level: Level = "error",
        area: Area = "cluster",
    ) -> Finding:
        """Return the finding, with the fix that fits here and with the services' own names."""
        known = self.signature
        fix = known.fix_for(runtime, own_file=own_file)
        text = _named(_filled(fix, self.groups).replace("`", ""), service, names)
        return Finding(
            id=known.id,
            level=level,
            title=_filled(known.title, self.groups),
            area=area,
            cause=_filled(known.cause, self.groups),
            evidence=self.lines,
            fix=hints.fitting(text, runtime),
            exit_code=known.exit_code,
            reference=known.reference,
            service=service,
        )


def _occurs(pattern: re.Pattern[str], lines: Iterable[str]) -> bool:
    return any(pattern.search(line[:_LINE_LENGTH]) for line in lines)


def _named(text: str, service: str, names: _Names) -> str:
    """Return the text with the name that the service of a log has in this cluster."""

    def own(found: re.Match[str]) -> str:
        mine = [name for name, role in names.items() if role == found[1]]
        return f"--service {service if service in mine else next(iter(mine), found[1])}"

    return re.sub(r"--service (\w+)", own, text)


def names_of(services: Iterable[Service | ServiceState]) -> dict[str, str]:
    """Return the names of services, each with ours for what it is: zk is a zookeeper."""
    return {each.name: each.role.first_name for each in services}


def _filled(text: str, groups: Mapping[str, str | None]) -> str:
    """Return the text with its {groups}; other braces are those of a Compose file."""
    return re.sub(r"\{(\w+)\}", lambda name: groups.get(name[1]) or "…", text)


@functools.cache
def load() -> tuple[Signature, ...]:
    """Return every signature, the most important first."""
    import yaml

    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return tuple(_read(entry) for entry in yaml.load(text, loader))  # noqa: S506


def _read(entry: dict[str, Any]) -> Signature:
    lists = {name: tuple(entry.get(name, ())) for name in ("rows", "services", "shown")}
    patterns = tuple(re.compile(text) for text in entry["patterns"])
    single: dict[str, re.Pattern[str]] = {
        name: re.compile(entry[name]) for name in ("beside", "unless", "overcome") if name in entry
    }
    needed = tuple(required_text(text) for text in entry["patterns"])
    return Signature(**{**entry, **lists, **single, "patterns": patterns, "needed": needed})


def search(
    texts: Mapping[str, Sequence[str]], names: _Names = MappingProxyType({})
) -> list[tuple[str, Match]]:
    """Return the signatures in the texts (service → lines), each once with its service.

    `names` has what each service is, by its name.

    A line counts only for its most important signature. Symptoms are left out if a cause was found.
    """
    left = {service: list(lines[-LINES:]) for service, lines in texts.items()}
    whole = {service: "\n".join(lines) for service, lines in left.items()}
    found: list[tuple[str, Match]] = []
    for signature in load():
        for service in left:
            if not signature.applies_to(service, names) or not signature.may_occur(whole[service]):
                continue
            hit, left[service] = signature.search(left[service])
            if hit:
                found.append((service, hit))
                break
    causes = [entry for entry in found if not entry[1].signature.symptom]
    return causes or found
