"""The files of a stopped cluster as values, by names that are the same on every runtime."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kafka_tasks.model.cluster import ZOOKEEPER

ZOOKEEPER_LOG = f"{ZOOKEEPER}-log"
# A broker holds it while it runs, and takes it anew.
_LOCK = ".lock"
_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: its name, size in bytes, time of its last change, and content, read once in order.

    Names are `zookeeper/…` (snapshots), `zookeeper-log/…` (transaction logs), `kafka/…`,
    `kafka-2/…`.
    """

    name: str
    size: int
    modified_s: int
    chunks: Iterable[bytes]

    @property
    def place(self) -> str:
        """Which of the cluster's directories it belongs to."""
        return self.name.partition("/")[0]

    @property
    def below(self) -> str:
        """Its path below that directory."""
        return self.name.partition("/")[2]


class Data(Protocol):
    """A stopped cluster's files, out and in. What is staged does not count until it is swapped in.

    Each of these may be repeated after it was interrupted.
    """

    def broker_ids(self) -> dict[str, int]:
        """The id that each broker is going to have, where that does not come from its data."""

    def allocated(self) -> int | None:
        """Bytes that the files take, or None where only reading them all would tell."""

    def room(self) -> int | None:
        """Bytes that are free where files are staged, or None where that is not known."""

    def files(self) -> Iterator[DataFile]:
        """Every file, place by place; the content of one has to be read before the next."""

    def stage(self, files: Iterable[DataFile]) -> None:
        """Write these files beside those that are there, place by place."""

    def swap(self) -> None:
        """Let what is staged take the place of what is there; nothing where that is done."""

    def discard(self) -> None:
        """Delete what is staged."""


def place_of(service: str, below: str) -> str | None:
    """The place of a service's file, or None for a file that is not kept.

    ZooKeeper refuses a directory for snapshots with logs in it, unless both are the same one.
    """
    name = below.rpartition("/")[2]
    if service == ZOOKEEPER:
        return ZOOKEEPER_LOG if re.fullmatch(r"log\.[0-9a-f]+", name) else ZOOKEEPER
    return None if name == _LOCK else service


def place_order(place: str) -> tuple[int, int]:
    """ZooKeeper's places first, then the brokers' by number."""
    if place in (ZOOKEEPER, ZOOKEEPER_LOG):
        return (0, int(place == ZOOKEEPER_LOG))
    tail = place.removeprefix("kafka-")
    return (1, int(tail) if tail.isdecimal() else 1)


def as_tar(info: tarfile.TarInfo, chunks: Iterable[bytes] = ()) -> Iterator[bytes]:
    """A member of a tar file: header, content, and what fills the last block."""
    yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
    yield from chunks
    yield b"\0" * (-info.size % _BLOCK)


def tar_end() -> bytes:
    """What a tar file ends with."""
    return b"\0" * (2 * _BLOCK)
