"""The end of a log file, and what is added to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from kafka_tasks.errors import InvalidInput

_LINE_GUESS = 400
_POLL_S = 0.2


class ServiceLogs(Struct, frozen=True):
    """The logs of a cluster's services: each has a log of its own and what its JVM said."""

    folder: Path

    def last(self, service: str, tail: int, known: Sequence[str]) -> list[str]:
        """Return what the JVM itself said, then the last lines of the service's log."""
        _require(service, known)
        out = self.folder / f"{service}.out"
        said = [line for line in last_lines(out, tail) if line.strip()]
        return said + last_lines(self.folder / f"{service}.log", tail - len(said))

    def follow(self, service: str, tail: int, known: Sequence[str]) -> Iterator[str]:
        """Yield the last lines and each new one, across rotations."""
        _require(service, known)
        return follow(self.folder / f"{service}.log", tail)


def _require(service: str, known: Sequence[str]) -> None:
    if service not in known:
        raise InvalidInput(
            f"There is no service {service!r} in this project "
            f"(there is: {', '.join(known) or 'none yet'}).",
            hint="invoke kafka.status",
        )


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last `count` lines; none where there is no file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - count * _LINE_GUESS))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-count:] if count else []


def size(path: Path) -> int:
    """Return the size in bytes; 0 where there is no file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def has_since(path: Path, position: int, words: bytes) -> bool:
    """Return whether these words came after the file had this size; a rotated file is all new."""
    try:
        with open(path, "rb") as file:
            file.seek(position if position <= file.seek(0, 2) else 0)
            return words in file.read()
    except OSError:
        return False


def follow(path: Path, tail: int) -> Iterator[str]:
    """Yield the last `tail` lines and then each new one, without end; reopen a rotated file."""
    yield from last_lines(path, tail)
    position = size(path)
    rest = ""
    while True:
        now = size(path)
        if now < position:
            position = 0
        if now > position:
            with open(path, "rb") as file:
                file.seek(position)
                chunk = file.read()
            position += len(chunk)
            *lines, rest = (rest + chunk.decode("utf-8", "replace")).split("\n")
            yield from lines
        else:
            time.sleep(_POLL_S)
