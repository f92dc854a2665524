"""`.env`: the KAFKA_TASKS_… values with their lines, and errors that name the line."""

from __future__ import annotations

import io
import re
from pathlib import Path

from kafka_tasks.errors import SettingsError
from kafka_tasks.settings.variable import PREFIX, Origin, RawValue
from kafka_tasks.settings.variables import find_variable

# A larger file has thousands of lines and takes seconds to parse.
_MAX_DOTENV = 256 * 1024
_MAX_VARIABLES = 100


def read(path: Path) -> dict[str, RawValue]:
    """Return the KAFKA_TASKS_… values of a `.env` file by field, none without a file.

    Raises `SettingsError` for a file or a line that cannot be read.
    """
    try:
        source = _source(path).decode("utf-8-sig").replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        hint = f'ls -l "{path}"; file "{path}"'
        raise SettingsError(f"{path} cannot be read: {error}.", hint=hint) from error
    from dotenv import dotenv_values

    lines = _lines(path, source)
    found: dict[str, RawValue] = {}
    for name, value in dotenv_values(stream=io.StringIO(source)).items():
        if name.startswith(PREFIX):
            variable = find_variable(name, f"{path}, line {lines[name]}")
            if value:
                origin = Origin(".env", f".env:{lines[name]}")
                found[variable.field] = RawValue(value, origin)
    return found


def _lines(path: Path, source: str) -> dict[str, int]:
    """Return the line of each name; raises `SettingsError` for a malformed line."""
    from dotenv.parser import parse_stream

    lines: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(source)):
        text = binding.original.string.lstrip()
        # The parser counts the empty lines before a binding as part of it.
        before = binding.original.string.removesuffix(text)
        line = binding.original.line + before.count("\n")
        # python-dotenv needs time that grows with the square of their number.
        if text.count("${") > _MAX_VARIABLES:
            raise SettingsError(
                f"{path}, line {line}: {_masked(text)!r} has more than {_MAX_VARIABLES} variables.",
                hint=f"put # before line {line} of {path}",
            )
        if binding.error or _is_half(binding.key, binding.value):
            raise SettingsError(
                f"{path}, line {line}: {_masked(text)!r} is not a line of the form NAME=value.",
                hint=f"write NAME=value in line {line} of {path}, or put # before it",
            )
        if binding.key is not None:
            lines[binding.key] = line
    return lines


def dotenv_values_of(path: Path) -> dict[str, str]:
    """Return every name and value of a `.env` file, also other tools'; none if it is unreadable."""
    from dotenv import dotenv_values

    try:
        source = _source(path).decode("utf-8-sig", errors="replace")
    except (OSError, SettingsError):
        return {}
    plain = source.count("${") > _MAX_VARIABLES
    found = dotenv_values(stream=io.StringIO(source), interpolate=not plain)
    return {name: value for name, value in found.items() if value}


def _source(path: Path) -> bytes:
    """Return the content of a `.env` file; raises `SettingsError` if the file is too large."""
    with open(path, "rb") as file:
        content = file.read(_MAX_DOTENV + 1)
    if len(content) > _MAX_DOTENV:
        size = f"{_MAX_DOTENV // 1024} KB"
        raise SettingsError(f"{path} is larger than {size}.", hint=f'ls -l "{path}"')
    return content


def _is_half(name: str | None, value: str | None) -> bool:
    """Return True for a line without `=` that is wrong.

    Compose passes a bare name on; a KAFKA_TASKS_… name needs a value.
    """
    if name is None or value is not None:
        return False
    return name.startswith(PREFIX) or not re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII)


def _masked(text: str) -> str:
    """Return only the name of a malformed line: what follows may be a secret."""
    match = re.match(r"(?:export\s+)?[A-Za-z_]\w*", text, re.ASCII)
    return f"{match[0][:60]}…" if match else "…"
