"""The `kafka-tasks` binary: the collection as a program of its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from invoke.exceptions import Exit, ParseError, UnexpectedExit
from invoke.program import Program

from kafka_tasks.tasks import kafka
from kafka_tasks.version import VERSION


class KafkaTasks(Program):
    """Invoke's program, with the project's `invoke.yaml` read as Invoke itself would.

    What Invoke stumbles over outside of a task is said in a sentence.
    """

    def run(self, argv: Any = None, exit: bool = True) -> None:
        """Ctrl-C while Invoke parses is exit 130 too; Invoke itself would make it 1."""
        try:
            super().run(argv, exit)
        except SystemExit as ending:
            if isinstance(ending.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise

    def create_config(self) -> None:
        """Read the files of the system and of the user."""
        with _in_a_sentence():
            super().create_config()

    def parse_core(self, argv: list[str] | None) -> None:
        """Read Invoke's own flags."""
        with _in_a_sentence():
            super().parse_core(argv)

    def parse_core_args(self) -> None:
        """The script for zsh is our own."""
        super().parse_core_args()
        if self.args["print-completion-script"].value == "zsh":
            from kafka_tasks.tasks._completion import ZSH

            print(ZSH, end="")
            raise Exit

    def parse_collection(self) -> None:
        """A program with a namespace of its own leaves the project's configuration out."""
        with _in_a_sentence():
            super().parse_collection()
            from kafka_tasks.errors import KafkaTasksError
            from kafka_tasks.project.directory import Project

            # Where there is no current directory, the task itself says so.
            with contextlib.suppress(KafkaTasksError):
                self.config.set_project_location(str(Project.find().path))
                self.config.load_project()

    def parse_tasks(self) -> None:
        """Read the tasks and their flags."""
        with _in_a_sentence():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        """Names complete as well; Invoke knows tasks and flags, help and lists."""
        with _in_a_sentence():
            if self.args.complete.value:
                from invoke.context import Context

                from kafka_tasks.tasks import _completion

                typed = self.core.remainder
                found = _completion.offered(typed, self.collection, Context(self.config))
                if found is not None:
                    sys.stdout.writelines(f"{word}\n" for word in found)
                    raise Exit
            super().parse_cleanup()

    def update_config(self, merge: bool = True) -> None:
        """Put the flags, and the file that one of them names, into the configuration."""
        with _in_a_sentence():
            super().update_config(merge)

    def execute(self) -> None:
        """Read the environment's INVOKE_ names, and run the tasks."""
        with _in_a_sentence():
            super().execute()


@contextlib.contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Invoke knows its own errors, and leaves those of YAML, JSON and int() to Python."""
    try:
        yield
    except (Exit, UnexpectedExit):
        raise
    except ParseError as error:
        from kafka_tasks.render.printable import printable

        raise ParseError(printable(str(error)), error.context) from error
    except BrokenPipeError:
        from kafka_tasks.tasks._options import reader_gone

        raise Exit(code=reader_gone()) from None
    except Exception as error:
        from kafka_tasks.errors import InvalidInput
        from kafka_tasks.tasks._options import fail, is_of_a_task

        if is_of_a_task(error):
            raise
        said = f"{type(error).__name__}: {error}".splitlines()
        unread = InvalidInput(
            "Invoke cannot read its flags, or one of its configuration files.",
            evidence=[line[:200] for line in said[:6]],
            hint="kafka-tasks --help; ls -l invoke.* ~/.invoke.* /etc/invoke.*",
        )
        raise Exit(code=fail("text", unread)) from error


def main() -> None:
    """Run the command line."""
    KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka, version=VERSION).run()
