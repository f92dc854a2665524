"""The `kafka-tasks` binary: the collection as a program of its own."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from invoke.program import Program

from kafka_tasks.tasks import kafka
from kafka_tasks.version import VERSION


class KafkaTasks(Program):
    """Invoke's program, with the project's `invoke.yaml` read as Invoke itself would."""

    def run(self, argv: Any = None, exit: bool = True) -> None:
        """Ctrl-C while Invoke parses is exit 130 too; Invoke itself would make it 1."""
        try:
            super().run(argv, exit)
        except SystemExit as ending:
            if isinstance(ending.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise

    def parse_core_args(self) -> None:
        """The script for zsh is our own."""
        super().parse_core_args()
        if self.args["print-completion-script"].value == "zsh":
            from invoke.exceptions import Exit

            from kafka_tasks.tasks._completion import ZSH

            print(ZSH, end="")
            raise Exit

    def parse_collection(self) -> None:
        """A program with a namespace of its own leaves the project's configuration out."""
        super().parse_collection()
        from kafka_tasks.errors import KafkaTasksError
        from kafka_tasks.project.directory import Project

        # Where there is no current directory, the task itself says so.
        with contextlib.suppress(KafkaTasksError):
            self.config.set_project_location(str(Project.find().path))
            self.config.load_project()

    def parse_cleanup(self) -> None:
        """Topics and groups complete as well; Invoke knows tasks and flags."""
        if self.args.complete.value:
            from invoke.context import Context
            from invoke.exceptions import Exit

            from kafka_tasks.tasks import _completion

            typed = self.core.remainder
            found = _completion.offered(typed, self.collection, Context(self.config))
            if found is not None:
                sys.stdout.writelines(f"{word}\n" for word in found)
                raise Exit
        super().parse_cleanup()


def main() -> None:
    """Run the command line."""
    KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka, version=VERSION).run()
