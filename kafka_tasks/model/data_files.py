"""The files of a stopped cluster as values, by names that are the same on every runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    import tarfile

_BLOCK = 512


class DataFile(Struct, frozen=True):
    """One file: its name, size in bytes, time of its last change, and content, read once in order.

    A name begins with the place that the topology gives its directory: `zookeeper/…` (snapshots),
    `zookeeper-log/…` (transaction logs), `kafka/…`, `kafka-2/…`.
    """

    name: str
    size: int
    modified_s: int
    chunks: Iterable[bytes]

    @property
    def place(self) -> str:
        """The data directory that it belongs to."""
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
        """Return the id that each broker is going to have, where its data does not decide it."""

    def allocated(self) -> int | None:
        """Return the bytes that the files take; None where only reading them all would tell."""

    def room(self) -> int | None:
        """Return the bytes that are free where files are staged; None where that is not known."""

    def files(self) -> Iterator[DataFile]:
        """Yield every file, place by place; read the content of one before the next."""

    def stage(self, files: Iterable[DataFile]) -> None:
        """Write these files beside those that are there, place by place."""

    def swap(self) -> None:
        """Replace what is there with what is staged; do nothing where that is done."""

    def discard(self) -> None:
        """Delete what is staged."""


def as_tar(info: tarfile.TarInfo, chunks: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Yield a member of a tar file: header, content, and the padding of the last block."""
    import tarfile

    yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
    yield from chunks
    yield b"\0" * (-info.size % _BLOCK)


def tar_end() -> bytes:
    """Return the two empty blocks that end a tar file."""
    return b"\0" * (2 * _BLOCK)
