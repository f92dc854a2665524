"""A command in this process, as if typed: what it printed and how it ended."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TextIO

from kafka_tasks.program import KafkaTasks
from kafka_tasks.tasks import kafka
from kafka_tasks.version import VERSION
from tests.fuzz.corpus import Wrong
from tests.fuzz.judging import EXIT_CODES, check_shown

# Opened before any case begins, which may write in its own directory alone.
_OUT, _ERR = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115


@dataclass(frozen=True)
class Typed:
    """How a command ended."""

    code: int
    out: str
    err: str

    def checked(self) -> str:
        """`exit N`; raises `Wrong` where that, or what was printed, is not as it should be."""
        if self.code not in EXIT_CODES:
            raise Wrong(f"exit code {self.code}")
        check_shown(self.err)
        if "Traceback (most recent call last)" in self.out:
            raise Wrong(f"a traceback: {self.out[-1500:]}")
        if self.code and not (self.out.strip() or self.err.strip()):
            raise Wrong(f"exit {self.code} without a word")
        if "Error: " in self.err and "Hint: " not in self.err and self.code != 1:
            raise Wrong(f"no hint: {self.err[-300:]}")
        return f"exit {self.code}"


def run(arguments: list[str], stdin: bytes = b"") -> Typed:
    """Run `kafka-tasks` with these arguments; a real file stands for each stream."""
    kept = sys.stdin, sys.stdout, sys.stderr
    code = 0
    program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka, version=VERSION)
    with ExitStack() as open_:
        out, err = open_.enter_context(_captured(_OUT)), open_.enter_context(_captured(_ERR))
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        sys.stdout, sys.stderr = out, err
        try:
            program.run(["kafka-tasks", *arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stdin, sys.stdout, sys.stderr = kept
    return Typed(code, *(_taken(file) for file in (_OUT, _ERR)))


@contextmanager
def _captured(file: IO[bytes]) -> Iterator[TextIO]:
    stream = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
    try:
        yield stream
    finally:
        stream.flush()
        stream.detach()


def _taken(file: IO[bytes]) -> str:
    file.seek(0)
    content = file.read()
    file.seek(0)
    file.truncate()
    return content.decode("utf-8", "replace")
