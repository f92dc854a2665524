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

_COMMAND_S = 60.0
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


def with_password(settings: Settings) -> Settings:
    """Return the settings with the password that the context's command prints, if it has one."""
    context = settings.remote
    if context is None or context.password_command is None:
        return settings
    from kafka_tasks.clients import processes
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.project import private
    from kafka_tasks.settings import Origin

    command = shlex.split(context.password_command)
    done = processes.run(command, timeout_s=_COMMAND_S, merged=False)
    if done.code:
        raise InvalidInput(
            f"The password_command of the context {context.name} failed with exit code "
            f"{done.code}.",
            evidence=(f"it is declared in {context.place}, and runs {command[0]}",),
            hint="run it by hand: it has to print the password on its first line",
        )
    word = private.required(done.output, f"what {command[0]} prints")
    origins = {**settings.origins, "sasl_password": Origin("context", context.place)}
    return replace(settings, sasl_password=word, origins=origins)
