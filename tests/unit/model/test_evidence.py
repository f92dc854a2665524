from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model.evidence import name_an_error, telling

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
