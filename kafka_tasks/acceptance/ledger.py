"""What was planted before a restart, written down to be looked for after it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from kafka_tasks.clients.kafka.records import Record
from kafka_tasks.lifecycle import Session
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project

FILE = "acceptance.json"


@dataclass(slots=True)
class Ledger:
    """Names, offsets and digests; partitions are text, as JSON has them.

    `written_at` is seconds since the epoch, `uptimes` were each service's seconds then;
    `kept_topic` is test-topic, or a topic of our own on a cluster that somebody else runs.
    """

    cluster_id: str
    topic: str
    group: str
    kept_topic: str
    kept_topic_is_ours: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    uptimes: dict[str, float] = field(default_factory=dict)
    written_at: float = 0.0

    def save(self, project: Project) -> None:
        """Write it into the project's state directory, readable by its owner alone."""
        content = json.dumps(asdict(self), indent=2)
        private.write(project.make_state() / FILE, content.encode())


def path_in(project: Project) -> Path:
    """Where the ledger of this project lies."""
    return project.state / FILE


def load(project: Project) -> Ledger | None:
    """The ledger, or None where there is none or where it is unreadable."""
    try:
        return Ledger(**json.loads(path_in(project).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def uptimes(session: Session) -> dict[str, float]:
    """For how many seconds each service has been running, where that is known."""
    services = session.runtime.services()
    return {s.name: s.uptime_s for s in services if s.uptime_s is not None}


def digest(records: Iterable[Record]) -> str:
    """The sha256 of everything in these records: offsets, timestamps, keys, values, headers."""
    total = hashlib.sha256()
    for record in records:
        numbers = f"{record.partition} {record.offset} {record.timestamp_ms}".encode()
        parts = [numbers, record.key, record.value]
        for name, value in record.headers:
            parts += [name.encode(), value]
        for part in parts:
            # The length before each part keeps neighbours apart; null is not the empty value.
            length = -1 if part is None else len(part)
            total.update(b"%d:%b" % (length, part or b""))
        total.update(b";")
    return total.hexdigest()


def acknowledged(sent: Iterable[Record], answers: Iterable[Record]) -> list[Record]:
    """The records as they were sent, at the offsets they were given; keys tell them apart.

    The client's copy of an acknowledged record has no headers.
    """
    offsets = {answer.key: answer.offset for answer in answers}
    return [replace(record, offset=offsets[record.key]) for record in sent]


def by_partition(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of each partition in the order of their offsets."""
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        found.setdefault(str(record.partition), []).append(record)
    return found
