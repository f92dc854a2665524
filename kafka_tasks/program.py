"""The `kafka-tasks` binary: the collection as a program of its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from kafka_tasks.invoke_program import Exit, ParseError, Program, UnexpectedExit
from kafka_tasks.tasks import kafka
from kafka_tasks.version import VERSION


class KafkaTasks(Program):
    """Invoke's program, which also reads the project's `invoke.yaml`.

    An error of Invoke itself, outside of a task, is one sentence and no traceback.
    """

    def run(self, argv: Any = None, exit: bool = True) -> None:
        """Run the command line; Ctrl-C while Invoke parses is exit 130, not Invoke's 1."""
        try:
            super().run(_help_first(sys.argv if argv is None else argv), exit)
        except SystemExit as ending:
            if isinstance(ending.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise

    def create_config(self) -> None:
        """Read the files of the system and of the user."""
        with _errors_in_words():
            super().create_config()

    def parse_core(self, argv: list[str] | None) -> None:
        """Read Invoke's own flags."""
        with _errors_in_words():
            super().parse_core(argv)

    def parse_core_args(self) -> None:
        """Read Invoke's own flags, and print the package's own completion script for zsh."""
        super().parse_core_args()
        if self.args["print-completion-script"].value == "zsh":
            from kafka_tasks.tasks.completion import ZSH

            print(ZSH, end="")
            raise Exit

    def parse_collection(self) -> None:
        """Read the project's configuration too: Invoke skips it where a namespace is given."""
        with _errors_in_words():
            super().parse_collection()
            from kafka_tasks.errors import KafkaTasksError
            from kafka_tasks.project.directory import Project

            # Without a current directory, the task itself fails with that error.
            with contextlib.suppress(KafkaTasksError):
                self.config.set_project_location(str(Project.find().path))
                self.config.load_project()

    def parse_tasks(self) -> None:
        """Read the tasks and their flags."""
        with _errors_in_words():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        """Print help, lists and completions; names of topics, groups and snapshots too."""
        with _errors_in_words():
            if self.args.complete.value:
                from invoke.context import Context

                from kafka_tasks.tasks import completion

                typed = self.core.remainder
                found = completion.offered(typed, self.collection, Context(self.config))
                if found is not None:
                    sys.stdout.writelines(f"{word}\n" for word in found)
                    raise Exit
            super().parse_cleanup()

    def update_config(self, merge: bool = True) -> None:
        """Put the flags, and the file that one of them names, into the configuration."""
        with _errors_in_words():
            super().update_config(merge)

    def execute(self) -> None:
        """Read the environment's INVOKE_ names, and run the tasks."""
        with _errors_in_words():
            super().execute()


def _help_first(argv: Any) -> Any:
    """Return the command line with a `--help` after the task before it, where Invoke looks for it.

    A task that takes a name would take the flag as the name.
    """
    if not isinstance(argv, list) or len(argv) < 3 or argv[1].startswith("-"):
        return argv
    return [argv[0], "--help", argv[1]] if "--help" in argv[2:] else argv


@contextlib.contextmanager
def _errors_in_words() -> Iterator[None]:
    """Turn what YAML, JSON and int() raise inside of Invoke into one sentence; end with exit 3."""
    try:
        yield
    except (Exit, UnexpectedExit):
        raise
    except ParseError as error:
        from kafka_tasks.render.printable import printable

        raise ParseError(printable(str(error)), error.context) from error
    except BrokenPipeError:
        from kafka_tasks.tasks.output import abandon_stdout

        raise Exit(code=abandon_stdout()) from None
    except Exception as error:
        from kafka_tasks.diagnosis.secrets import mask
        from kafka_tasks.errors import InvalidInput
        from kafka_tasks.tasks.output import fail
        from kafka_tasks.tasks.task import comes_from_a_task

        if comes_from_a_task(error):
            raise
        said = f"{type(error).__name__}: {error}".splitlines()
        unread = InvalidInput(
            "Invoke cannot read its flags, or one of its configuration files.",
            evidence=[line[:200] for line in said[:6]],
            hint="kafka-tasks --help; ls -l invoke.* ~/.invoke.* /etc/invoke.*",
        )
        mask(unread, None)
        raise Exit(code=fail("text", unread)) from error


def main() -> None:
    """Run the command line."""
    KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka, version=VERSION).run()
