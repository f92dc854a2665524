from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.records.lines import NotARecord, Outgoing, decode, encode
from tests.unit.any_text import CHARACTERS

Pairs = list[tuple[str, bytes | None]]


@dataclass
class FakeMessage:
    """A record as a client hands it over."""

    its_key: bytes | None
    its_value: bytes | None
    its_headers: Pairs | None = None
    stamp: tuple[int, int] = (1, 1767225600000)

    def key(self) -> bytes | None:
        """Its key."""
        return self.its_key

    def value(self) -> bytes | None:
        """Its value."""
        return self.its_value

    def headers(self) -> Pairs | None:
        """Its headers."""
        return self.its_headers

    def partition(self) -> int:
        """Always the same."""
        return 3

    def offset(self) -> int:
        """Always the same."""
        return 17

    def timestamp(self) -> tuple[int, int]:
        """Its kind and time."""
        return self.stamp


def test_a_record_is_one_line_with_every_field() -> None:
    """In the order of the contract; a header may come twice, a value may be no text."""
    message = FakeMessage(b"k", '{"ä": 1}'.encode(), [("h", b"1"), ("h", b"\xff"), ("n", None)])
    assert json.loads(encode([message])) == {
        "key": "k",
        "value": '{"ä": 1}',
        "headers": [["h", "1"], ["h", {"base64": "/w=="}], ["n", None]],
        "partition": 3,
        "offset": 17,
        "timestamp": 1767225600000,
    }
    assert list(json.loads(encode([message]))) == [
        "key", "value", "headers", "partition", "offset", "timestamp",
    ]  # fmt: skip
    assert b"\n" not in encode([FakeMessage(b"a\nb", b"\n\r")])[:-1]


def test_no_key_no_value_and_no_time_are_null() -> None:
    """A tombstone stays one."""
    shown = json.loads(encode([FakeMessage(None, None, None, (0, -1))]))
    assert (shown["key"], shown["value"], shown["timestamp"]) == (None, None, None)


# A NUL ends a name in librdkafka, so one that has it is refused.
_name = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
_data = st.none() | st.binary(max_size=40) | st.text(CHARACTERS, max_size=20).map(str.encode)


@given(
    key=_data,
    value=_data,
    headers=st.lists(st.tuples(_name, _data), max_size=3),
)
def test_what_is_printed_is_accepted_byte_for_byte(
    key: bytes | None, value: bytes | None, headers: Pairs
) -> None:
    """Any bytes at all, as key, value or header, come back as they went."""
    assert decode(encode([FakeMessage(key, value, headers)])) == Outgoing(
        value, key, tuple(headers), 3, 1767225600000
    )


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ('{"value": "a"}', b"a"),
        ('{"value": null}', None),
        ('{"value": {"id": 1, "x": [1, 2]}}', b'{"id":1,"x":[1,2]}'),
        ('{"value": 12.50}', b"12.50"),
        ('{"value": 12345678901234567890123}', b"12345678901234567890123"),
        ('{"value": {"b": 1e400, "a": [ "ä" ], "a": 2}}', '{"b":1e400,"a":["ä"],"a":2}'.encode()),
        ('{"value": true}', b"true"),
        ('{"value": ""}', b""),
        ('{"value": {"base64": "/w=="}}', b"\xff"),
        ('{"value": {"base64": "x", "other": 1}}', b'{"base64":"x","other":1}'),
    ],
)
def test_any_json_may_be_a_value(typed: str, sent: bytes | None) -> None:
    """Text is sent as it is, other JSON as JSON."""
    assert decode(typed.encode()).value == sent


def test_headers_may_be_typed_as_an_object() -> None:
    """What few type as pairs."""
    assert decode(b'{"value": "v", "headers": {"a": "1", "b": null}}').headers == (
        ("a", b"1"),
        ("b", None),
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (b"nope", "it is not JSON"),
        (b"", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[1]", "it is not a record: Expected `object`, got `array`"),
        (b'"text"', "it is not a record"),
        (b'{"valeu": 1}', "unknown field `valeu`"),
        (b'{"key": "k"}', 'it has no "value"'),
        (b'{"value": 1, "partition": "a"}', "Expected `int | null`, got `str` - at `partition`"),
        (b'{"value": 1, "partition": -1}', "its partition is -1"),
        (b'{"value": 1, "timestamp": -5}', "its timestamp is -5; allowed"),
        (b'{"value": 1, "timestamp": 0}', "its timestamp is 0; allowed"),
        (b'{"value": "\\ud800"}', "half of a surrogate pair"),
        (b'{"value": {"a": "\xff"}}', "it is not JSON"),
        (b'{"value": "a\x00"}', "it is not JSON"),
        (b'{"value": 01}', "it is not JSON"),
        (b'{"value": {"base64": "!"}}', "its base64 is not valid"),
        (b'{"value": {"base64": 5}}', "its base64 is not valid"),
        (b'{"value": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"value": ' + b"[" * 100_000 + b"NaN", "nested too deeply"),
        (b'{"key": Infinity, "value": ' + b"[" * 100_000, "it is not JSON"),
        (b'{"value": "a"} {"value": "b"}', "it is not JSON"),
    ],
)
def test_what_is_no_record_is_said_in_words(typed: bytes, said: str) -> None:
    """Never a traceback, whatever was typed."""
    with pytest.raises(NotARecord) as caught:
        decode(typed)
    assert said in str(caught.value)
