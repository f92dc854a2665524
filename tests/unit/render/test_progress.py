from __future__ import annotations

import io

from kafka_tasks.model.events import Recorder
from kafka_tasks.render.progress import Progress
from kafka_tasks.testing import FakeClock


def _shown(clock: FakeClock, *, live: bool) -> str:
    stream = io.StringIO()
    with Progress(stream, live=live) as progress:
        recorder = Recorder(progress, clock)
        recorder.emit("started", layer="zookeeper")
        clock.now += 0.5
        recorder.passed("zookeeper", "zookeeper", "localhost:2181 [standalone]")
        recorder.emit("waiting", "refused", layer="broker", service="kafka", lines=("[1] INFO",))
        recorder.notice("found running: [kafka]")
        for done in range(0, 101, 5):
            recorder.progress("jars", done, 100)
    return stream.getvalue()


def test_without_a_terminal_lines_are_plain(clock: FakeClock) -> None:
    """A line for each layer, notice and tenth, without control characters."""
    lines = _shown(clock, live=False).splitlines()
    assert lines[:4] == [
        "ok zookeeper  zookeeper    0.50 s  localhost:2181 [standalone]",
        ".. broker: refused",
        "   kafka | [1] INFO",
        "-- found running: [kafka]",
    ]
    assert lines[4:] == [f"-- jars: {tenth * 10}%" for tenth in range(11)]
    assert not [char for line in lines for char in line if ord(char) < 32]


def test_on_a_terminal_text_from_elsewhere_is_not_markup(clock: FakeClock) -> None:
    """The live form says the same, with what services wrote shown as it is."""
    shown = _shown(clock, live=True)
    for piece in (
        "✓ zookeeper",
        "localhost:2181 [standalone]",
        "[1] INFO",
        "found running: [kafka]",
    ):
        assert piece in shown


def test_an_unfinished_live_line_is_ended() -> None:
    """Leaving the block, also by an error, stops what was moving."""
    stream = io.StringIO()
    progress = Progress(stream, live=True)
    with progress:
        Recorder(progress).emit("started", layer="broker")
        assert progress._status is not None
    assert progress._status is None


def test_a_bar_is_drawn_once() -> None:
    """A work that is complete may be told so again; another work has a bar of its own."""
    stream = io.StringIO()
    with Progress(stream, live=True) as progress:
        recorder = Recorder(progress)
        for done in (1, 2, 2):
            recorder.progress("topics", done, 2, "topics")
        assert stream.getvalue().count("topics") == 1
        recorder.progress("rights", 1, 1, "rights")
        assert stream.getvalue().count("rights") == 1
