"""Topics whose data is on the disk, and which the metadata of the quorum has lost.

A broker deletes such data a minute after its start. Kafka finds nothing wrong with a metadata log
that was cut, or with a controller that begins with an empty one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import Topology

_PARTITION = re.compile(r"([A-Za-z0-9._-]+)-\d+", re.ASCII)
_METADATA = "__cluster_metadata-0"
_BEGINNING = f"{0:020}.log"
# In bytes: larger logs take longer to read than this check is worth.
_LIMIT = 16 * 1024 * 1024
_NAMED = 5


def require_known(data: Path, topology: Topology) -> None:
    """Raise `InvalidInput` where no voter's metadata has a topic that a broker's data has."""
    places = dict(_places(data, topology))
    if not places:
        return
    metadata = _metadata(data, topology)
    if metadata is None:
        return
    lost = sorted(path for topic_id, path in places.items() if topic_id not in metadata)
    if lost:
        raise _lost(lost, data, topology)


def _places(data: Path, topology: Topology) -> Iterator[tuple[bytes, Path]]:
    """Yield the id of each topic on the disk, with a directory of it."""
    for broker in topology.brokers:
        topics: dict[str, Path] = {}
        with suppress(OSError):
            for directory in (data / broker.name).iterdir():
                # Those that are being deleted or moved have a suffix instead of the number.
                found = _PARTITION.fullmatch(directory.name)
                if found and directory.name != _METADATA:
                    topics[found[1]] = directory
        for directory in topics.values():
            if (topic_id := _topic_id(directory / "partition.metadata")) is not None:
                yield topic_id, directory


def _topic_id(path: Path) -> bytes | None:
    """Return the 16 bytes of a topic's id, as records of the metadata have them."""
    with suppress(OSError, ValueError):
        found = re.search(r"^topic_id: ([\w-]{22})$", path.read_text("ascii"), re.MULTILINE)
        return base64.urlsafe_b64decode(f"{found[1]}==") if found else None
    return None


def _files(data: Path, topology: Topology) -> list[Path]:
    """Return the logs and checkpoints of all voters."""
    found = []
    for voter in topology.voters:
        directory = data / voter.name / _METADATA
        found += [*directory.glob("*.checkpoint"), *directory.glob("*.log")]
    return sorted(found)


def _metadata(data: Path, topology: Topology) -> bytes | None:
    """Return the content of all logs and checkpoints; None where it cannot be judged.

    A checkpoint that replaces the beginning of a log has no deleted topics: a broker
    that was not there then still has their data, and Kafka is right to delete it.
    """
    files = _files(data, topology)
    reduced = {path.parent for path in files if path.suffix == ".checkpoint"}
    if any(not (directory / _BEGINNING).exists() for directory in reduced):
        return None
    try:
        if sum(path.stat().st_size for path in files) > _LIMIT:
            return None
        return b"".join(path.read_bytes() for path in files)
    except OSError:
        return None


def _lost(lost: list[Path], data: Path, topology: Topology) -> InvalidInput:
    names = sorted({path.name.rpartition("-")[0] for path in lost})
    shown = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
    what = "a topic" if len(names) == 1 else f"{len(names)} topics"
    logs = [path for path in _files(data, topology) if path.suffix == ".log"]
    voters = " and ".join(f"{data / voter.name / _METADATA}" for voter in topology.voters)
    return InvalidInput(
        f"The cluster's metadata has lost {what} whose records are on the disk ({shown}); Kafka "
        "would delete these records.",
        evidence=(
            *(f"{path}: {path.stat().st_size} bytes" for path in logs),
            *(f"{path}: its topic is in no metadata" for path in lost[:_NAMED]),
        ),
        hint=f"bring {voters} back, or restore a snapshot: invoke kafka.snapshot.list; "
        "invoke kafka.down --wipe --yes deletes all data",
    )
