"""Restore a snapshot: stage its files beside the data, check them, swap them in at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kafka_tasks.errors import InvalidInput, MachineError, Refused
from kafka_tasks.lifecycle import recovery
from kafka_tasks.lifecycle.locking import locked
from kafka_tasks.lifecycle.session import Session, open_session, signals_held
from kafka_tasks.lifecycle.stop import paused
from kafka_tasks.model.data_files import Data
from kafka_tasks.model.kafka_line import mode_title, numbers
from kafka_tasks.model.topology import Service
from kafka_tasks.project import register, restoring, state
from kafka_tasks.project.restoring import Restoring
from kafka_tasks.runtimes.secure.snapshot_files import StagedFiles
from kafka_tasks.settings import Settings
from kafka_tasks.snapshots import metadata_version, snapshot_file, store
from kafka_tasks.snapshots.manifest import Damaged, Manifest
from kafka_tasks.snapshots.save import MARGIN, interruptible
from kafka_tasks.snapshots.snapshot_file import Snapshot


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored snapshot; `restarted` if the cluster was stopped for it and started again."""

    snapshot: Snapshot
    runtime: str
    replaced: bool
    restarted: bool
    elapsed_s: float


def require_fitting(session: Session, wanted: str) -> Snapshot:
    """Return the snapshot of a name or a path, undamaged and of the same kind of cluster.

    Raises `SnapshotMissing`, `SnapshotDamaged`, and `InvalidInput` where Kafka line, mode, quorum
    or number of brokers differ.
    """
    session.servers()
    found = store.find_undamaged(session.project, wanted)
    manifest, settings = found.manifest, session.settings
    command = f"invoke kafka.snapshot.restore {wanted}"
    _require_kafka(wanted, manifest, settings, command)
    if manifest.brokers != settings.brokers:
        raise InvalidInput(
            f"The snapshot {wanted} has {_brokers(manifest.brokers)}, and this project has "
            f"{_brokers(settings.brokers)}.",
            hint=f"{command} --brokers {manifest.brokers}",
        )
    mine = _fitted(session, manifest).settings.topology.voters
    if mine != (theirs := manifest.topology.voters):
        raise InvalidInput(
            f"The snapshot {wanted} has {_quorum(theirs)}, and this project has {_quorum(mine)}.",
            hint=f"put KAFKA_TASKS_MODE={manifest.mode} and "
            f"KAFKA_TASKS_CONTROLLERS={manifest.controllers} into .env, then {command}",
        )
    return found


def _fitted(session: Session, manifest: Manifest) -> Session:
    """Return the session with as many combined nodes as the snapshot has: no setting says that.

    A project that had no cluster, and sets nothing, gets a secured one as it was.
    """
    settings = replace(session.settings, combined=manifest.combined)
    security, is_new = manifest.security, state.read(session.project) is None
    if security is None or not is_new or settings.explicit("secure"):
        return replace(session, settings=settings)
    settings = replace(settings, **security.choices)
    return open_session(session.project, settings, session.recorder)


def _tell_security(session: Session, manifest: Manifest) -> None:
    """Say what becomes of users where snapshot and project are not secured in the same way."""
    theirs, mine, notice = manifest.security, session.settings.security, session.recorder.notice
    if theirs is None and mine is not None:
        notice(
            f"the snapshot {manifest.name} has no certificates and passwords: the cluster keeps "
            "those of this project, and its users get these passwords at the next start"
        )
    elif theirs is not None and (
        mine is None or (theirs.kind, theirs.acl) != (mine.kind, mine.acl)
    ):
        flags = f"--secure {theirs.kind}{' --acl' if theirs.acl else ''}"
        notice(
            f"the snapshot {manifest.name} is of a cluster that runs with {flags}, and this "
            f"project's does not: after kafka.down, kafka.up {flags} starts it so"
        )


def _require_kafka(wanted: str, manifest: Manifest, settings: Settings, command: str) -> None:
    """Raise `InvalidInput` where this project's Kafka, or its mode, cannot read the data."""
    why = _unreadable(manifest, settings)
    if why is None:
        return
    newer = metadata_version.is_newer(manifest.metadata_version, manifest.kafka_line)
    release = (manifest.metadata_version or "").partition("-")[0]
    variables = [f"KAFKA_TASKS_VERSION={release if newer else manifest.version}"]
    if manifest.mode != settings.resolved_mode:
        variables.append(f"KAFKA_TASKS_MODE={manifest.mode}")
    raise InvalidInput(
        f"The snapshot {wanted} {why}.",
        evidence=_facts(manifest),
        hint=f"put {' and '.join(variables)} into .env, then {command}",
    )


