from __future__ import annotations

import time

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.positions import Position, parse_moment, parse_position
from kafka_tasks.model.topic import Offsets

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("start", Position("start")),
        ("end", Position("end")),
        (" end ", Position("end")),
        ("+10", Position("after-start", 10)),
        ("-10", Position("before-end", 10)),
        ("0", Position("offset", 0)),
        ("9223372036854775807", Position("offset", 2**63 - 1)),
        ("@1767225600000", Position("time", 1_767_225_600_000)),
        ("@-2h", Position("time", 1_800_000_000_000 - 7_200_000)),
    ],
)
def test_positions_are_read(text: str, position: Position) -> None:
    """Words, counts, offsets and times each become their kind."""
    assert parse_position(text, now=NOW) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "begin",
        "+",
        "-",
        "--5",
        "+-5",
        "1.5",
        "1e3",
        "٣",
        "9223372036854775808",
        "-x",
        "earliest",
    ],
)
def test_other_positions_are_refused_with_what_is_allowed(text: str) -> None:
    """The sentence names the flag and every form."""
    with pytest.raises(InvalidInput, match=r"--from is .*start, end, \+N"):
        parse_position(text, flag="--from")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00Z", 1_769_860_800_000),
        ("2026-01-31T12:00:00.250+00:00", 1_769_860_800_250),
        ("2026-01-31T14:00+02:00", 1_769_860_800_000),
        ("@1769860800000", 1_769_860_800_000),
        ("0", 0),
        ("now", 1_800_000_000_000),
        ("-90s", 1_799_999_910_000),
        ("-1d12h", 1_799_870_400_000),
        ("-250ms", 1_799_999_999_750),
    ],
)
def test_moments_are_milliseconds_since_the_epoch(text: str, moment: int) -> None:
    """ISO 8601 with a zone, milliseconds, and times ago."""
    assert parse_moment(text, NOW) == moment


def test_a_time_without_a_zone_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody reads off the clock on the wall."""
    monkeypatch.setenv("TZ", "Etc/GMT-3")
    time.tzset()
    try:
        assert parse_moment("2026-01-31T15:00") == 1_769_860_800_000
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text",
    ["", "@", "yesterday", "2026-13-01", "-2y", "--2h", "+2h", "99999999999999999", "-999999w"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """One sentence, and the forms that work as the hint."""
    with pytest.raises(InvalidInput, match="is not a time") as refused:
        parse_moment(text, NOW)
    assert "@-2h" in str(refused.value.hint)


@pytest.mark.parametrize("text", ["1767225600", "20260131"])
def test_seconds_and_dates_are_not_taken_for_milliseconds(text: str) -> None:
    """A number that would mean a day in January 1970 is asked about, not obeyed."""
    with pytest.raises(InvalidInput, match="could be a date or seconds"):
        parse_moment(text, NOW)


@pytest.mark.parametrize(
    ("position", "offset"),
    [
        (Position("start"), 100),
        (Position("end"), 150),
        (Position("after-start", 7), 107),
        (Position("after-start", 70), 150),
        (Position("before-end", 7), 143),
        (Position("before-end", 70), 100),
        (Position("offset", 120), 120),
        (Position("offset", 5), 100),
        (Position("offset", 1000), 150),
    ],
)
def test_a_position_stays_within_the_log(position: Position, offset: int) -> None:
    """What lies before the first or after the next offset becomes that offset."""
    assert position.offset_in(Offsets(100, 150)) == offset


@pytest.mark.parametrize(("at_time", "offset"), [(130, 130), (None, 150), (-1, 150), (90, 100)])
def test_a_moment_after_every_record_is_the_end(at_time: int | None, offset: int) -> None:
    """The broker knows no offset for it then."""
    assert Position("time", 5).offset_in(Offsets(100, 150), at_time) == offset
