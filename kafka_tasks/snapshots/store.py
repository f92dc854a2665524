"""The store of a project's snapshots: `.kafka-tasks/snapshots/NAME.tar.gz`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.errors import InvalidInput, SnapshotDamaged, SnapshotMissing
from kafka_tasks.model.results import SnapshotSeen
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.snapshots import snapshot_file
from kafka_tasks.snapshots.manifest import Damaged
from kafka_tasks.snapshots.snapshot_file import SUFFIX, Snapshot

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store: its entry in the list, and the snapshot unless it is damaged."""

    seen: SnapshotSeen
    snapshot: Snapshot | None = None


def folder(project: Project) -> Path:
    """Return the directory of the store; `down --wipe` keeps it."""
    return project.state / "snapshots"


def make_folder(project: Project) -> Path:
    """Create the directory, readable by its owner only, and remove leftovers of a killed save."""
    found = folder(project)
    try:
        found.mkdir(mode=0o700, exist_ok=True)
        for pattern in (f".*{SUFFIX}.body", f".*{SUFFIX}.draft"):
            for left in found.glob(pattern):
                left.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(found, error) from error
    return found


def path_of(project: Project, name: str) -> Path:
    """Return the path for a snapshot of this name; raises `InvalidInput` for an invalid name."""
    if not _NAME.fullmatch(name) or name.endswith(SUFFIX):
        raise InvalidInput(
            f"{name!r} is not a name for a snapshot: allowed are 1 to 100 letters, digits, '.', "
            f"'_' and '-', without '.' or '-' at the start and without {SUFFIX} at the end.",
            hint="invoke kafka.snapshot.save before-upgrade",
        )
    return folder(project) / f"{name}{SUFFIX}"


def every(project: Project) -> list[Stored]:
    """Return every snapshot, damaged ones included, sorted by name."""
    return [_stored(path) for path in paths(project)]


def paths(project: Project) -> list[Path]:
    """Return the files of the snapshots, sorted by name."""
    try:
        found = sorted(folder(project).iterdir())
    except FileNotFoundError:
        return []
    return [
        path
        for path in found
        if path.name.endswith(SUFFIX) and not path.name.startswith(".") and path.is_file()
    ]


def names(project: Project) -> list[str]:
    """Return the names of the snapshots, sorted."""
    return [path.name.removesuffix(SUFFIX) for path in paths(project)]


def _stored(path: Path) -> Stored:
    try:
        found = snapshot_file.read(path)
    except Damaged as error:
        problem = str(error)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror or error})"
    else:
        return Stored(found.seen(), found)
    name = path.name.removesuffix(SUFFIX)
    return Stored(SnapshotSeen(name, path, path.stat().st_size, problem))


def find(project: Project, wanted: str) -> Stored:
    """Return the snapshot of a name or a path; a slash or the suffix makes it a path.

    Raises `SnapshotMissing`.
    """
    typed = "/" in wanted or wanted.endswith(SUFFIX)
    path = Path(wanted).expanduser() if typed else path_of(project, wanted)
    if not path.is_file():
        raise _missing(project, wanted)
    return _stored(path)


def find_undamaged(project: Project, wanted: str) -> Snapshot:
    """Return the snapshot of a name or a path; raises `SnapshotMissing`, `SnapshotDamaged`."""
    found = find(project, wanted)
    if found.snapshot is None:
        raise damaged_error(found.seen, found.seen.problem or "")
    return found.snapshot


def damaged_error(seen: SnapshotSeen, problem: str) -> SnapshotDamaged:
    """Return the error for a damaged snapshot."""
    return SnapshotDamaged(
        f"The snapshot {seen.name} is damaged: {problem}.",
        evidence=[str(seen.path)],
        hint="invoke kafka.snapshot.list, then restore another one",
    )


def _missing(project: Project, wanted: str) -> SnapshotMissing:
    from difflib import get_close_matches

    near = get_close_matches(wanted, names(project), n=1)
    return SnapshotMissing(
        f"There is no snapshot {wanted}.",
        hint=f"did you mean {near[0]}?" if near else "invoke kafka.snapshot.list",
    )
