"""Save: the cluster stops, its data is written into one file, and it starts again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka_tasks import lifecycle
from kafka_tasks.clients import processes
from kafka_tasks.errors import Interrupted, MachineError, NotReady, Refused
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.data_files import Data
from kafka_tasks.project import state
from kafka_tasks.snapshots import snapshot_file, store
from kafka_tasks.snapshots.snapshot_file import Snapshot

# What is left free on the disk at least.
MARGIN = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot that was taken; `restarted` where the cluster ran, and runs again."""

    snapshot: Snapshot
    restarted: bool
    elapsed_s: float


def save(session: Session, name: str, *, replacing: bool = False) -> Saved:
    """Write the project's data into a snapshot; with `replacing` also over one of that name."""
    session.require_lifecycle()
    path = store.path_of(session.project, name)
    if not session.runtime.has_data(session.settings):
        raise _nothing(session)
    with lifecycle.changing(session, "snapshot.save"):
        if path.exists() and not replacing:
            raise exists(name)
        store.make_folder(session.project)
        _require_whole_cluster(session)
        with (
            interruptible(session, lambda: _fate(path, replacing=replacing)),
            lifecycle.paused(
                session, f"to save {name}", lambda: _require_room(session, path)
            ) as ran,
        ):
            _require_orderly(session)
            found = _write(session, name, path, checked=ran)
        return Saved(found, ran, round(session.recorder.elapsed(), 3))


def exists(name: str) -> Refused:
    """The error for a name that is taken."""
    return Refused(
        f"There is a snapshot {name}, and that it is replaced was not confirmed.",
        hint=f"another name, or invoke kafka.snapshot.save {name} --yes",
    )


@contextmanager
def interruptible(session: Session, fate: Callable[[], str]) -> Iterator[None]:
    """Say after Ctrl-C what became of the data, and of the cluster."""
    try:
        yield
    except KeyboardInterrupt:
        runs = any(service.alive for service in session.runtime.services())
        raise Interrupted(
            f"Interrupted; {fate()}, and the cluster {'runs' if runs else 'is stopped'}.",
            hint=None if runs else "invoke kafka.up",
        ) from None


def _fate(path: Path, *, replacing: bool) -> str:
    if not path.exists():
        return "nothing was saved"
    return "the snapshot is whole, the old or the new one" if replacing else "the snapshot is whole"


def _require_whole_cluster(session: Session) -> None:
    """Raise `NotReady` unless all services run or none, and none was killed."""
    services = session.runtime.services()
    alive = [service.name for service in services if service.alive]
    dead = [service.name for service in services if not service.alive]
    if alive and dead:
        raise NotReady(
            f"{', '.join(dead)} should run and does not: what it has on the disk is not complete.",
            service=dead[0],
            hint="invoke kafka.up, then the same command again",
        )
    _require_orderly(session)


def _require_orderly(session: Session) -> None:
    if not session.runtime.unclean():
        return
    raise NotReady(
        "A broker did not end in an orderly way, so that what it has on the disk has to be "
        "repaired by a start first.",
        hint="invoke kafka.up, then the same command again",
    )


def _write(session: Session, name: str, path: Path, *, checked: bool) -> Snapshot:
    record = state.read(session.project)
    settings = session.settings

    def describe(metas: dict[str, bytes]) -> dict[str, Any]:
        known = {service: _properties(content) for service, content in metas.items()}
        if not known:
            raise _nothing(session)
        return {
            "name": name,
            "taken_at": round(time.time(), 3),
            "version": record.version if record else settings.version,
            "kafka_version": record.kafka_version if record else settings.kafka_line,
            "runtime": session.runtime.name,
            "brokers": settings.brokers,
            "broker_ids": {s: int(p["broker.id"]) for s, p in known.items() if "broker.id" in p},
            "cluster_id": next(
                (p["cluster.id"] for p in known.values() if "cluster.id" in p), None
            ),
        }

    with session.runtime.data(settings) as data:
        if not checked:
            _require_room_for(data, path)
        return snapshot_file.write(path, data.files(), describe, _watcher(path))


def _require_room(session: Session, path: Path) -> None:
    with session.runtime.data(session.settings) as data:
        _require_room_for(data, path)


def _require_room_for(data: Data, path: Path) -> None:
    """Raise `MachineError` where data that gets no smaller would fill the disk."""
    free, needed = processes.free_bytes(path.parent), (data.allocated() or 0) + MARGIN
    if free < needed:
        raise _full(path, needed, free)


def _watcher(path: Path) -> Callable[[int], None]:
    """Looks at the disk again while it is written to."""
    told = 0

    def tell(read: int) -> None:
        nonlocal told
        if read - told < MARGIN // 2:
            return
        told = read
        if (left := processes.free_bytes(path.parent)) < MARGIN:
            raise _full(path, 2 * MARGIN, left)

    return tell


def _full(path: Path, needed: int, free: int) -> MachineError:
    return MachineError(
        f"The disk of {path.parent} is too full for a snapshot: {free / 1e6:.0f} MB are left, and "
        f"it may need {needed / 1e6:.0f} MB.",
        hint=f'df -h "{path.parent}"; invoke kafka.snapshot.list',
    )


def _nothing(session: Session) -> NotReady:
    return NotReady(
        f"There is no data in {session.project.path}: no cluster was ever ready here.",
        hint="invoke kafka.up",
    )


def _properties(content: bytes) -> dict[str, str]:
    """The lines of a properties file as Kafka writes its meta.properties."""
    lines = content.decode("latin-1").splitlines()
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs if value}
