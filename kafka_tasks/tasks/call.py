"""What a task was called with: flags, project, settings, session, and the width of the screen."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from invoke.context import Context as InvokeContext
from invoke.tasks import Task

if TYPE_CHECKING:
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.events import Listener
    from kafka_tasks.project.directory import Project
    from kafka_tasks.settings import Settings
    from kafka_tasks.settings.contexts import Context

# A pipe is not folded: whatever reads it splits lines.
_NO_LIMIT = 1_000_000


@dataclass(slots=True)
class Attempt:
    """Work whose failure is examined; `starts` where `doctor` remembers how it failed."""

    doing: str
    starts: bool = False
    session: Session | None = None


@dataclass(slots=True)
class Call:
    """One call of a task: Invoke's context and the flags that all tasks understand.

    `given` are all flags of the task as Invoke has read them; those of `flags` are settings. `told`
    is the context that was named on stderr.
    """

    context: InvokeContext
    output: str = "text"
    task: Task[Any] | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    flags: dict[str, str | None] = field(default_factory=dict)
    attempt: Attempt | None = None
    told: Context | None = None

    @property
    def dry(self) -> bool:
        """Invoke's own --dry."""
        return bool(self.context.config.run.dry)

    @property
    def width(self) -> int:
        """Columns for tables: the terminal's, or no limit in a pipe."""
        import shutil

        return shutil.get_terminal_size().columns if sys.stdout.isatty() else _NO_LIMIT

    def project(self) -> Project:
        """Return the project of the current directory."""
        from kafka_tasks.project.directory import Project

        return Project.find()

    def settings(self, project: Project) -> Settings:
        """Return the project's settings, with this call's flags on top."""
        from kafka_tasks import settings
        from kafka_tasks.project import choices

        return settings.load(
            project.path,
            flags={"context": self.given.get("context"), **self.flags},
            section=self.section,
            remembered=choices.remembered(project),
        )

    @property
    def section(self) -> dict[str, Any]:
        """The `kafka` section of Invoke's configuration."""
        section = self.context.config.get("kafka", {})
        if not isinstance(section, Mapping) and not hasattr(section, "items"):
            section = {}
        return dict(section.items())

    def session(self, listener: Listener | None = None) -> Session:
        """Return a session: project, settings, runtime and recorder."""
        from kafka_tasks.lifecycle.session import open_session
        from kafka_tasks.model.events import Recorder

        project = self.project()
        settings = self.settings(project)
        recorder = Recorder(listener)
        if settings.remote is not None:
            from kafka_tasks.tasks import contexts

            name = getattr(self.task, "full_name", "")
            if not self.dry:
                contexts.require_writable(settings.remote, name, self.given)
            if contexts.is_told(name):
                self.tell(settings)
            settings = contexts.with_passwords(settings)
        if settings.are_remote and settings.unused_properties:
            names = ", ".join(settings.unused_properties)
            recorder.notice(f"{settings.client_properties}: not used by kafka-tasks: {names}")
        return open_session(project, settings, recorder)

    def tell(self, settings: Settings) -> None:
        """Name the context on stderr, unless that is done or there is none."""
        from kafka_tasks.tasks import contexts

        if self.told is None:
            contexts.tell(settings)
            self.told = settings.remote

    @contextlib.contextmanager
    def watched(self) -> Iterator[Session]:
        """Yield a session and show its progress on stderr while the block runs."""
        from kafka_tasks.render.progress import Progress
        from kafka_tasks.tasks.terminal import shows_colors

        live = self.output == "text" and shows_colors(sys.stderr)
        with Progress(live=live) as progress:
            yield self.session(progress)
