"""Work in a thread of its own."""

from __future__ import annotations

import threading

import pytest

from kafka_tasks import ahead


def test_work_begins_at_once_and_beside() -> None:
    """In another thread, while this one continues."""
    begun, may_end = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        may_end.wait(60)
        return threading.current_thread().name

    coming = ahead.begin(work)
    assert begun.wait(60)
    assert not coming.done()
    may_end.set()
    assert coming.result() != threading.current_thread().name


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    """The thread says nothing by itself."""
    coming = ahead.begin(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        coming.result()


def test_work_with_a_limit_keeps_what_it_has_by_then() -> None:
    """It may hang afterwards."""
    found: list[int] = []
    may_end = threading.Event()

    def work() -> None:
        found.append(1)
        may_end.wait(60)
        found.append(2)

    ahead.within(lambda: found.append(0), 60)
    assert found == [0]
    ahead.within(work, 0)
    assert 2 not in found
    may_end.set()
