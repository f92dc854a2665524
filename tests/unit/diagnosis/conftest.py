"""An examination of a project in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.diagnosis.examination import Examination
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeRuntime

MakeExam = Callable[..., Examination]


@pytest.fixture
def settings(project: Project) -> Settings:
    """Return the default settings, without asking for an engine."""
    return load(project.path, environ={"KAFKA_TASKS_RUNTIME": "embedded"})


@pytest.fixture
def make_exam(project: Project, settings: Settings) -> MakeExam:
    """Return a function that makes an examination from settings, environ, runtime and logs."""

    def make(
        *, runtime: str = "embedded", environ: dict[str, str] | None = None, **changes: Any
    ) -> Examination:
        logs = changes.pop("logs", {})
        chosen = replace(settings, **changes)
        fake = FakeRuntime(project.path, name=runtime, logs=logs)
        session = Session(project, chosen, fake, "a test", Recorder())
        return Examination(project, chosen, session, environ or {})

    return make
