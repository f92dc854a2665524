"""Where a test's settings come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kafka_tasks.settings import Settings, load


def loaded(path: Path, **sources: Any) -> Settings:
    """The settings of a project, from these sources and from nothing outside the test."""
    return load(path, **{"environ": {}, **sources})
