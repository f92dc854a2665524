"""Builds class archives: `python -m kafka_tasks.runtimes.embedded.build_archives ORDER`."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.project import json_files
from kafka_tasks.runtimes.embedded.class_archive import BUILT, Order
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles

_DUMP_TIMEOUT_S = 180


def build(path: Path) -> bool:
    """Carry out an order: dump every archive, then put each in place in one step.

    Returns False where another builder is at work or the JVM could not write them. Safe to be
    killed at any moment: what is not yet in place is never used.
    """
    from filelock import FileLock, Timeout

    wanted, directory = json_files.recall(path, Order), path.parent
    if wanted is None:
        path.unlink(missing_ok=True)
        return False
    lists = [directory / name for name in wanted.lists.values()]
    try:
        with FileLock(directory / "lock", timeout=0):
            return _made(wanted, directory)
    except Timeout:
        return False
    finally:
        for leftover in (path, *lists):
            leftover.unlink(missing_ok=True)


def _made(wanted: Order, directory: Path) -> bool:
    """Make every archive, and put each in place; the record of their checksums comes last."""
    drafts: dict[str, Path] = {}
    try:
        if wanted.training:
            from kafka_tasks.runtimes.embedded.training import trained

            drafts = trained(wanted.training, directory)
        else:
            drafts = {name: directory / f"{name}.jsa.draft" for name in wanted.lists}
            if not all(_dump(wanted, name, draft) for name, draft in drafts.items()):
                return False
        if not drafts:
            return False
        _put_in_place(drafts, directory)
        (directory / "java").write_text(wanted.java, encoding="utf-8")
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    _drop_outdated(directory, wanted.java)
    return True


def _put_in_place(drafts: Mapping[str, Path], directory: Path) -> None:
    index = VerifiedFiles(directory / "verified.json")
    sums = json_files.recall(directory / BUILT, dict[str, str]) or {}
    # Others are kept: a node of another kind may have been built for before.
    (directory / BUILT).unlink(missing_ok=True)
    for name, draft in drafts.items():
        final = draft.with_suffix("")
        os.replace(draft, final)
        if total := index.checksum(final):
            sums[name] = total
    index.save()
    record = directory / f"{BUILT}.draft"
    record.write_bytes(msgspec.json.encode(sums))
    os.replace(record, directory / BUILT)


def _dump(wanted: Order, name: str, draft: Path) -> bool:
    done = processes.run(
        [
            wanted.java,
            "-Xshare:dump",
            "-Xlog:disable",
            "-Xlog:all=error",
            f"-XX:SharedClassListFile={draft.parent / wanted.lists[name]}",
            f"-XX:SharedArchiveFile={draft}",
            "-cp",
            wanted.class_path,
        ],
        timeout_s=_DUMP_TIMEOUT_S,
        cwd=draft.parent,
    )
    return done.code == 0 and draft.exists()


def _drop_outdated(directory: Path, java: str) -> None:
    """Remove the other archives of the same Kafka that no start would use any more."""
    prefix = directory.name.split("-java-")[0]
    for other in directory.parent.glob(f"{prefix}-java-*"):
        with contextlib.suppress(OSError):
            if other != directory and _is_outdated(other, java):
                shutil.rmtree(other)


def _is_outdated(other: Path, java: str) -> bool:
    """Return whether its Java is gone or has changed, or it is old."""
    with contextlib.suppress(FileNotFoundError):
        made_by = (other / "java").read_text(encoding="utf-8")
        return made_by == java or not Path(made_by).exists()
    return time.time() - other.stat().st_mtime > 30 * 86400


if __name__ == "__main__":
    sys.exit(0 if build(Path(sys.argv[1])) else 1)
