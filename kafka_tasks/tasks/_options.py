"""What all tasks share: their flags, their output, their errors and their exit codes.

Nothing heavy is imported here: `invoke --list` reads this file.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

if TYPE_CHECKING:
    from kafka_tasks.lifecycle import Session
    from kafka_tasks.model.events import Listener
    from kafka_tasks.project.directory import Project
    from kafka_tasks.settings import Settings

OUTPUTS = ("text", "json", "yaml")

# What an encoding without them shows for the signs that tables and plans are drawn with.
_LIKENESSES = {"─": "-", "→": "->", "…": "..."}

HELP = {
    "output": "text, json or yaml",
    "timeout": "seconds to be ready (default 60)",
    "yes": "do not ask",
    "runtime": "auto, embedded or compose",
    "brokers": "number of brokers, 1 to 5",
    "cluster_id": "the id of the remote cluster that may be changed",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task found: the document for machines, the text for people, the exit code."""

    document: Mapping[str, Any]
    text: Callable[[], str]
    exit_code: int = 0


@dataclass(slots=True)
class Call:
    """One call of a task: Invoke's context and the flags that all tasks understand."""

    context: Context
    output: str = "text"
    flags: dict[str, str | None] = field(default_factory=dict)

    @property
    def dry(self) -> bool:
        """Invoke's own --dry."""
        return bool(self.context.config.run.dry)

    @property
    def width(self) -> int:
        """Columns for tables: the terminal's, or no limit in a pipe."""
        import shutil

        return shutil.get_terminal_size().columns if sys.stdout.isatty() else 1_000_000

    def project(self) -> Project:
        """The project of the current directory."""
        from kafka_tasks.project.directory import Project

        return Project.find()

    def settings(self, project: Project) -> Settings:
        """Its settings, with this call's flags on top."""
        from kafka_tasks import settings
        from kafka_tasks.project import state

        section = self.context.config.get("kafka", {})
        if not isinstance(section, Mapping) and not hasattr(section, "items"):
            section = {}
        return settings.load(
            project.path,
            flags=self.flags,
            section=dict(section.items()),
            remembered=state.remembered(project),
        )

    def session(self, listener: Listener | None = None) -> Session:
        """Project, settings, runtime and recorder."""
        from kafka_tasks import lifecycle
        from kafka_tasks.model.events import Recorder

        project = self.project()
        return lifecycle.open_session(project, self.settings(project), Recorder(listener))

    @contextlib.contextmanager
    def watched(self) -> Iterator[Session]:
        """A session whose progress is shown on stderr while the block runs."""
        from kafka_tasks.render.progress import Progress
        from kafka_tasks.settings import environment

        terminal = sys.stderr.isatty() and environment().get("TERM") != "dumb"
        live = terminal and self.output == "text" and "NO_COLOR" not in environment()
        with Progress(live=live) as progress:
            yield self.session(progress)


class KafkaTask(Task):  # type: ignore[type-arg]
    """A task with -o for --output, and equal to itself alone.

    Invoke cannot be told which short flag to use, and takes tasks with the same code for one.
    `completes` says of which parameters a shell may complete names, and of what: topics, groups or
    snapshots.
    """

    completes: Mapping[str, str] = MappingProxyType({})

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Invoke's own, with the one short flag."""
        options = super().arg_opts(name, default, taken_names)
        if name == "output":
            options["names"] = ["output", "o"]
        if name.endswith("_"):  # a word that Python keeps for itself
            options["names"], options["attr_name"] = [name.rstrip("_")], name
        return options

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def verb(
    *,
    name: str | None = None,
    default: bool = False,
    iterable: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
    help: Mapping[str, str] | None = None,
    completes: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Outcome | None]], KafkaTask]:
    """Make a task of a function `(call, …flags) -> Outcome`.

    Every task has --output; whatever goes wrong in the body is said once, in the form that was
    asked for, and becomes the exit code.
    """

    def decorate(function: Callable[..., Outcome | None]) -> KafkaTask:
        import inspect

        @functools.wraps(function)
        def run(context: Context, **flags: Any) -> None:
            _carry_out(function, Call(context, flags.pop("output", "text")), flags)

        known = {**HELP, **(help or {})}
        parameters = inspect.signature(function).parameters
        task = KafkaTask(
            run,
            name=name or function.__name__,
            default=default,
            iterable=iterable,
            optional=optional,
            auto_shortflags=False,
            help={flag: known[flag] for flag in parameters if flag in known},
        )
        task.completes = completes or {}
        return task

    return decorate


