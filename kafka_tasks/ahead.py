"""Work in a thread of its own, begun before its result is needed, or with a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

_T = TypeVar("_T")


def begin(work: Callable[[], _T]) -> Future[_T]:
    """Begin work in a thread, and return its result to come, which may be an error.

    A process that ends does not wait for it.
    """
    coming: Future[_T] = Future()

    def run() -> None:
        try:
            coming.set_result(work())
        except BaseException as error:
            coming.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return coming


def within(work: Callable[[], None], limit_s: float) -> None:
    """Do work for at most so many seconds: name resolution and a hanging engine ignore a deadline.

    What it has collected by then stays; its errors are its own.
    """
    wait([begin(work)], limit_s)
