"""Which directory is the project, and where its state lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.errors import MachineError
from kafka_tasks.project import private

STATE_DIRECTORY = ".kafka-tasks"


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with a cluster of its own."""

    path: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the nearest directory upwards with `.kafka-tasks/` or `tasks.py`, else `start`."""
        try:
            here = (start or Path.cwd()).resolve()
        except FileNotFoundError as error:
            raise MachineError(
                "The current directory has been deleted.", hint="cd to a directory that exists"
            ) from error
        for candidate in (here, *here.parents):
            if (candidate / STATE_DIRECTORY).is_dir() or (candidate / "tasks.py").is_file():
                return cls(candidate)
        return cls(here)

    @property
    def state(self) -> Path:
        """The directory of everything about this project's cluster."""
        return self.path / STATE_DIRECTORY

    def make_state(self) -> Path:
        """Create the state directory, readable by its owner alone and ignored by git."""
        try:
            self.state.mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
            ignore = self.state / ".gitignore"
            if not ignore.exists():
                private.write(ignore, b"*\n")
            for name in ("data", "logs", "conf", "run"):
                (self.state / name).mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
        except OSError as error:
            raise unwritable(self.state, error) from error
        if not os.access(self.state, os.W_OK | os.X_OK):
            raise unwritable(self.state, PermissionError(13, "Permission denied"))
        return self.state


def unwritable(path: Path, error: OSError) -> MachineError:
    """Return the error for a part of the state that cannot be written."""
    if isinstance(error, PermissionError) and (found := of_another_user(path)):
        return found
    return MachineError(
        f"{path} cannot be written: {error.strerror or error}.",
        hint=f'ls -ld "{path}" "{path.parent}"; df -h "{path.parent}"',
    )


def of_another_user(path: Path) -> MachineError | None:
    """Return the error for a part of the state that another user made; None where none did.

    Most often that is root, by sudo.
    """
    inside = [each for each in (path, *path.parents) if STATE_DIRECTORY in each.parts]
    for each in reversed(inside):
        try:
            owner = each.stat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            state = f'sudo chown -R "$(id -u)" "{inside[-1]}"'
            if owner:
                return MachineError(f"{each} belongs to user {owner}.", hint=state)
            return MachineError(
                f"{each} belongs to root, as after a start with sudo.",
                hint=f"sudo kafka-tasks down, then {state}",
            )
    return None


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file of the state in one step, readable by its owner alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        private.write(draft, content)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(path, error) from error
