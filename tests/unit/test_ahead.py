"""Work that begins before its result is asked for."""

from __future__ import annotations

import threading

import pytest

from kafka_tasks import ahead


def test_work_begins_at_once_and_beside() -> None:
    """In another thread, while this one goes on."""
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
