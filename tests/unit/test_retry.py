from __future__ import annotations

import sys
from typing import Any

import pytest

from kafka_tasks.retry import Attempt, Deadline, NotYet, OutOfTime
from kafka_tasks.testing import FakeClock, instant_policy


class _Eventually:
    """A check that holds at the given call."""

    def __init__(self, holds_at: int) -> None:
        self.calls = 0
        self.holds_at = holds_at

    def __call__(self) -> str:
        self.calls += 1
        if self.calls < self.holds_at:
            raise NotYet(f"seen {self.calls}")
        return "held"


def test_what_holds_at_once_costs_no_wait(clock: FakeClock) -> None:
    """A first look that holds returns its result without any sleep."""
    assert instant_policy(clock).until(_Eventually(1), clock.deadline(1)) == "held"
    assert clock.sleeps == []


def test_waits_double_up_to_the_cap(clock: FakeClock) -> None:
    """The waits begin short, double, and never exceed the cap."""
    policy = instant_policy(clock, first_s=0.01, cap_s=0.05)
    policy.until(_Eventually(7), clock.deadline(60))
    assert clock.sleeps == pytest.approx([0.01, 0.02, 0.04, 0.05, 0.05, 0.05])


def test_the_deadline_ends_the_wait_with_the_last_cause(clock: FakeClock) -> None:
    """OutOfTime carries the last NotYet, its words and the number of tries."""
    check = _Eventually(10**6)
    with pytest.raises(OutOfTime) as caught:
        instant_policy(clock, first_s=0.01, cap_s=0.05).until(check, clock.deadline(0.2))
    assert str(caught.value) == f"seen {check.calls}"
    assert str(caught.value.cause) == f"seen {check.calls}"
    assert caught.value.attempts == check.calls
    assert caught.value.__cause__ is caught.value.cause


def test_no_wait_goes_beyond_the_deadline(clock: FakeClock) -> None:
    """The last wait is cut to what is left, and the check gets a last look at the deadline."""
    with pytest.raises(OutOfTime):
        instant_policy(clock, first_s=0.3, cap_s=10).until(_Eventually(99), clock.deadline(1.0))
    assert clock.now == pytest.approx(1.0)
    assert clock.sleeps == pytest.approx([0.3, 0.6, 0.1])


def test_an_expired_deadline_still_allows_one_look(clock: FakeClock) -> None:
    """With no time at all the check is called once: it may hold already."""
    check = _Eventually(1)
    assert instant_policy(clock).until(check, clock.deadline(0)) == "held"
    with pytest.raises(OutOfTime):
        instant_policy(clock).until(_Eventually(2), clock.deadline(0))
    assert clock.sleeps == []


def test_an_observer_is_told_each_failed_try(clock: FakeClock) -> None:
    """Each try that did not hold reaches the observer with its number, time and cause."""
    told: list[Attempt] = []
    instant_policy(clock, first_s=1, cap_s=1).until(_Eventually(3), clock.deadline(60), told.append)
    assert [(entry.number, entry.waited_s, str(entry.cause)) for entry in told] == [
        (1, 0.0, "seen 1"),
        (2, 1.0, "seen 2"),
    ]


def test_another_error_ends_the_wait_at_once(clock: FakeClock) -> None:
    """What is not NotYet passes through on the first try, unchanged."""

    def check() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        instant_policy(clock).until(check, clock.deadline(60))
    assert clock.sleeps == []


def test_an_observer_can_end_the_wait(clock: FakeClock) -> None:
    """An error of the observer ends the wait before the next sleep."""

    def observe(_: Attempt) -> None:
        raise LookupError("dead")

    with pytest.raises(LookupError, match="dead"):
        instant_policy(clock).until(_Eventually(9), clock.deadline(60), observe)
    assert clock.sleeps == []


def test_out_of_time_without_a_cause_says_so() -> None:
    """An OutOfTime that never saw a try still has words."""
    assert str(OutOfTime(None, 0)) == "out of time"


def test_a_deadline_counts_down_and_stays_at_zero(clock: FakeClock) -> None:
    """What remains shrinks with the clock and is never negative."""
    deadline = Deadline.after(2.0, clock)
    clock.now = 1.5
    assert (deadline.remaining(), deadline.expired()) == (0.5, False)
    clock.now = 5.0
    assert (deadline.remaining(), deadline.expired()) == (0.0, True)


class _Interrupting:
    """Ctrl-C in the middle of an import: this module's turn has come."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, *_: Any) -> None:
        if name == self.name:
            raise KeyboardInterrupt


def test_ctrl_c_while_the_library_loads_leaves_no_part_of_it(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for what is stopped again after it loads the library itself."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tenacity"]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sys, "meta_path", [_Interrupting("tenacity.wait"), *sys.meta_path])
        instant_policy(clock).until(_Eventually(2), clock.deadline(1))
    assert not [name for name in sys.modules if name.startswith("tenacity")]
    assert instant_policy(clock).until(_Eventually(2), clock.deadline(1)) == "held"
