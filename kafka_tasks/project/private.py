"""Files that their owner alone may read, whatever the umask says."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

MODE = 0o600
DIRECTORY_MODE = 0o700
# For processes that write such files themselves.
UMASK = 0o077


def opener(path: str, flags: int) -> int:
    """Open for `open(…, opener=opener)`; others lose their rights to an existing file, too."""
    number = os.open(path, flags, MODE)
    with contextlib.suppress(OSError):  # another user's, or a file system without modes
        os.fchmod(number, MODE)
    return number


def write(path: Path, content: bytes) -> None:
    """Write a whole file."""
    with open(path, "wb", opener=opener) as file:
        file.write(content)
