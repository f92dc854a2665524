from __future__ import annotations

import io
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import InvalidInput
from kafka_tasks.records import source
from kafka_tasks.records.lines import UNREAD, decode, read_text
from kafka_tasks.records.source import blocks_of
from tests.unit.any_text import CHARACTERS


class Dripping(io.BytesIO):
    """A pipe that gives some bytes at a time, as they are written."""

    def __init__(self, content: bytes, at_once: int) -> None:
        super().__init__(content)
        self._at_once = at_once

    def read1(self, size: int | None = -1) -> bytes:
        """No more than is there."""
        return self.read(self._at_once)


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))), st.integers(1, 50))
def test_lines_are_the_same_however_they_come(lines: list[bytes], at_once: int) -> None:
    """A line that comes in pieces is one line, and the last needs no end."""
    content = b"\n".join(lines)
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return
    found = list(chain.from_iterable(blocks_of(Dripping(content, at_once), 100)))
    wanted = content.split(b"\n")
    assert found == (wanted if wanted[-1] else wanted[:-1])


def test_what_is_written_comes_at_once() -> None:
    """A whole line is not held back until more of them are there."""
    blocks = blocks_of(Dripping(b"one\ntwo\n", 4), 100)
    assert next(blocks) == [b"one"]
    assert next(blocks) == [b"two"]


@pytest.mark.parametrize("at_once", [1, 5, 1000])
def test_a_byte_order_mark_is_no_part_of_a_line(at_once: int) -> None:
    """Windows' editors write one in front of UTF-8; UTF-16 is refused."""
    (line,) = chain.from_iterable(blocks_of(Dripping(b"\xef\xbb\xbf{}", at_once), 100))
    assert line == b"{}"
    with pytest.raises(InvalidInput, match="UTF-16"):
        list(blocks_of(Dripping("{}\n{}".encode("utf-16"), at_once), 100))


@pytest.mark.parametrize("before", [b"", b"short\n"])
def test_a_line_that_memory_should_not_hold_is_refused(
    before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its number, before all of it is read."""
    monkeypatch.setattr(source, "_AT_LEAST", 1000)
    stream = Dripping(before + b"x" * 10_000, 100)
    with pytest.raises(InvalidInput, match=f"^Line {1 + before.count(10)} is longer than"):
        list(blocks_of(stream, 10))
    assert stream.tell() < 2000


@given(st.text(CHARACTERS, max_size=20) | st.none(), st.text(CHARACTERS, max_size=20) | st.none())
def test_the_fast_way_reads_what_the_other_reads(value: str | None, key: str | None) -> None:
    """A value and a key that are text come out the same, and all else is left to `decode`."""
    import msgspec

    line = msgspec.json.encode({"value": value, "key": key})
    fast, slow = read_text(line), decode(line)
    for got, wanted in ((fast.value, slow.value), (fast.key, slow.key)):
        assert (None if got is None else got.encode()) == wanted
    for other in (b"", b"{}", b'{"value":1}', b'{"value":"v","partition":0}', b'{"key":"k"}'):
        with pytest.raises(UNREAD):
            read_text(other)
