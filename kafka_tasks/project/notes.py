"""Small JSON files of ours: read as what they should be, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

# The end of the year 9999, in seconds since the epoch: what comes after has no date.
LAST_S = 253_402_300_799


class Unreadable(Exception):
    """The file is there, and is not what it should be; the text says why."""


def load(path: Path, type: type[T]) -> T:
    """What stands in the file; raises `Unreadable`, and `OSError` where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error


def recall(path: Path, type: type[T]) -> T | None:
    """The same, or None where there is no such file or it is unreadable."""
    try:
        return load(path, type)
    except (OSError, Unreadable):
        return None
