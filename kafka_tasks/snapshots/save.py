"""Save a snapshot: stop the cluster, write its data into one file, start it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from kafka_tasks.clients import machine
from kafka_tasks.errors import Interrupted, MachineError, NotReady, Refused
from kafka_tasks.lifecycle.locking import locked
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.stop import paused
from kafka_tasks.model.data_files import Data, DataFile
from kafka_tasks.project import state, written_by
from kafka_tasks.runtimes.secure import snapshot_files
from kafka_tasks.snapshots import snapshot_file, store
from kafka_tasks.snapshots.snapshot_file import Snapshot

# Bytes that a save or a restore leaves free on the disk.
MARGIN = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved snapshot; `restarted` if the cluster was stopped for it and started again."""

    snapshot: Snapshot
    restarted: bool
    elapsed_s: float


def save(session: Session, name: str, *, replacing: bool = False) -> Saved:
    """Write the project's data into a snapshot; `replacing` allows one of that name to exist."""
    session.servers()
    path = store.path_of(session.project, name)
    if not session.data().has_data(session.settings):
        raise _no_data(session)
    with locked(session, "snapshot.save"):
        if path.exists() and not replacing:
            raise _already_exists(name)
        store.make_folder(session.project)
        _secure_files(session)
        _require_whole_cluster(session)
        with (
            interruptible(session, lambda: _outcome(path, replacing=replacing)),
            paused(session, f"to save {name}", lambda: _require_room(session, path)) as ran,
        ):
            _require_clean_stop(session)
            found = _write(session, name, path, checked=ran)
        return Saved(found, ran, round(session.recorder.elapsed(), 3))


def _already_exists(name: str) -> Refused:
    """Return the error for a name that is in use."""
    return Refused(
        f"Snapshot {name} exists. Pass --yes to replace it.",
        hint=f"invoke kafka.snapshot.save {name} --yes",
    )


@contextmanager
def interruptible(session: Session, outcome: Callable[[], str]) -> Iterator[None]:
    """Raise `Interrupted` on Ctrl-C, with the state of the data and of the cluster."""
    try:
        yield
    except KeyboardInterrupt:
        runs = any(service.alive for service in session.observe().services)
        raise Interrupted(
            f"Interrupted; {outcome()}, and the cluster {'runs' if runs else 'is stopped'}.",
            hint=None if runs else "invoke kafka.up",
        ) from None


def _outcome(path: Path, *, replacing: bool) -> str:
    if not path.exists():
        return "nothing was saved"
    return (
        "the snapshot is complete, the old or the new one"
        if replacing
        else "the snapshot is complete"
    )


def _require_whole_cluster(session: Session) -> None:
    """Raise `NotReady` if some services run and others do not, or if a broker was killed."""
    services = session.observe().services
    alive = [service.name for service in services if service.alive]
    dead = [service.name for service in services if not service.alive]
    if alive and dead:
        verb, whose = ("is", "its") if len(dead) == 1 else ("are", "their")
        raise NotReady(
            f"{', '.join(dead)} {verb} not running: {whose} data on the disk may be incomplete.",
            hint="invoke kafka.up, then run this command again",
        )
    _require_clean_stop(session)


def _require_clean_stop(session: Session) -> None:
    if not session.recovery().unclean(session.observe()):
        return
    raise NotReady(
        "A broker was killed: its data on the disk may be incomplete until a start repairs it.",
        hint="invoke kafka.up, then run this command again",
    )


def _write(session: Session, name: str, path: Path, *, checked: bool) -> Snapshot:
    known = written_by.read(session.project, session.runtime.name)
    writer = known or state.read(session.project)
    settings = session.settings

    def describe(metas: dict[str, bytes]) -> dict[str, Any]:
        known = {service: _properties(content) for service, content in metas.items()}
        if not known:
            raise _no_data(session)
        return {
            "name": name,
            "taken_at": round(time.time(), 3),
            "version": writer.version if writer else settings.version,
            "kafka_version": writer.kafka_version if writer else settings.line.kafka,
            "runtime": session.runtime.name,
            "security": settings.security,
            **settings.shape,
            "broker_ids": {s: n for s, p in known.items() if (n := _node_id(p)) is not None},
            "cluster_id": next(
                (p["cluster.id"] for p in known.values() if "cluster.id" in p), None
            ),
        }

    with session.data().data(settings) as data:
        if not checked:
            _require_room_for(data, path)
        every = chain(data.files(), _secure_files(session))
        return snapshot_file.write(path, every, describe, _disk_check(path))


def _secure_files(session: Session) -> list[DataFile]:
    """Return the certificates, keys and passwords of a secured cluster; none of another."""
    return snapshot_files.files(session.project) if session.settings.security else []


def _require_room(session: Session, path: Path) -> None:
    with session.data().data(session.settings) as data:
        _require_room_for(data, path)


def _require_room_for(data: Data, path: Path) -> None:
    """Raise `MachineError` if the data, uncompressed, would fill the disk."""
    free, needed = machine.free_bytes(path.parent), (data.allocated() or 0) + MARGIN
    if free < needed:
        raise _full(path, needed, free)


def _disk_check(path: Path) -> Callable[[int], None]:
    """Return a progress callback that raises `MachineError` once the disk is nearly full."""
    checked_at = 0

    def check(read: int) -> None:
        nonlocal checked_at
        if read - checked_at < MARGIN // 2:
            return
        checked_at = read
        if (free := machine.free_bytes(path.parent)) < MARGIN:
            raise _full(path, 2 * MARGIN, free)

    return check


def _full(path: Path, needed: int, free: int) -> MachineError:
    return MachineError(
        f"The disk of {path.parent} is too full for a snapshot: {free / 1e6:.0f} MB are free, and "
        f"the snapshot may need {needed / 1e6:.0f} MB.",
        hint=f'df -h "{path.parent}"; invoke kafka.snapshot.list',
    )


def _no_data(session: Session) -> NotReady:
    return NotReady(
        f"{session.project.path} has no data: no cluster was ever ready here.",
        hint="invoke kafka.up",
    )


def _node_id(properties: Mapping[str, str]) -> int | None:
    """Return the id of a broker, or in KRaft mode of a node."""
    text = properties.get("node.id", properties.get("broker.id"))
    return int(text) if text is not None else None


def _properties(content: bytes) -> dict[str, str]:
    """Return the properties in Kafka's meta.properties."""
    lines = content.decode("latin-1").splitlines()
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs if value}
