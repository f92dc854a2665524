"""Names of topics, groups and snapshots for a shell that completes, where Invoke knows none."""

from __future__ import annotations

import contextlib
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoke.collection import Collection
    from invoke.context import Context
    from invoke.parser.argument import Argument
    from invoke.parser.context import ParserContext

    from kafka_tasks.tasks._options import Call

# A shell waits for this, so a cluster that does not answer by then has no names, in seconds.
_PATIENCE_S = 0.6
# Bash expands what it is offered: a group called $(…) would be a command.
_SAFE = re.compile(r"[A-Za-z0-9._:@%+/-]+", re.ASCII)

# Invoke's own is for zsh's old way, which finds no command with a - in its name.
ZSH = """\
#compdef kafka-tasks
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }

_kafka_tasks() {
    local -a found
    found=(${(f)"$(kafka-tasks --complete -- ${words[1,CURRENT]} 2>/dev/null)"})
    if (( $#found )); then
        compadd -a found
    else
        _files
    fi
}

compdef _kafka_tasks kafka-tasks
"""

Names = Callable[[str], Sequence[str]]


def offered(typed: str, collection: Collection, context: Context) -> list[str] | None:
    """What may stand at the end of the command line, or None where Invoke itself knows it."""
    try:
        words = shlex.split(typed)
    except ValueError:  # a quotation that is not closed yet
        return []
    if words and PurePath(words[0]).name == "kafka-tasks":
        words = words[1:]
    return fitting(words, collection, lambda kind: known(kind, context))


def fitting(words: Sequence[str], collection: Collection, names: Names) -> list[str] | None:
    """The names that fit the last word, or that may follow it.

    Shells do not tell whether a space comes after it. They offer only what begins with what is
    typed, so that both can be answered.
    """
    if not words:
        return None
    last = words[-1]
    line = _Line(collection)
    for word in words[:-1]:
        line.read(word)
    here = line.expected
    if last.startswith("-") and line.flag is None and last not in line.flags:
        return None
    kind = line.kind
    found = [name for name in _listed(last, names(kind), here) if name != last] if kind else []
    if found:
        return found
    line.read(last)
    if line.kind is not None:
        return list(names(line.kind))
    return None if kind is None or last in names(kind) else []


def _listed(typed: str, names: Iterable[str], parameter: str | None) -> list[str]:
    """The names that begin so; where several are allowed, what is before the last comma stays."""
    before, comma, last = typed.rpartition(",") if parameter == "names" else ("", "", typed)
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


@dataclass(slots=True)
class _Line:
    """What has been typed so far, read as Invoke's parser would, but for its complaints."""

    collection: Collection
    contexts: dict[str, ParserContext] = field(init=False)
    task: str | None = None
    flag: Argument | None = None
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        every = self.collection.to_contexts()
        self.contexts = {name: at for at in every for name in (at.name, *at.aliases) if name}

    @property
    def flags(self) -> Any:
        """The flags of the task that is being typed."""
        return self.contexts[self.task].flags if self.task is not None else {}

    @property
    def expected(self) -> str | None:
        """The parameter that the next word is for; None where it is a task or a flag."""
        if self.flag is not None:
            return _parameter(self.flag)
        return self.missing[0] if self.missing else None

    @property
    def kind(self) -> str | None:
        """What the next word is a name of: topics, groups, snapshots or None."""
        if self.task is None or self.expected is None:
            return None
        found: str | None = self.collection[self.task].completes.get(self.expected)
        return found

    def read(self, word: str) -> None:
        """One word more."""
        if self.flag is not None:
            # Bash takes --topic=t for three words.
            self.flag = self.flag if word == "=" else None
        elif word.startswith("-"):
            self._read_flag(word)
        elif self.missing:
            self.missing.pop(0)
        elif word in self.contexts:
            self.task = word
            self.missing = [_parameter(at) for at in self.contexts[word].positional_args]

    def _read_flag(self, word: str) -> None:
        name, has_value, _ = word.partition("=")
        flag = self.flags.get(name)
        if flag is None:
            return
        with contextlib.suppress(ValueError):
            self.missing.remove(_parameter(flag))
        if flag.takes_value and not has_value:
            self.flag = flag


def _parameter(argument: Argument) -> str:
    return str(argument.attr_name or argument.name)


def known(kind: str, context: Context) -> list[str]:
    """Names of this kind; none of a cluster that does not answer at once. Never an error."""
    found: list[str] = []

    def ask() -> None:
        # Whatever is wrong, a shell that completes is no place to say it.
        with contextlib.suppress(Exception):
            found.extend(name for name in _asked(kind, context) if _SAFE.fullmatch(name))

    # Name resolution and a Docker engine that hangs know no deadline of ours.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE_S)
    return list(found)


def _asked(kind: str, context: Context) -> list[str]:
    from kafka_tasks.tasks._options import Call

    call = Call(context)
    return _snapshots(call) if kind == "snapshots" else _of_cluster(kind, call)


def _snapshots(call: Call) -> list[str]:
    from kafka_tasks.snapshots import store

    return store.names(call.project())


def _of_cluster(kind: str, call: Call) -> list[str]:
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.project import state

    project = call.project()
    settings = call.settings(project)
    # To choose a runtime may ask a registry for images: too much for a key that was pressed.
    undecided = settings.runtime == "auto" and settings.bootstrap_servers is None
    if undecided and state.read(project) is None:
        return []
    session = call.session()
    session.require_running()
    with Admin(session.runtime.cluster(settings)) as admin:
        if kind == "groups":
            return group_admin.names(admin, timeout_s=_PATIENCE_S)
        return sorted(n for n in admin.look(_PATIENCE_S).topics if not n.startswith("__"))
