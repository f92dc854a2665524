"""What every test shares."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

# Runs of pytest inside tests of the pytest plugin.
pytest_plugins = ["pytester"]

# What several suites share asserts as readably as they do.
pytest.register_assert_rewrite("tests.contract")

# CI draws the same examples each time; a hand at the keyboard sees new ones.
settings.register_profile(
    "kafka-tasks", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("kafka-tasks")

# A job in the background of a shell inherits Ctrl-C as ignored, and so would every command that a
# test starts in order to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
