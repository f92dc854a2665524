"""Progress on stderr: a line a layer, live on a terminal, plain elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any, TextIO

from kafka_tasks.model.events import Event
from kafka_tasks.render.printable import printable


class Progress:
    """A listener of a recorder that writes to a stream (stderr). Use it with `with`."""

    def __init__(self, stream: TextIO | None = None, *, live: bool) -> None:
        self._stream = stream or sys.stderr
        self._live = live
        self._status: Any = None
        self._bar: Any = None
        self._bar_task: Any = None
        self._shown: tuple[str, int] | None = None
        self._layer: str | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_live()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        shown: dict[str, Callable[[Event], None]] = {
            "started": self._started,
            "passed": self._passed,
            "waiting": self._waiting,
            "notice": self._notice,
            "progress": self._progress,
        }
        shown[event.kind](event)

    def _started(self, event: Event) -> None:
        self._layer = event.layer
        if not self._live:
            return
        if self._status is None:
            self._status = self._console().status("", spinner="dots")
            self._status.start()
        self._status.update(f"waiting for {event.layer}")

    def _passed(self, event: Event) -> None:
        mark = "[green]✓[/]" if self._live else "ok"
        what = f"{event.layer or '':<11}{event.service or '':<11}"
        self._line(f"{mark} {what}{event.at_s:6.2f} s  {self._plain(event.text)}".rstrip())

    def _waiting(self, event: Event) -> None:
        self._line(f".. {event.layer}: {self._plain(event.text)}")
        for line in event.lines:
            self._line(f"   {event.service} | {self._plain(line)}")

    def _notice(self, event: Event) -> None:
        self._line(f"-- {self._plain(event.text)}")

    def _progress(self, event: Event) -> None:
        done, total = event.done or 0, max(1, event.total or 1)
        tenth = done * 10 // total
        is_new, self._shown = self._shown != (event.text, tenth), (event.text, tenth)
        # A bar that is full would be drawn a second time.
        if self._live and (is_new or self._bar is not None):
            self._draw_bar(event, done, total)
        elif not self._live and is_new:
            self._line(f"-- {event.text}: {tenth * 10}%")

    def _draw_bar(self, event: Event, done: int, total: int) -> None:
        if self._bar is None:
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeElapsedColumn,
            )
            from rich.progress import Progress as Bar

            self._end_live()
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn() if event.unit else DownloadColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Bar(*columns, console=self._console())
            self._bar.start()
            self._bar_task = self._bar.add_task(event.text, total=total)
        self._bar.update(self._bar_task, completed=done)
        if done >= total:
            self._end_live()

    def _line(self, text: str) -> None:
        # The pipe's reader may have left; the work continues without it.
        text = printable(text)
        with contextlib.suppress(BrokenPipeError):
            if self._live:
                self._console().print(text, highlight=False, soft_wrap=True, emoji=False)
            else:
                print(text, file=self._stream, flush=True)

    def _plain(self, text: str) -> str:
        """Return foreign text without its markup: brackets are shown as they are."""
        if not self._live:
            return text
        from rich.markup import escape

        return escape(text)

    def _console(self) -> Any:
        if not hasattr(self, "_made"):
            from rich.console import Console

            self._made = Console(file=self._stream)
        return self._made

    def _end_live(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
