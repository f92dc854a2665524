"""Topics are changed in memory."""

from __future__ import annotations

import pytest

from kafka_tasks.topics import apply, deletion
from tests.unit.fakes import FakeChanges


@pytest.fixture(autouse=True)
def _changes_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (apply, deletion):
        monkeypatch.setattr(module, "changes", FakeChanges)
