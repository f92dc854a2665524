"""The `kafka-tasks` binary: the collection as a program of its own."""

from __future__ import annotations

import contextlib
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

    def parse_collection(self) -> None:
        """A program with a namespace of its own leaves the project's configuration out."""
        super().parse_collection()
        from kafka_tasks.errors import KafkaTasksError
        from kafka_tasks.project.directory import Project

        # Where there is no current directory, the task itself says so.
        with contextlib.suppress(KafkaTasksError):
            self.config.set_project_location(str(Project.find().path))
            self.config.load_project()


def main() -> None:
    """Run the command line."""
    KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka, version=VERSION).run()
