"""What a context adds to a call: its password, whether it may change something, and its name."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kafka_tasks.settings import Settings
    from kafka_tasks.settings.contexts import Context

# Task that changes a cluster → the flag without which it only looks, or None.
_CHANGING: Mapping[str, str | None] = {
    "kafka.topic": None,
    "kafka.topic.create": None,
    "kafka.topic.alter": None,
    "kafka.topic.delete": None,
    "kafka.topic.trim": None,
    "kafka.topic.apply": None,
    "kafka.group.reset": "execute",
    "kafka.group.delete": None,
    "kafka.user.create": None,
    "kafka.user.password": None,
    "kafka.user.delete": None,
    "kafka.acl.grant": None,
    "kafka.acl.revoke": None,
    "kafka.produce": None,
    "kafka.reset": None,
    "kafka.verify": None,
}


def require_writable(context: Context, task: str, given: Mapping[str, Any]) -> None:
    """Raise `Refused` where a task would change the cluster of a read-only context."""
    flag = _CHANGING.get(task, "")
    if not context.read_only or (flag is not None and not given.get(flag)):
        return
    from kafka_tasks.errors import Refused

    raise Refused(
        f"The context {context.name} is read-only, and {task} changes the cluster.",
        evidence=(f"read_only: true of {context.place}",),
        hint="invoke kafka.context.list shows the others",
    )


def is_told(task: str) -> bool:
    """Return whether a task plans or changes something, so that the context is named first."""
    return task in _CHANGING or task == "kafka.topic.plan"


def tell(settings: Settings) -> None:
    """Print on stderr, in the color of the context, which cluster the task is about."""
    from kafka_tasks.tasks.terminal import in_color

    context = settings.remote
    if context is None:
        return
    where = ",".join(map(str, settings.bootstrap_servers or ()))
    line = f"context {context.name}: {where}{' (read-only)' if context.read_only else ''}"
    # The reader of stderr may have left; the work continues without it.
    with contextlib.suppress(BrokenPipeError):
        print(f"-- {in_color(line, context.color, sys.stderr)}", file=sys.stderr, flush=True)


def heading(context: Context) -> str:
    """Return the line above a plan on stdout."""
    from kafka_tasks.tasks.terminal import in_color

    return in_color(f"Plan for {context.name}:", context.color, sys.stdout)


def with_passwords(settings: Settings) -> Settings:
    """Return the settings with the secrets that the context's commands print, if it has any."""
    context = settings.remote
    for field, command in context.commands.items() if context else ():
        settings = _with_printed(settings, field, command)
    return settings


def _with_printed(settings: Settings, field: str, line: str) -> Settings:
    """Return the settings with a secret that a command prints; raises `InvalidInput`."""
    from kafka_tasks.clients import secret_command
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.project import private
    from kafka_tasks.settings import Origin
    from kafka_tasks.settings.contexts import COMMANDS

    context = settings.remote
    assert context is not None
    name, program = COMMANDS[field], shlex.split(line)[0]
    done = secret_command.run(line, limit_s=settings.timeout)
    if done.code:
        raise InvalidInput(
            f"The {name} of the context {context.name} failed with exit code {done.code}.",
            evidence=(f"it is declared in {context.place}, and runs {program}",),
            hint="run it by hand: it has to print the secret on its first line",
        )
    word = private.required(done.output, f"what {program} prints")
    origins = {**settings.origins, field: Origin("context", context.place)}
    secret: Any = {field: word}
    return replace(settings, origins=origins, **secret)
