"""The decorator that makes a task of a function, and the flags that tasks share.

Nothing heavy is imported here: `invoke --list` reads this file.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import (
    OUTPUTS,
    Outcome,
    abandon_stdout,
    fail,
    make_streams_writable,
    show,
)

if TYPE_CHECKING:
    from inspect import Signature

# The help of --timeout where no readiness is waited for.
ANSWERS = {"timeout": "seconds to wait for an answer (default 10, for changes 30)"}

_HELP = {
    "output": "text, json or yaml",
    "timeout": "seconds to be ready (default 60)",
    "yes": "do not ask",
    "runtime": "auto, embedded or compose",
    "kafka_version": "Confluent Platform or Apache Kafka version, such as 7.9 or 4.4",
    "mode": "auto, zookeeper or kraft",
    "brokers": "number of brokers, 1 to 9",
    "context": "remote cluster by name (KAFKA_TASKS_CONTEXT)",
    "cluster_id": "id of the cluster to change; required on a remote cluster",
}


class _Flag(Argument):
    """A flag that Invoke's parser copies quickly.

    For each command line it copies all flags of all tasks, the attributes of each one by one; that
    was a third of what these tasks cost `invoke --list`.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> _Flag:
        """Return a copy that shares what no parser changes: all but the list of its values."""
        copied = object.__new__(_Flag)
        copied.__dict__.update(self.__dict__)
        if isinstance(self._value, list):
            copied._value = list(self._value)
        return copied


class KafkaTask(Task):  # type: ignore[type-arg]
    """A task with -o for --output, and equal to itself alone.

    Invoke cannot be told which short flag to use, and treats tasks with the same code as one.
    `completes` says of which parameters a shell may complete names, and of what: topics, groups,
    users or snapshots. `full_name` has that of the collection, as in kafka.topic.delete.
    """

    completes: Mapping[str, str] = MappingProxyType({})
    full_name = ""

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Return Invoke's own options, with the one short flag."""
        options = super().arg_opts(name, default, taken_names)
        if name == "output":
            options["names"] = ["output", "o"]
        if name.endswith("_"):  # a word that Python keeps for itself
            options["names"], options["attr_name"] = [name.rstrip("_")], name
        return options

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return Invoke's own flags, quick to copy."""
        found = super().get_arguments(ignore_unknown_help)
        for argument in found:
            argument.__class__ = _Flag
        return found

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def task(
    *,
    name: str | None = None,
    default: bool = False,
    iterable: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    help: Mapping[str, str] | None = None,
    completes: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Outcome | None]], KafkaTask]:
    """Make a task of a function `(call, …flags) -> Outcome`.

    Every task has --output and --context. Its result is printed in the form that was asked for, and
    so is its error, once, which also becomes the exit code.
    """

    def decorate(function: Callable[..., Outcome | None]) -> KafkaTask:
        import inspect

        @functools.wraps(function)
        def run(invoked: Context, /, **flags: Any) -> None:
            output = flags.pop("output", "text")
            call = Call(invoked, output, made, dict(flags))
            flags.pop("context", None)
            _carry_out(function, call, flags)

        known = {**_HELP, **(help or {})}
        signature = _with_context(inspect.signature(function))
        # Invoke asks for it again, and would derive it anew.
        run.__signature__ = signature  # type: ignore[attr-defined]
        made = KafkaTask(
            run,
            name=name or function.__name__,
            positional=[
                flag
                for flag, one in list(signature.parameters.items())[1:]
                if one.default is inspect.Parameter.empty
            ],
            default=default,
            iterable=iterable,
            optional=optional,
            auto_shortflags=False,
            help={flag: known[flag] for flag in signature.parameters if flag in known},
        )
        made.completes = {**(completes or {}), "context": "contexts"}
        return made

    return decorate


def _with_context(signature: Signature) -> Signature:
    """Return the signature with --context, which every task has."""
    from inspect import Parameter

    flag = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, default=None)
    return signature.replace(parameters=[*signature.parameters.values(), flag])


def _carry_out(function: Callable[..., Outcome | None], call: Call, flags: dict[str, Any]) -> None:
    with _bytecode_as_python_was_told():
        _attempt(function, call, flags)


def _attempt(function: Callable[..., Outcome | None], call: Call, flags: dict[str, Any]) -> None:
    from kafka_tasks.errors import KafkaTasksError

    make_streams_writable()
    try:
        _require_output(call)
        with _termination_as_interrupt(), _no_foreign_writers():
            outcome = function(call, **flags)
        code = 0
        if outcome is not None:
            show(call, outcome)
            code = outcome.exit_code
    except BrokenPipeError:
        code = abandon_stdout()
    except (KafkaTasksError, KeyboardInterrupt, OSError) as error:
        code = _failed(call, error)
    if code:
        raise Exit(code=code)


def _failed(call: Call, error: Any) -> int:
    """Print an error and return its exit code; Ctrl-C ends the examination, too."""
    from kafka_tasks.tasks.failure import translated

    with _termination_as_interrupt():
        try:
            said = translated(call, error)
        except KeyboardInterrupt as interrupt:
            call.attempt = None
            said = translated(call, interrupt)
    return fail(call.output, said)


def _require_output(call: Call) -> None:
    if call.output in OUTPUTS:
        return
    from kafka_tasks.errors import InvalidInput

    wanted, call.output = call.output, "text"
    raise InvalidInput(
        f"--output is {wanted!r}; allowed: {', '.join(OUTPUTS)}.", hint="--output json"
    )


def comes_from_a_task(error: BaseException) -> bool:
    """Return True for an error of a task's body: a fault of this package, which stays visible."""
    import traceback

    return any(
        frame.f_code is _carry_out.__code__ for frame, _ in traceback.walk_tb(error.__traceback__)
    )


@contextlib.contextmanager
def _bytecode_as_python_was_told() -> Iterator[None]:
    """Write bytecode unless -B or PYTHONDONTWRITEBYTECODE says no, while the block runs.

    Invoke forbids it for the sake of tasks files. After an installer that writes none (uv, any
    editable checkout) each command would compile all that it imports.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


@contextlib.contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM and a closed terminal as Ctrl-C while the block runs."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    try:
        before = {number: signal.signal(number, interrupt) for number in numbers}
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _no_foreign_writers() -> Iterator[None]:
    """Refuse other users write access to what the block creates: jars and archives are executed."""
    before = os.umask(0o022)
    os.umask(before | 0o022)
    try:
        yield
    finally:
        os.umask(before)


def number(value: str | None, flag: str) -> int | None:
    """Read a whole number that was typed; raises `InvalidInput`."""
    if value is None:
        return None
    from kafka_tasks.errors import InvalidInput

    try:
        return int(str(value))
    except ValueError as error:
        raise InvalidInput(
            f"{flag} is {value!r}, which is not a whole number.", hint=f"{flag} 1"
        ) from error


def optional_word(value: str | bool | None, flag: str, task: str, noun: str) -> str | None:
    """Return the word after a flag that may stand alone; raises `InvalidInput` for another flag.

    A flag that the task does not know, such as Invoke's own --dry, reaches it as that word.
    """
    if not isinstance(value, str):
        return None
    if value.startswith("-"):
        from kafka_tasks.errors import InvalidInput

        raise InvalidInput(
            f"{value!r} after {flag} looks like a flag, not like {noun}.",
            evidence=["Invoke's own flags precede the task"],
            hint=f"invoke --help {task}",
        )
    return value
