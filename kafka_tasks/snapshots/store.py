"""Where a project's snapshots lie: `.kafka-tasks/snapshots/NAME.tar.gz`."""

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
class Shelved:
    """What lies there under a name: how it is shown, and the snapshot unless it is damaged."""

    seen: SnapshotSeen
    snapshot: Snapshot | None = None


def folder(project: Project) -> Path:
    """The directory; wiping the data leaves it alone."""
    return project.state / "snapshots"


def make_folder(project: Project) -> Path:
    """Create it, readable by its owner alone, and remove what a killed save left in it."""
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
    """Where the snapshot of this name belongs; raises `InvalidInput` for what is not a name."""
    if not _NAME.fullmatch(name) or name.endswith(SUFFIX):
        raise InvalidInput(
            f"{name!r} is not a name for a snapshot: 1 to 100 letters, digits, '.', '_' and '-', "
            f"not '.' or '-' first, and without {SUFFIX}.",
            hint="invoke kafka.snapshot.save before-upgrade",
        )
    return folder(project) / f"{name}{SUFFIX}"


def every(project: Project) -> list[Shelved]:
    """Whatever lies there, the damaged too, by name."""
    return [_shelved(path) for path in paths(project)]


def paths(project: Project) -> list[Path]:
    """The files, by name."""
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
    """What `find` knows them by."""
    return [path.name.removesuffix(SUFFIX) for path in paths(project)]


def _shelved(path: Path) -> Shelved:
    try:
        found = snapshot_file.read(path)
    except Damaged as error:
        problem = str(error)
    except OSError as error:
        problem = f"it cannot be read ({error.strerror or error})"
    else:
        return Shelved(found.seen(), found)
    name = path.name.removesuffix(SUFFIX)
    return Shelved(SnapshotSeen(name, path, path.stat().st_size, problem))


def find(project: Project, wanted: str) -> Shelved:
    """What a name, or a path with a slash in it or with the suffix, stands for.

    Raises `SnapshotMissing`.
    """
    typed = "/" in wanted or wanted.endswith(SUFFIX)
    path = Path(wanted).expanduser() if typed else path_of(project, wanted)
    if not path.is_file():
        raise _missing(project, wanted)
    return _shelved(path)


def whole(project: Project, wanted: str) -> Snapshot:
    """The same, checked; raises `SnapshotDamaged`."""
    found = find(project, wanted)
    if found.snapshot is None:
        raise damaged(found.seen, found.seen.problem or "")
    return found.snapshot


def damaged(seen: SnapshotSeen, problem: str) -> SnapshotDamaged:
    """The error for what is not a whole snapshot."""
    return SnapshotDamaged(
        f"The snapshot {seen.name} is damaged: {problem}.",
        evidence=[str(seen.path)],
        hint="copy it anew from where it was saved, or take another: invoke kafka.snapshot.list",
    )


def _missing(project: Project, wanted: str) -> SnapshotMissing:
    from difflib import get_close_matches

    near = get_close_matches(wanted, names(project), n=1)
    return SnapshotMissing(
        f"There is no snapshot {wanted}.",
        hint=f"did you mean {near[0]}?" if near else "invoke kafka.snapshot.list",
    )
