"""What every test shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what each suite has: all of it, or what is run on every commit."""
    parser.addoption("--full", action="store_true", help="all tests and sizes, as for a release")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked for a release."""
    if not config.getoption("--full"):
        leave_out(config, items, lambda item: item.get_closest_marker("release") is not None)


def leave_out(
    config: pytest.Config, items: list[pytest.Item], is_left_out: Callable[[pytest.Item], bool]
) -> None:
    """Deselect tests, before any cluster is started for them."""
    left = [item for item in items if is_left_out(item)]
    items[:] = [item for item in items if not is_left_out(item)]
    config.hook.pytest_deselected(items=left)
