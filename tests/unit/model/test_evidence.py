from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model.evidence import after, name_an_error, noteworthy, telling

QUIET = [f"[main] INFO line {number}" for number in range(50)]


def test_errors_come_before_the_last_lines() -> None:
    """The cause is kept though the server logged its whole shutdown after it."""
    lines = ["INFO starting", "ERROR Exiting Kafka due to fatal exception", *QUIET]
    assert telling(lines, 4) == [lines[1], *QUIET[-3:]]


def test_the_first_errors_are_kept() -> None:
    """Of many errors the first two thirds of the room: later ones follow from them."""
    errors = [f"ERROR number {number}" for number in range(20)]
    assert telling([*errors, *QUIET], 6) == [*errors[:4], *QUIET[-2:]]


@pytest.mark.parametrize(
    "line",
    [
        "[2024-05-01 10:00:00,000] FATAL cannot go on (kafka.Kafka$)",
        "Caused by: java.nio.file.AccessDeniedException",
        "Error: Could not create the Java Virtual Machine.",
        "org.apache.kafka.common.KafkaException: Socket server failed to bind",
        "write failed: No space left on device",
    ],
)
def test_what_counts_as_an_error(line: str) -> None:
    """Log levels, causes, the JVM's own words and a full disk tell something."""
    assert telling([line, *QUIET], 3)[0] == line


@pytest.mark.parametrize("line", ["INFO ERRORS_TOTAL=0", "INFO no Error: here", "INFO errors=0"])
def test_what_counts_as_no_error(line: str) -> None:
    """A word that merely looks alike pushes nothing out."""
    assert telling([line, *QUIET], 3) == QUIET[-3:]
    assert not name_an_error([line, *QUIET])
    assert name_an_error([line, "ERROR b"])


def test_a_short_log_is_shown_as_a_whole() -> None:
    """Each line once, in the order of the log, errors too."""
    lines = ["INFO a", "ERROR b", "INFO c", "ERROR d"]
    assert telling(lines) == lines
    assert telling([]) == []


@given(
    lines=st.lists(st.sampled_from(["INFO a", "ERROR b", "Caused by: c", ""]), max_size=40),
    limit=st.integers(1, 15),
)
def test_never_more_than_the_limit(lines: list[str], limit: int) -> None:
    """Not above the limit, the log's last line is among them, and their order is the log's."""
    numbered = [f"{line} {number}" for number, line in enumerate(lines)]
    found = telling(numbered, limit)
    assert len(found) <= limit
    assert found == [line for line in numbered if line in set(found)]
    assert not numbered or found[-1] == numbered[-1]


def at(second: int, text: str) -> str:
    """A line of a broker's log."""
    return f"[2026-03-01 12:00:{second:02},000] {text}"


JOINS = at(3, "INFO [GroupCoordinator 1]: Stabilized group billing generation 1 with 1 members")
LOG = [
    at(0, "INFO Created log for partition orders-0 (kafka.log.LogManager)"),
    at(1, "INFO [GroupCoordinator 1]: Elected as the group coordinator for partition 0 in epoch 0"),
    at(2, "WARN [RequestSendThread] Connection to node 2 was broken"),
    "java.io.IOException: Connection reset",
    *(f"\tat frame {number}" for number in range(9)),
    JOINS,
    at(4, "ERROR [ReplicaManager broker=1] Error processing append"),
]


def test_warnings_and_members_of_groups_are_noteworthy() -> None:
    """What a broker says of itself is left out, and a stack trace is cut."""
    found = noteworthy(LOG, 20)
    assert found == [*LOG[2:7], *LOG[-2:]]


def test_without_room_warnings_come_before_groups() -> None:
    """What does not fit is counted."""
    assert noteworthy(LOG, 6) == [*LOG[2:7], LOG[-1], "… and 1 more like these"]
    assert noteworthy([JOINS] * 3, 1) == [JOINS, "… and 2 more like these"]
    assert noteworthy(LOG[:2], 20) == []


@pytest.mark.parametrize(
    "line",
    [
        "INFO [GroupCoordinator id=1 topic=__consumer_offsets partition=26] Dynamic member with "
        "unknown member id joins group billing in Empty state.",
        "INFO [TransactionCoordinator id=1] Initialized transactionalId billing-1 with "
        "producerId 0 and producer epoch 0 on partition __transaction_state-48",
    ],
)
def test_both_kafka_lines_tell_of_groups_and_transactions(line: str) -> None:
    """Kafka 3 and 4 word them differently."""
    assert noteworthy([at(1, line)], 5) == [at(1, line)]


def test_a_log_in_utc_is_read_in_utc() -> None:
    """Containers have no time zone: noon is noon in Greenwich."""
    noon = 1772366400.0
    assert after(LOG, noon + 3, utc=True) == LOG[-2:]
    assert after(LOG, noon + 9, utc=True) == []
