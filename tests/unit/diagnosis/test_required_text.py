from __future__ import annotations

import re

import pytest

from kafka_tasks.diagnosis import signatures
from kafka_tasks.diagnosis.required_text import required_text
from tests.unit.diagnosis.test_signatures import KNOWN, NAMES, lines_of


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("Address already in use", "Address already in use"),
        (r"Invalid cluster\.id in: (?P<path>\S{1,9}) end", "Invalid cluster.id in: "),
        ("abc|a longer one", ""),
        ("(?:abc|def) one", " one"),
        ("colou?r of things", "r of things"),
        (r"a\w+ bc", " bc"),
        ("ab+cd", "ab"),
        ("ab+?cdef", "cdef"),
        ("a.{0,5}?bcd", "bcd"),
        ("ab{0,2}cde", "cde"),
        ("[abc]de", "de"),
        (r"[\]x]de", "de"),
        ("[]x]de", "de"),
        ("(?i)error", ""),
        ("x(?!: (?:Java heap|GC))", "x"),
        (r"^\d$", ""),
        ("((a)b)c", "c"),
    ],
)
def test_each_match_contains_it(pattern: str, text: str) -> None:
    """Choices, options, classes and groups are not said to be there."""
    assert required_text(pattern) == text


@pytest.mark.parametrize("name", NAMES)
def test_no_line_that_a_signature_matches_lacks_it(name: str) -> None:
    """Whichever pattern finds a line, the line has the text of that pattern."""
    for line in lines_of(name):
        for known in KNOWN:
            for pattern, needed in zip(known.patterns, known.needed, strict=True):
                assert not pattern.search(line) or needed in line


def test_most_signatures_are_looked_for_by_a_text() -> None:
    """Else the search of a log takes seconds."""
    short = [known.id for known in KNOWN if min(map(len, known.needed)) < 3]
    assert len(short) < len(KNOWN) / 6, short


def test_lines_before_a_success_do_not_count() -> None:
    """A broker that was killed is refused until its old registration is gone, and then is not."""
    refused = "Another broker is registered with that broker id"
    lines = [refused, "[x] Successfully registered broker 3 with broker epoch 57"]
    assert signatures.search({"kafka-3": lines}) == []
    ((_, hit),) = signatures.search({"kafka-3": [*lines, f"again: {refused}"]})
    assert hit.lines == (f"again: {refused}",)


def test_overcome_is_a_pattern_that_takes_time_in_proportion() -> None:
    """As patterns do."""
    for known in KNOWN:
        assert known.overcome is None or not re.search(r"[^\\][.][*+]", known.overcome.pattern)
