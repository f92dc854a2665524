from __future__ import annotations

from kafka_tasks.model.events import Event, Mark, Recorder
from kafka_tasks.testing import FakeClock


def test_a_passed_layer_becomes_a_mark_and_an_event(clock: FakeClock) -> None:
    """The timeline has each layer with its service and the seconds since the beginning."""
    clock.now = 100.0
    seen: list[Event] = []
    recorder = Recorder(seen.append, clock)
    clock.now = 100.5236
    recorder.passed("zookeeper", "zookeeper", "standalone")
    clock.now = 101.0
    recorder.passed("cluster", None)
    assert recorder.timeline == (
        Mark("zookeeper", "zookeeper", 0.524),
        Mark("cluster", None, 1.0),
    )
    assert [(event.kind, event.layer, event.text) for event in seen] == [
        ("passed", "zookeeper", "standalone"),
        ("passed", "cluster", ""),
    ]


def test_a_recorder_begins_again(clock: FakeClock) -> None:
    """Later times count from then, and earlier marks are gone."""
    recorder = Recorder(clock=clock)
    recorder.passed("process", "kafka")
    clock.now += 60
    recorder.begin()
    clock.now += 2
    recorder.passed("stopped", "kafka")
    assert recorder.timeline == (Mark("stopped", "kafka", 2.0),)


def test_notices_and_progress_leave_no_mark(clock: FakeClock) -> None:
    """Only layers that hold are in the timeline; the listener hears everything."""
    seen: list[Event] = []
    recorder = Recorder(seen.append, clock)
    recorder.notice("hear, hear")
    recorder.progress("jars", 1, 3)
    recorder.emit("waiting", "slow", layer="broker", service="kafka", lines=("a",))
    assert recorder.timeline == ()
    assert seen == [
        Event("notice", 0.0, text="hear, hear"),
        Event("progress", 0.0, text="jars", done=1, total=3),
        Event("waiting", 0.0, "broker", "kafka", "slow", ("a",)),
    ]


def test_a_recorder_needs_no_listener() -> None:
    """Without a listener the marks are kept all the same."""
    recorder = Recorder()
    recorder.notice("nobody hears")
    recorder.progress("nobody", 1, 1)
    recorder.passed("process", "kafka")
    assert [mark.layer for mark in recorder.timeline] == ["process"]
