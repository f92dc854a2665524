"""Invoke's program, imported without modules that a command rarely uses.

Invoke loads `importlib.metadata` for its `__version__`, `unittest.mock` for its `MockContext`, and
a YAML reader for configuration files that most projects do not have: a sixth of what a command
takes that lists something.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


def _later(module: str, name: str) -> Callable[..., Any]:
    """Return a function that imports its namesake when it is called."""

    def called(*arguments: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **named)

    return called


@contextlib.contextmanager
def _replaced(module: str, **used: Any) -> Iterator[None]:
    """Have a placeholder with the names that Invoke uses, unless the module is loaded already."""
    if module in sys.modules:
        yield
        return
    placeholder = ModuleType(module)
    vars(placeholder).update(used)
    sys.modules[module] = placeholder
    try:
        yield
    finally:
        del sys.modules[module]


with (
    _replaced("importlib.metadata", version=lambda _: "not looked up"),
    _replaced("unittest.mock", Mock=_later("unittest.mock", "Mock")),
    _replaced("invoke.vendor.yaml", safe_load=_later("invoke.vendor.yaml", "safe_load")),
):
    from invoke.exceptions import Exit, ParseError, UnexpectedExit
    from invoke.program import Program

__all__ = ["Exit", "ParseError", "Program", "UnexpectedExit"]
