"""Small JSON files of kafka-tasks: read as what they should be, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

_T = TypeVar("_T")

# Seconds since the epoch, up to the year 9999: what comes after has no date.
Moment = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]


class Unreadable(Exception):
    """The file is there, and is not what it should be; the text says why."""


def load(path: Path, type: type[_T]) -> _T:
    """Return the content of the file; raises `Unreadable` and `OSError`."""
    return decode(path.read_bytes(), type)


def encode(value: object) -> bytes:
    """Return a value as it is written."""
    return msgspec.json.encode(value)


def decode(content: bytes, type: type[_T]) -> _T:
    """Return the content of these bytes; raises `Unreadable`."""
    try:
        return msgspec.json.decode(content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error


def recall(path: Path, type: type[_T]) -> _T | None:
    """Return the content of the file, or None where there is no such file or it is unreadable."""
    try:
        return load(path, type)
    except (OSError, Unreadable):
        return None
