"""Which lines of a log tell what went wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence

# How far back the cause may lie: a server that gives up logs its whole shutdown after it.
WINDOW = 400
_LOUD = re.compile(r"\b(?:ERROR|FATAL)\b|^Caused by: |^Error: |Exception: |No space left on device")


def telling(lines: Sequence[str], limit: int = 12) -> list[str]:
    """Up to `limit` lines: those that name an error first, and the last ones."""
    loud = [index for index, line in enumerate(lines) if _LOUD.search(line)][: limit * 2 // 3]
    rest = range(max(0, len(lines) - (limit - len(loud))), len(lines))
    return [lines[index] for index in sorted({*loud, *rest})]
