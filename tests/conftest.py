"""What every test shares."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("kafka-tasks", deadline=None, max_examples=60)
settings.load_profile("kafka-tasks")
