"""Waiting with a deadline: the only importer of tenacity."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

_T = TypeVar("_T")

_Clock = Callable[[], float]


class NotYet(Exception):
    """The condition does not hold yet; the text says what was observed instead."""


class OutOfTime(Exception):
    """The deadline passed; `cause` is the last `NotYet`, `attempts` the number of tries."""

    def __init__(self, cause: NotYet | None, attempts: int) -> None:
        super().__init__(str(cause) if cause else "out of time")
        self.cause = cause
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock, shared by everything that waits for one outcome."""

    expires_at: float
    clock: _Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: _Clock = time.monotonic) -> Deadline:
        """Return the moment `seconds` from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.expires_at - self.clock())

    def expired(self) -> bool:
        """Return True once the moment has passed."""
        return self.clock() >= self.expires_at


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that failed, as an observer gets it."""

    number: int
    waited_s: float
    cause: NotYet


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The interval between tries: a short first wait, doubling to a low cap, in seconds.

    A ready cluster may go unnoticed for up to the cap, so the cap is well below a tenth of a
    second.
    """

    first_s: float = 0.01
    cap_s: float = 0.05
    clock: _Clock = time.monotonic
    sleep: Callable[[float], None] = field(default=time.sleep)

    def until(
        self,
        check: Callable[[], _T],
        deadline: Deadline,
        observe: Callable[[Attempt], None] | None = None,
    ) -> _T:
        """Call `check` until it stops raising `NotYet`, and return its result.

        Raises `OutOfTime` at the deadline; any other exception of `check` or `observe` stops the
        wait at once.
        """
        started = self.clock()
        try:
            # Mostly it holds at once: a command that has nothing to do imports no tenacity.
            return check()
        except NotYet as error:
            seen = [error]
        with _wholly("tenacity"):
            from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type
            from tenacity.wait import wait_exponential

        exponential = wait_exponential(multiplier=self.first_s, min=self.first_s, max=self.cap_s)

        def wait(state: RetryCallState) -> float:
            return min(exponential(state), deadline.remaining())

        def report(state: RetryCallState) -> None:
            cause = state.outcome.exception() if state.outcome else None
            if observe and isinstance(cause, NotYet):
                observe(Attempt(state.attempt_number, self.clock() - started, cause))

        def again() -> _T:
            if seen:
                raise seen.pop()
            return check()

        retrying = Retrying(
            retry=retry_if_exception_type(NotYet),
            stop=lambda _: deadline.expired(),
            wait=wait,
            sleep=self.sleep,
            before_sleep=report,
        )
        try:
            return retrying(again)
        except RetryError as exhausted:
            last = exhausted.last_attempt
            cause = last.exception()
            raise OutOfTime(
                cause if isinstance(cause, NotYet) else None, last.attempt_number
            ) from cause


@contextlib.contextmanager
def _wholly(package: str) -> Iterator[None]:
    """Import all of a package or nothing.

    Ctrl-C in the middle would leave parts with which the next import fails: that of the wait for
    what is stopped again.
    """
    try:
        yield
    except BaseException:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]
        raise
