"""One lock for a project, around everything that changes its cluster."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import msgspec

from kafka_tasks.errors import NotReady
from kafka_tasks.project import json_files, private
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock, and since when (seconds since the epoch)."""

    pid: int
    doing: str
    since: json_files.Moment

    def __str__(self) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"kafka.{self.doing} (process {self.pid}) since {clock}"


def holder(project: Project) -> Holder | None:
    """Return the last recorded holder of the lock, which may have released it since."""
    return json_files.recall(project.state / "lock.json", Holder)


def is_held(project: Project) -> bool:
    """Return whether a command is changing the cluster."""
    from filelock import FileLock, Timeout

    if not (project.state / "lock").exists():
        return False
    try:
        with FileLock(project.state / "lock", timeout=0):
            return False
    except (Timeout, OSError):
        return True


@contextlib.contextmanager
def exclusive(
    project: Project,
    doing: str,
    deadline: Deadline,
    *,
    policy: RetryPolicy | None = None,
    waiting: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Hold the project's lock; the operating system lets go of it when the process ends.

    `waiting` is told once who is waited for. Raises `NotReady` when the deadline passes first.
    """
    from filelock import FileLock, Timeout

    project.make_state()
    lock = FileLock(project.state / "lock", mode=private.MODE)
    told = False

    def take() -> None:
        nonlocal told
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = holder(project)
            if not told:
                waiting(f"waiting for {who or 'another command'} to finish")
                told = True
            raise NotYet(f"held by {who or 'another command'}") from None
        except OSError as error:
            raise unwritable(project.state, error) from error

    try:
        (policy or RetryPolicy()).until(take, deadline)
    except OutOfTime as error:
        raise NotReady(
            f"Another command is changing this cluster: {holder(project) or 'unknown'}.",
            hint="wait for it to end, or give more time with --timeout",
        ) from error
    try:
        _write_holder(project, doing)
        yield
    finally:
        (project.state / "lock.json").unlink(missing_ok=True)
        lock.release()


def _write_holder(project: Project, doing: str) -> None:
    note = Holder(os.getpid(), doing, time.time())
    try:
        private.write(project.state / "lock.json", msgspec.json.encode(note))
    except OSError as error:
        raise unwritable(project.state, error) from error
