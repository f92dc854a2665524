"""Reads lines of a file or a pipe as they come, with a limit for their length."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from io import BufferedIOBase

from kafka_tasks.errors import InvalidInput

# An escaped byte takes up to six characters of JSON; the rest is for headers and names.
_ESCAPED = 8
_AT_LEAST = 16 * 1024 * 1024
_CHUNK = 256 * 1024


def blocks_of(stream: BufferedIOBase, record_bytes: int) -> Iterator[list[bytes]]:
    """Yield lines, without their ends, of a stream whose records take up to `record_bytes`.

    Each block has the lines that are available, so that a pipe is read as it is written. Raises
    `InvalidInput` for a line longer than a record of that size needs, and for UTF-16.
    """
    most = max(_AT_LEAST, record_bytes * _ESCAPED)
    rest, number = b"", 0
    while chunk := stream.read1(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        longest = lines[0] if lines else rest
        if len(longest) > most:
            raise InvalidInput(
                f"Line {number + 1} is longer than {most // 1024 // 1024} MB.",
                hint="a line is one record; for line ends of old Macs: tr '\\r' '\\n'",
            )
        if lines:
            if number == 0:
                lines[0] = _without_mark(lines[0])
            number += len(lines)
            yield lines
    if rest:
        yield [rest if number else _without_mark(rest)]


def _without_mark(line: bytes) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidInput(
            "The input is UTF-16; lines of JSON are UTF-8.",
            hint="iconv -f UTF-16 -t UTF-8 IN > OUT",
        )
    return line.removeprefix(codecs.BOM_UTF8)
