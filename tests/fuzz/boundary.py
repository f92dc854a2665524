"""What a case may not do: write outside its directory, signal a process, leave this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Event → which of its arguments are paths that it changes.
_CHANGES = {
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "shutil.rmtree": (0,),
}
_LOOPBACK = ("127.", "::1", "localhost")


class Boundary:
    """Watches this process by an audit hook, which Python never takes back: there is one."""

    def __init__(self) -> None:
        self._root: str | None = None
        self._crossed: list[str] = []
        sys.addaudithook(self._watch)

    @contextmanager
    def around(self, root: Path) -> Iterator[None]:
        """While the block runs, everything outside `root` is noted."""
        self._root = os.path.realpath(root)
        try:
            yield
        finally:
            self._root = None

    def crossed(self) -> list[str]:
        """What was noted since it was asked last."""
        found, self._crossed = self._crossed, []
        return found

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._root is None:
            return
        if event == "open":
            path, _, flags = arguments
            if flags & _WRITES:
                self._note(event, path)
        elif event in _CHANGES:
            for index in _CHANGES[event]:
                self._note(event, arguments[index])
        elif event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
                self._crossed.append(f"{event} {address}")
        elif event == "os.kill" and arguments[1] != 0:
            self._crossed.append(f"{event} {arguments}")

    def _note(self, event: str, path: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        root = self._root or ""
        text = os.path.realpath(os.fsdecode(path))
        if not text.startswith((f"{root}{os.sep}", "/dev/")) and "__pycache__" not in text:
            self._crossed.append(f"{event} {text}")