def _unreadable(manifest: Manifest, settings: Settings) -> str | None:
    """Return how Kafka, metadata.version or mode differ, or None where they fit."""
    line, mode = settings.line.kafka, settings.resolved_mode
    here = f"this project has Kafka {line} (version {settings.version})"
    if manifest.kafka_line != line:
        theirs = f"has Kafka {manifest.kafka_line} (version {manifest.version})"
        older = numbers(line) < manifest.written_by.kafka_line
        why = ", which is older: it may not read all of the data" if older else ""
        return f"{theirs}, and {here}{why}"
    if metadata_version.is_newer(manifest.metadata_version, line):
        theirs = f"has metadata.version {manifest.metadata_version}"
        return f"{theirs}, and {here}, which cannot read it"
    if manifest.mode != mode:
        here = f"this project is in {mode_title(mode)} mode"
        theirs = f"was saved in {mode_title(manifest.mode)} mode"
        return f"{theirs}, and {here}, which cannot read its data"
    return None


def _facts(manifest: Manifest) -> list[str]:
    """Return what wrote the snapshot's data."""
    facts = [str(manifest.written_by), f"mode {manifest.mode}"]
    if manifest.metadata_version:
        facts.append(f"metadata.version {manifest.metadata_version}")
    return [f"the snapshot: {', '.join(facts)}"]


def _quorum(voters: Sequence[Service]) -> str:
    """Return the voters of a quorum in words."""
    names = ", ".join(voter.name for voter in voters)
    return f"the voters {names} (KRaft mode)" if voters else "ZooKeeper"


def _brokers(count: int) -> str:
    return "1 broker" if count == 1 else f"{count} brokers"


def restore(session: Session, snapshot: Snapshot, *, confirmed: bool = False) -> Restored:
    """Replace the project's data with a snapshot's; an interruption leaves the old data.

    Raises `Refused` where the project has data and the call was not confirmed.
    """
    session.servers()
    session = _fitted(session, snapshot.manifest)
    name = snapshot.manifest.name
    done = False
    with locked(session, "snapshot.restore"):
        replaced = session.data().has_data(session.settings)
        if replaced and not confirmed:
            raise Refused(
                f"The data in {session.project.path} would be replaced. Pass --yes to replace it.",
                hint=f"invoke kafka.snapshot.restore {name} --yes",
            )
        register.remember(session.project)
        _tell_security(session, snapshot.manifest)

        def outcome() -> str:
            return f"{name} is restored" if done else "the old data is unchanged"

        def check() -> None:
            with session.data().data(session.settings) as data:
                _require_possible(snapshot.manifest, data)

        why = f"to restore {name}"
        with interruptible(session, outcome), paused(session, why, check) as ran:
            _exchange(session, snapshot, checked=ran)
            done = True
    elapsed = round(session.recorder.elapsed(), 3)
    return Restored(snapshot, session.runtime.name, replaced, ran, elapsed)


def _exchange(session: Session, snapshot: Snapshot, *, checked: bool) -> None:
    """Swap the snapshot's data in once it is staged; a later call recovers from a kill."""
    project, access, settings = session.project, session.data(), session.settings
    manifest = snapshot.manifest
    begun = Restoring(
        name=manifest.name,
        runtime=session.runtime.name,
        **settings.shape,
        security=settings.security,
        written_by=manifest.written_by,
    )
    with access.data(settings) as data:
        if not checked:
            _require_possible(snapshot.manifest, data)
        restoring.write(project, begun)
        try:
            data.stage(StagedFiles(project).apart_from(snapshot_file.files(snapshot)))
            with signals_held():
                restoring.write(project, begun.complete())
                recovery.conclude_restore(project, access, settings, data)
        except BaseException as error:
            with signals_held():
                recovery.conclude_restore(project, access, settings, data)
            if isinstance(error, Damaged):
                raise store.damaged_error(snapshot.seen(), str(error)) from error
            raise


def _require_possible(manifest: Manifest, data: Data) -> None:
    """Raise if a broker's id differs from the one in the snapshot, or the disk is too full."""
    here = data.broker_ids()
    for service, number in sorted(manifest.broker_ids.items()):
        if here.get(service, number) != number:
            raise InvalidInput(
                f"The snapshot {manifest.name} has the data of broker {number} for {service}, and "
                f"{service} is broker {here[service]} here.",
                hint=f"set KAFKA_BROKER_ID: {number} for {service} in the Compose file",
            )
    free, needed = data.room(), manifest.data_bytes + MARGIN
    if free is not None and free < needed:
        raise MachineError(
            f"The disk is too full to restore {manifest.name}: {free / 1e6:.0f} MB are free, and "
            f"the restore needs {needed / 1e6:.0f} MB.",
            hint="df -h .kafka-tasks",
        )
