"""A log-in of Java, as `sasl.jaas.config` has it."""

from __future__ import annotations

from collections.abc import Mapping


def log_in(module: str, options: Mapping[str, str]) -> str:
    """Return the log-in by this module; values may have quotation marks and line ends."""
    written = "".join(f' {name}="{_quoted(value)}"' for name, value in options.items())
    return f"{module} required{written};"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
