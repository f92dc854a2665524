"""What a task prints: its result as text, JSON or YAML, and its error; and the streams for both."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kafka_tasks.tasks.call import Call

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError

OUTPUTS = ("text", "json", "yaml")

# What an encoding without them shows for the signs that tables and plans are drawn with.
_SUBSTITUTES = {"─": "-", "→": "->", "…": "..."}

_Result = TypeVar("_Result")
_Shown = TypeVar("_Shown", contravariant=True)


class View(Protocol[_Shown]):
    """How a result is shown: a module of `render/views` is one."""

    def document(self, found: _Shown, /) -> Mapping[str, Any]:
        """Return the result for machines."""

    def text(self, found: _Shown, /, *, width: int) -> str:
        """Return the result for people, in lines of so many columns where it is a table."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task's result, its view, and the exit code; `plans` where it shows what is not done."""

    result: Any
    view: View[Any]
    exit_code: int = 0
    plans: bool = False


def shown(
    result: _Result, view: View[_Result], exit_code: int = 0, *, plans: bool = False
) -> Outcome:
    """Return a result with the view that fits its type."""
    return Outcome(result, view, exit_code, plans)


def show(call: Call, outcome: Outcome) -> None:
    """Print a result on stdout, in the form that was asked for."""
    from kafka_tasks.render.printable import printable

    if call.output == "text":
        text = outcome.view.text(outcome.result, width=call.width)
        if call.told is not None and (outcome.plans or call.dry):
            from kafka_tasks.tasks.contexts import heading

            print(heading(call.told))
    else:
        text = encoded(call.output, outcome.view.document(outcome.result))
    if text:
        print(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def fail(output: str, error: KafkaTasksError) -> int:
    """Print an error: as text on stderr, else as the one document; returns its exit code."""
    from kafka_tasks.render.printable import printable
    from kafka_tasks.render.views import error as error_view

    try:
        if output == "text":
            print(printable(error_view.text(error)), file=sys.stderr)
        else:
            print(encoded(output, error_view.document(error)))
            sys.stdout.flush()
    except BrokenPipeError:
        abandon_stdout()
    return error.exit_code


def encoded(output: str, document: Mapping[str, Any]) -> str:
    """Return one JSON or YAML document, escaped where stdout's encoding lacks letters."""
    full = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    if output == "yaml":
        import yaml

        return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=full).rstrip()
    import json

    return json.dumps(document, ensure_ascii=not full)


def abandon_stdout() -> int:
    """Send the rest nowhere: the pipe's reader has left, and Python would complain at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 0


def make_streams_writable() -> None:
    """Replace a closed stream, and substitute letters that a stream's encoding lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and _lacks_letters(stream):
            codecs.register_error("substitute", _substituted)
            stream.reconfigure(errors="substitute")


def _lacks_letters(stream: io.TextIOWrapper) -> bool:
    # The C locale lets bytes through as surrogates, and still refuses letters.
    narrow = stream.encoding.lower().replace("-", "") != "utf8"
    return stream.errors == "strict" or (narrow and stream.errors == "surrogateescape")


def _substituted(error: UnicodeError) -> tuple[str, int]:
    """Return a sign's substitute, and any other letter escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    found = (_SUBSTITUTES.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost)
    return "".join(found), error.end
