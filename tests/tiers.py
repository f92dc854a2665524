"""What runs on every commit, and what before a release alone: see CONTRIBUTING.md."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pytest


def telling(cases: Sequence[Any], *kept: Any) -> list[Any]:
    """Return the cases of a test; those that are not `kept` run before a release alone."""
    assert kept and all(each in cases for each in kept), f"{kept} of {cases}"
    return [each if each in kept else _for_release(each) for each in cases]


def _for_release(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.release)


def inherited_for_release(*names: str) -> Callable[[type], type]:
    """Mark these tests of a class that inherits them, and of no other that does."""

    def marked(heir: type) -> type:
        for name in names:
            setattr(heir, name, pytest.mark.release(_copied(getattr(heir, name))))
        return heir

    return marked


def _copied(test: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(test)
    def copy(*arguments: Any, **fixtures: Any) -> None:
        test(*arguments, **fixtures)

    return copy
