"""The end of a log file, and what is added to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

_LINE_GUESS = 400
_POLL_S = 0.2


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines; none where there is no file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - count * _LINE_GUESS))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-count:] if count else []


def size(path: Path) -> int:
    """Bytes; 0 where there is no file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def has_since(path: Path, position: int, words: bytes) -> bool:
    """Whether these words were added after the file had this size; a rotated file is all new."""
    try:
        with open(path, "rb") as file:
            file.seek(position if position <= file.seek(0, 2) else 0)
            return words in file.read()
    except OSError:
        return False


def follow(path: Path, tail: int) -> Iterator[str]:
    """The last `tail` lines and then each new one, without end; a rotated file is reopened."""
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
