"""Foreign text without the characters that control a terminal."""

from __future__ import annotations

import re

# Control characters but tab and line end, what turns text around, and half surrogates.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return the text with each such character as Python would write it: `\\x1b[31m`."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)