def _carry_out(function: Callable[..., Outcome | None], call: Call, flags: dict[str, Any]) -> None:
    from kafka_tasks.errors import Interrupted, InvalidInput, KafkaTasksError

    _make_streams_writable()
    try:
        if call.output not in OUTPUTS:
            wanted, call.output = call.output, "text"
            raise InvalidInput(
                f"--output is {wanted!r}; allowed: {', '.join(OUTPUTS)}.", hint="--output json"
            )
        with _termination_as_interrupt(), _nobody_else_writes():
            outcome = function(call, **flags)
        if outcome is not None:
            _show(call, outcome)
            code = outcome.exit_code
        else:
            code = 0
    except KafkaTasksError as error:
        _discreet(call, error)
        code = fail(call.output, error)
    except KeyboardInterrupt:
        stopped = Interrupted("Interrupted; what this call had started is stopped again.")
        code = fail(call.output, stopped)
    except BrokenPipeError:
        code = reader_gone()
    except OSError as error:
        code = fail(call.output, _machine(error))
    if code:
        raise Exit(code=code)


def _discreet(call: Call, error: Any) -> None:
    from kafka_tasks.tasks._diagnosis import discreet

    discreet(call, error)


def is_of_a_task(error: BaseException) -> bool:
    """Whether it came out of a task's body: a fault of this package, which nobody shall hide."""
    import traceback

    return any(
        frame.f_code is _carry_out.__code__ for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def _make_streams_writable() -> None:
    """Daemons close standard streams, and some encodings lack letters: neither is an error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and _lacks_letters(stream):
            codecs.register_error("likened", _likened)
            stream.reconfigure(errors="likened")


def _lacks_letters(stream: io.TextIOWrapper) -> bool:
    # The C locale lets bytes through as surrogates, and still refuses letters.
    narrow = stream.encoding.lower().replace("-", "") != "utf8"
    return stream.errors == "strict" or (narrow and stream.errors == "surrogateescape")


def _likened(error: UnicodeError) -> tuple[str, int]:
    """A sign becomes its likeness, any other letter is escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    found = (_LIKENESSES.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost)
    return "".join(found), error.end


def _machine(error: OSError) -> Any:
    """A full or read-only disk, wherever it was met."""
    from kafka_tasks.errors import MachineError

    where = f" ({error.filename})" if error.filename else ""
    return MachineError(
        f"The system refused: {error.strerror or error}{where}.",
        hint="df -h . ; ls -ld .kafka-tasks",
    )


@contextlib.contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal end a call as Ctrl-C does: tidily."""

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
def _nobody_else_writes() -> Iterator[None]:
    """Jars and class archives are run: with a careless umask others could put in theirs."""
    before = os.umask(0o022)
    os.umask(before | 0o022)
    try:
        yield
    finally:
        os.umask(before)


def _show(call: Call, outcome: Outcome) -> None:
    from kafka_tasks.render.printable import printable

    as_text = call.output == "text"
    text = outcome.text() if as_text else encoded(call.output, outcome.document)
    if text:
        print(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def encoded(output: str, document: Mapping[str, Any]) -> str:
    """One JSON or YAML document, escaped where stdout's encoding lacks letters."""
    full = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    if output == "yaml":
        import yaml

        return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=full).rstrip()
    import json

    return json.dumps(document, ensure_ascii=not full)


def fail(output: str, error: Any) -> int:
    """Say an error where it belongs and return its exit code."""
    from kafka_tasks.render import as_json
    from kafka_tasks.render.printable import printable

    try:
        if output in ("json", "yaml"):
            print(encoded(output, as_json.error(error)))
            sys.stdout.flush()
        else:
            print(f"Error: {printable(error.message)}", file=sys.stderr)
            if error.cause:
                print(f"Cause: {printable(error.cause)}", file=sys.stderr)
            for line in error.evidence:
                print(f"  | {printable(line.rstrip())}", file=sys.stderr)
            if error.hint:
                print(f"Hint: {printable(error.hint)}", file=sys.stderr)
    except BrokenPipeError:
        reader_gone()
    return int(error.exit_code)


def reader_gone() -> int:
    """Whoever read the pipe has enough; Python would complain while it shuts down."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 0


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


def confirmed(question: list[str], *, yes: bool, hint: str) -> None:
    """Return when it was confirmed; raises `Refused`, without asking where nobody can answer."""
    if yes:
        return
    from kafka_tasks.errors import Refused

    if sys.stdin is not None and sys.stdin.isatty():
        from kafka_tasks.render.printable import printable

        print(printable("\n".join(question)), file=sys.stderr)
        print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
        raise Refused("Not confirmed; nothing was changed.", hint=hint)
    raise Refused(
        f"{question[0]} That was not confirmed, and there is no terminal to ask at.", hint=hint
    )
