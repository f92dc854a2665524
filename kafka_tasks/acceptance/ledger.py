"""The ledger: data written before a restart, to compare after it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from kafka_tasks.clients.kafka.records import Record
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project

_FILE = "acceptance.json"


@dataclass(slots=True)
class Ledger:
    """Names, offsets and digests; partitions are text, as in JSON.

    `written_at` is in seconds since the epoch, `uptimes` are each service's seconds at that time;
    `kept_topic` is test-topic, or a topic of this run on a remote cluster.
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
        """Write the ledger into the project's state directory, readable by its owner only."""
        content = json.dumps(asdict(self), indent=2)
        private.write(project.make_state() / _FILE, content.encode())


def path_in(project: Project) -> Path:
    """Return the path of the project's ledger."""
    return project.state / _FILE


def load(project: Project) -> Ledger | None:
    """Return the ledger, or None if it is missing or unreadable."""
    try:
        return Ledger(**json.loads(path_in(project).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def uptimes(session: Session) -> dict[str, float]:
    """Return the uptime in seconds of each service whose uptime is known."""
    services = session.observe().services
    return {s.name: s.uptime_s for s in services if s.uptime_s is not None}


def digest(records: Iterable[Record]) -> str:
    """Return the sha256 of the records: offsets, timestamps, keys, values, headers."""
    total = hashlib.sha256()
    for record in records:
        numbers = f"{record.partition} {record.offset} {record.timestamp_ms}".encode()
        parts = [numbers, record.key, record.value]
        for name, value in record.headers:
            parts += [name.encode(), value]
        for part in parts:
            # The length separates neighbouring parts; null is not the empty value.
            length = -1 if part is None else len(part)
            total.update(b"%d:%b" % (length, part or b""))
        total.update(b";")
    return total.hexdigest()


def acknowledged(sent: Iterable[Record], answers: Iterable[Record]) -> list[Record]:
    """Return the sent records with their offsets, matched by key.

    The client's copy of an acknowledged record has no headers.
    """
    offsets = {answer.key: answer.offset for answer in answers}
    return [replace(record, offset=offsets[record.key]) for record in sent]


def by_partition(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the records of each partition in the order of their offsets."""
    found: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        found.setdefault(str(record.partition), []).append(record)
    return found
