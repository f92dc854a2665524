"""A task's own command line, to be typed again: for hints."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from typing import Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.task import KafkaTask


def repeated(call: Call, **changed: Any) -> str:
    """Return the command of this call, with these flags changed."""
    assert isinstance(call.task, KafkaTask)
    given = {**call.given, "output": call.output, **changed}
    words: list[str] = []
    for flag, parameter in inspect.signature(call.task.body).parameters.items():
        if flag in call.task.positional and not str(given[flag]).startswith("-"):
            words.append(shlex.quote(str(given[flag])))
        elif flag in given and given[flag] != parameter.default:
            words += _words(f"--{flag.strip('_').replace('_', '-')}", given[flag])
    return " ".join([f"invoke {call.task.full_name}", *words])


def _words(flag: str, value: Any) -> Iterator[str]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        if each is True:
            yield flag
        elif str(each).startswith("-"):
            yield f"{flag}={shlex.quote(str(each))}"
        elif each is not None and each is not False:
            yield f"{flag} {shlex.quote(str(each))}"
