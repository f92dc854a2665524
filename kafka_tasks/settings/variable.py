"""What a setting is: its variable, its value as text, and where that comes from."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

PREFIX = "KAFKA_TASKS_"

_OriginKind = Literal[
    "flag", "environment", ".env", "invoke", "context", "client file", "project", "default"
]


class Origin(Struct, frozen=True):
    """The source of a value; `place` is its location for the user (`--brokers`, `.env:3`)."""

    kind: _OriginKind
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} ({self.place})" if self.place else self.kind

    @property
    def explicit(self) -> bool:
        """True if the user set the value."""
        return self.kind not in ("default", "project")


class Variable(Struct, frozen=True):
    """One setting: its field of `Settings`, default, parser, allowed values and meaning."""

    field: str
    default: str | None
    parse: Callable[[str], object]
    allowed: str
    meaning: str
    secret: bool = False
    renamed_flag: str | None = None

    @property
    def name(self) -> str:
        """The environment variable."""
        return PREFIX + self.field.upper()

    @property
    def flag(self) -> str:
        """The flag of the tasks that have one for it."""
        return self.renamed_flag or "--" + self.field.replace("_", "-")


class RawValue(Struct, frozen=True):
    """The text that a source has for a setting, before it is parsed."""

    text: str
    origin: Origin


def text(value: str) -> str:
    """Return a value that is not empty; raises `ValueError`."""
    if not value.strip() or "\0" in value:
        raise ValueError
    return value


def command(value: str) -> str:
    """Return a command line; raises `ValueError` where it has no word, or a quote is open."""
    if not shlex.split(text(value)):
        raise ValueError
    return value


def choice(*words: str) -> Callable[[str], str]:
    """Return a reader that takes one of these words; it raises `ValueError`."""

    def parse(value: str) -> str:
        if value not in words:
            raise ValueError
        return value

    return parse


def path(value: str) -> Path:
    """Return the path of a file or directory, with `~` expanded; raises `ValueError`."""
    try:
        return Path(text(value)).expanduser()
    except RuntimeError as error:  # ~name of an unknown user
        raise ValueError from error
