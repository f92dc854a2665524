"""A case of a project in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.diagnosis.examination import Case
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeRuntime

MakeCase = Callable[..., Case]


@pytest.fixture
def settings(project: Project) -> Settings:
    """The defaults, without asking for an engine."""
    return load(project.path, environ={"KAFKA_TASKS_RUNTIME": "embedded"})


@pytest.fixture
def make_case(project: Project, settings: Settings) -> MakeCase:
    """Makes a case: `settings` fields by name, `environ`, and the runtime with its logs."""

    def make(
        *, runtime: str = "embedded", environ: dict[str, str] | None = None, **changes: Any
    ) -> Case:
        logs = changes.pop("logs", {})
        chosen = replace(settings, **changes)
        fake = FakeRuntime(project.path, name=runtime, logs=logs)
        session = Session(project, chosen, fake, "a test", Recorder())
        return Case(project, chosen, session, environ or {})

    return make
