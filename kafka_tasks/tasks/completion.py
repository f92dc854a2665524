"""Shell completion for names of topics, groups, users and snapshots; Invoke completes the rest."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoke.collection import Collection
    from invoke.context import Context
    from invoke.parser.argument import Argument
    from invoke.parser.context import ParserContext

    from kafka_tasks.tasks.call import Call

# The shell waits for this: a cluster that does not answer in time (seconds) offers no names.
_ANSWER_S = 0.6
# Bash expands the names it is offered: a group called $(…) would run as a command.
_SAFE = re.compile(r"[A-Za-z0-9._:@%+/-]+", re.ASCII)

# Invoke's script uses compctl, which finds no command with a - in its name.
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
    """Return the names that may end the command line, or None where Invoke completes it."""
    try:
        words = shlex.split(typed)
    except ValueError:  # a quotation that is not closed yet
        return []
    if words and PurePath(words[0]).name == "kafka-tasks":
        words = words[1:]
    return fitting(words, collection, lambda kind: known(kind, context))


def fitting(words: Sequence[str], collection: Collection, names: Names) -> list[str] | None:
    """Return the names that fit the last word, or that may follow it.

    Shells do not tell whether a space comes after it. They offer only what begins with the typed
    word, so that both can be returned.
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
    """Return the names that begin so; in a list, the text before the last comma is kept."""
    before, comma, last = typed.rpartition(",") if parameter == "names" else ("", "", typed)
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


@dataclass(slots=True)
class _Line:
    """The words typed so far, read as Invoke's parser reads them, but without its errors."""

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
        """The flags of the typed task."""
        return self.contexts[self.task].flags if self.task is not None else {}

    @property
    def expected(self) -> str | None:
        """The parameter that the next word is for; None where it is a task or a flag."""
        if self.flag is not None:
            return _parameter(self.flag)
        return self.missing[0] if self.missing else None

    @property
    def kind(self) -> str | None:
        """Return the kind of name that comes next: topics, groups, snapshots or None."""
        if self.task is None or self.expected is None:
            return None
        found: str | None = self.collection[self.task].completes.get(self.expected)
        return found

    def read(self, word: str) -> None:
        """Read the next word."""
        if self.flag is not None:
            # Bash splits --topic=t into three words.
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
    """Return the names of this kind; none, and no error, where the cluster answers too late."""
    from kafka_tasks import ahead

    found: list[str] = []

    def ask() -> None:
        # A completing shell has no place for an error.
        with contextlib.suppress(Exception):
            found.extend(name for name in _asked(kind, context) if _SAFE.fullmatch(name))

    ahead.within(ask, _ANSWER_S)
    return list(found)


def _asked(kind: str, context: Context) -> list[str]:
    from kafka_tasks.tasks.call import Call

    if kind == "rights":
        from kafka_tasks.model.access import RIGHTS

        return list(RIGHTS)
    call = Call(context)
    if kind == "contexts":
        from kafka_tasks.settings import contexts

        return list(contexts.declared(call.project().path, call.section))
    return _snapshots(call) if kind == "snapshots" else _of_cluster(kind, call)


def _snapshots(call: Call) -> list[str]:
    from kafka_tasks.snapshots import store

    return store.names(call.project())


def _of_cluster(kind: str, call: Call) -> list[str]:
    from kafka_tasks.clients.kafka import group_admin, scram
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.project import state

    project = call.project()
    settings = call.settings(project)
    # Choosing a runtime may ask a registry for images: too slow for a key press.
    undecided = settings.runtime == "auto" and settings.bootstrap_servers is None
    if undecided and state.read(project) is None:
        return []
    session = call.session()
    session.require_running()
    with Admin(session.cluster()) as admin:
        if kind == "groups":
            return group_admin.names(admin, timeout_s=_ANSWER_S)
        if kind == "users":
            return list(scram.users(admin, timeout_s=_ANSWER_S))
        return sorted(n for n in admin.look(_ANSWER_S).topics if not n.startswith("__"))
