"""What of a hint fits: on a remote cluster, with a context, and in the task that failed."""

from __future__ import annotations

import re

from kafka_tasks.errors import BrokerUnreachable, Interrupted, KafkaTasksError, NotReady, Refused
from kafka_tasks.settings import PREFIX
from kafka_tasks.settings.contexts import CONNECTION, Context, key_of

# Tasks that a remote cluster does not have, and what only those take.
_LOCAL = re.compile(
    r"\bkafka(\.|-tasks )(up|down|restart|logs|pull|snapshot\.\w+)\b|--brokers\b|more brokers"
)
# Tasks that only look: called again, they say the same again.
_LOOKING = frozenset(
    {"kafka.status", "kafka.wait", "kafka.doctor", "kafka.verify", "kafka.config", "kafka.list"}
    | {"kafka.topic.list", "kafka.topic.describe", "kafka.group.list", "kafka.group.describe"}
)
# What these find out of a remote cluster that does not answer is what every other task says of it.
_ECHOES = ("invoke kafka.status", "invoke kafka.doctor")
# Shows which cluster is asked, where it does not answer.
ADDRESSES = "invoke kafka.config shows KAFKA_TASKS_BOOTSTRAP_SERVERS with its origin"
_NAME = re.compile(rf"{PREFIX}({'|'.join(name.upper() for name in CONNECTION)})\b(=?)")


def in_context(hint: str | None, context: Context | None) -> str | None:
    """Return a hint that says in the words of a context what a setting would not change."""
    if hint is None or context is None:
        return hint
    return "; ".join(_as_declared(part, context) for part in re.split(r";\s+", hint))


def _as_declared(part: str, context: Context) -> str:
    verb, _, rest = part.partition(" ")
    if verb not in ("export", "set") or not _NAME.match(rest):
        return part
    keys = _NAME.sub(lambda found: key_of(found[1].lower()) + (found[2] and ": "), rest)
    # Of several assignments, each begins after the value of another.
    keys = re.sub(r"(: [^\s,]+) (?=\w+: )", r"\1, ", keys)
    return f"under {context.place}, {'write' if verb == 'export' else 'set'} {keys}"


def fitting(hint: str | None, runtime: str | None, task: str = "") -> str | None:
    """Return the parts of a hint that help on this runtime, outside of this task; None for none.

    Parts are separated by semicolons.
    """
    parts = re.split(r";\s+", hint or "")
    kept = [part for part in parts if _fits(part, runtime, task)]
    if kept == parts:
        return hint
    return "; ".join([re.sub(r"^or ", "", kept[0]), *kept[1:]]) if kept else None


def _fits(part: str, runtime: str | None, task: str) -> bool:
    if runtime == "remote" and _LOCAL.search(part):
        return False
    again = task in _LOOKING and re.search(rf"\binvoke {re.escape(task)}(?![.\w])(?! -)", part)
    return not again


def fitting_of(error: KafkaTasksError, runtime: str | None, task: str) -> str | None:
    """Return what fits of an error's hint, else what says more: `doctor`, or the settings."""
    if error.hint is None or isinstance(error, (Refused, Interrupted)):
        return error.hint
    silent = runtime == "remote" and isinstance(error, (BrokerUnreachable, NotReady))
    parts = re.split(r";\s+", error.hint)
    told = "; ".join(part for part in parts if not (silent and part.startswith(_ECHOES)))
    found = fitting(told, runtime, task)
    return found or (ADDRESSES if silent or task == "kafka.doctor" else "invoke kafka.doctor")
