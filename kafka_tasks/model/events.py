"""What happens while a cluster becomes ready, and the recorder that becomes the timeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

_Kind = Literal["started", "passed", "waiting", "notice", "progress"]


class Event(Struct, frozen=True):
    """One thing that happened, `at_s` seconds after the recorder began."""

    kind: _Kind
    at_s: float
    layer: str | None = None
    service: str | None = None
    text: str = ""
    lines: tuple[str, ...] = ()
    done: int | None = None
    total: int | None = None
    # What `done` and `total` count; None is bytes.
    unit: str | None = None


class Mark(Struct, frozen=True):
    """A row of the timeline: a readiness layer held for a service after `ready_s` seconds."""

    layer: str
    service: str | None
    ready_s: float


Listener = Callable[[Event], None]


class Recorder:
    """Hands each event on to its listener and keeps the marks."""

    def __init__(
        self, listener: Listener | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener = listener
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Count from now, with an empty timeline."""
        self._began = self._clock()
        self._marks: list[Mark] = []

    def elapsed(self) -> float:
        """Return the seconds since the recorder began."""
        return self._clock() - self._began

    def emit(
        self,
        kind: _Kind,
        text: str = "",
        *,
        layer: str | None = None,
        service: str | None = None,
        lines: tuple[str, ...] = (),
    ) -> None:
        """Tell the listener."""
        if self._listener:
            self._listener(Event(kind, self.elapsed(), layer, service, text, lines))

    def progress(self, text: str, done: int, total: int, unit: str | None = None) -> None:
        """Report how much of a longer work is done, in bytes or in `unit`."""
        if self._listener:
            event = Event("progress", self.elapsed(), text=text, done=done, total=total, unit=unit)
            self._listener(event)

    def passed(self, layer: str, service: str | None, text: str = "") -> None:
        """Record that a layer holds for a service: a mark and an event."""
        self._marks.append(Mark(layer, service, round(self.elapsed(), 3)))
        self.emit("passed", text, layer=layer, service=service)

    def notice(self, text: str) -> None:
        """Report a fact that a person should know, in one sentence."""
        self.emit("notice", text)

    @property
    def timeline(self) -> tuple[Mark, ...]:
        """The marks so far, in the order in which they were made."""
        return tuple(self._marks)
