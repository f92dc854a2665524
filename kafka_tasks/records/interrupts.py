"""Delays Ctrl-C to a moment at which the counts are exact."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")


class Interrupts:
    """Within `with`, SIGINT, SIGTERM and SIGHUP take effect only in `heed` and `through`.

    Between sending a record and counting it, an interrupt would make the counts wrong.
    """

    def __init__(self) -> None:
        self._came = False
        self._waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        try:
            self._before = {number: signal.signal(number, self._heard) for number in numbers}
        except ValueError:  # not the main thread
            self._before = {}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, *_: object) -> None:
        self._came = True
        if self._waiting:
            self.heed()

    def heed(self) -> None:
        """Raise `KeyboardInterrupt`, once, if a signal came meanwhile."""
        if self._came:
            self._came = self._waiting = False
            raise KeyboardInterrupt

    def through(self, blocks: Iterable[_T]) -> Iterator[_T]:
        """Yield the blocks; while one is waited for, a signal takes effect at once."""
        source = iter(blocks)
        while True:
            self._waiting = True
            self.heed()
            block = next(source, None)
            self._waiting = False
            if block is None:
                return
            yield block
