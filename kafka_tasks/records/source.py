"""Lines of a file or a pipe, as they come, none longer than memory shall hold."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from kafka_tasks.errors import InvalidInput

# Escaped, a byte takes up to six characters of JSON; the rest is for headers and names.
_ESCAPED = 8
_AT_LEAST = 16 * 1024 * 1024


def lines_of(stream: BinaryIO, record_bytes: int) -> Iterator[bytes]:
    """Each line with its end, of a stream whose records take up to `record_bytes`.

    Raises `InvalidInput` for a line that no record of that size could need, and for UTF-16.
    """
    most = max(_AT_LEAST, record_bytes * _ESCAPED)
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        if number == 1:
            line = _without_mark(line)
        if len(line) > most:
            raise InvalidInput(
                f"Line {number} is longer than {most // 1024 // 1024} MB.",
                hint="a line is one record: tr '\\r' '\\n' where the line ends are old ones",
            )
        yield line


def _without_mark(line: bytes) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidInput(
            "The input is UTF-16; lines of JSON are UTF-8.",
            hint="iconv -f UTF-16 -t UTF-8 IN > OUT",
        )
    return line.removeprefix(codecs.BOM_UTF8)
