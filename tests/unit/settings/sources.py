"""Settings from the sources of a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kafka_tasks.settings import Settings, load


def loaded(path: Path, **sources: Any) -> Settings:
    """Load the settings of a project from these sources, without the process environment."""
    return load(path, **{"environ": {}, **sources})
