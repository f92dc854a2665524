"""One record, one line of JSON: what is printed is what is accepted, byte for byte.

Text is a string; bytes that are not UTF-8 are `{"base64": "…"}`; nothing is null. Headers are a
list of pairs, since a name may come twice. The timestamp is in milliseconds since the epoch.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

_ABSENT, _NULL = msgspec.Raw(b""), msgspec.Raw(b"null")


class NotARecord(Exception):
    """A line that is no record; the text says why."""


class Base64(msgspec.Struct):
    """Bytes that are no text."""

    base64: str


class Line(msgspec.Struct, gc=False):
    """A record as it is printed."""

    key: str | Base64 | None
    value: str | Base64 | None
    headers: list[tuple[str, str | Base64 | None]]
    partition: int | None
    offset: int | None
    timestamp: int | None


class _Text(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record as scripts write most: a value, perhaps a key, and both are text."""

    value: str | None
    key: str | None = None


class _Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record as most are: all of it is text."""

    value: str | None
    key: str | None = None
    headers: list[tuple[str, str | None]] = []
    partition: int | None = None
    offset: int | None = None
    timestamp: int | None = None


class _Typed(msgspec.Struct, forbid_unknown_fields=True):
    """A record as it may be typed; what is any JSON is kept as it was written."""

    value: msgspec.Raw = _ABSENT
    key: msgspec.Raw = _NULL
    headers: list[tuple[str, msgspec.Raw]] | dict[str, msgspec.Raw] | None = None
    partition: int | None = None
    offset: int | None = None
    timestamp: int | None = None


class Message(Protocol):
    """What a client hands over: librdkafka's message has these."""

    def key(self) -> Any:
        """Bytes or None."""

    def value(self) -> Any:
        """Bytes or None."""

    def headers(self) -> Any:
        """Pairs of name and bytes, or None."""

    def partition(self) -> int | None:
        """Its number."""

    def offset(self) -> int | None:
        """Within the partition."""

    def timestamp(self) -> tuple[int, int]:
        """Kind (0 is none) and milliseconds."""


class Outgoing(msgspec.Struct, gc=False):
    """A record that is to be sent; None leaves partition and time to the client."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    timestamp: int | None = None


_encoder = msgspec.json.Encoder()
# A line with a value and a key alone, both text: much faster than `decode`, which is for those
# that raise one of `UNREAD` here.
read_text = msgspec.json.Decoder(_Text).decode
UNREAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_plain = msgspec.json.Decoder(_Plain)
_typed = msgspec.json.Decoder(_Typed)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_strings = msgspec.json.Decoder(str)


def encode(messages: Iterable[Message]) -> bytes:
    """The lines of these records, each with its line end."""
    return _encoder.encode_lines([_line(message) for message in messages])


def _line(message: Message) -> Line:
    key, value, headers = message.key(), message.value(), message.headers()
    kind, stamp = message.timestamp()
    try:
        key = None if key is None else key.decode()
        value = None if value is None else value.decode()
    except UnicodeDecodeError:
        key, value = _shown(message.key()), _shown(message.value())
    return Line(
        key,
        value,
        [(name, _shown(data)) for name, data in headers] if headers else [],
        message.partition(),
        message.offset(),
        stamp if kind else None,
    )


def document(message: Message) -> dict[str, Any]:
    """One of them as plain values, for a document with all of them."""
    found: dict[str, Any] = msgspec.to_builtins(_line(message))
    return found


def _shown(data: bytes | None) -> str | Base64 | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Base64(b64encode(data).decode())


def decode(line: bytes) -> Outgoing:
    """Read a line; raises `NotARecord`. An offset is let be: the broker gives a new one."""
    try:
        plain = _plain.decode(line)
        record = Outgoing(
            None if plain.value is None else plain.value.encode(),
            None if plain.key is None else plain.key.encode(),
            _encoded(plain.headers) if plain.headers else (),
            plain.partition,
            plain.timestamp,
        )
    except UNREAD:
        record = _any(line)
    if record.partition is not None and record.partition < 0:
        raise NotARecord(f"its partition is {record.partition}; they start at 0")
    if any("\0" in name for name, _ in record.headers):
        raise NotARecord("the name of a header has a NUL in it")
    # To librdkafka a time of 0 means that none was given.
    if record.timestamp is not None and not 0 < record.timestamp < 2**63:
        raise NotARecord(
            f"its timestamp is {record.timestamp}; allowed: milliseconds since 1970, from 1"
        )
    return record


def _any(line: bytes) -> Outgoing:
    """What is not all text, or no record at all."""
    try:
        typed = _typed.decode(line)
        if typed.value == _ABSENT:
            raise NotARecord('it has no "value"; a null deletes by key in a compacted topic')
        pairs = typed.headers.items() if isinstance(typed.headers, dict) else typed.headers
        return Outgoing(
            _bytes(typed.value),
            _bytes(typed.key),
            tuple((name, _bytes(data)) for name, data in pairs or ()),
            typed.partition,
            typed.timestamp,
        )
    except msgspec.ValidationError as error:
        raise NotARecord(_said(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if _has_lone_surrogate(line):
            raise NotARecord(
                'it has half of a surrogate pair, which is no text; bytes are {"base64": "…"}'
            ) from error
        raise NotARecord(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise NotARecord("it is nested too deeply") from error


def _encoded(pairs: list[tuple[str, str | None]]) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, None if data is None else data.encode()) for name, data in pairs)


def _bytes(raw: msgspec.Raw) -> bytes | None:
    """Text as it is, base64 as what it stands for, any other JSON as it was written, compact."""
    text = bytes(raw)
    if text == b"null":
        return None
    if text.startswith(b'"'):
        return _strings.decode(text).encode()
    if text.startswith(b"{"):
        fields = _objects.decode(text)
        if fields.keys() == {"base64"}:
            return _from_base64(fields["base64"])
    # What lies inside was not read so far, and need not be text.
    text.decode()
    return msgspec.json.format(text, indent=-1)


def _from_base64(raw: msgspec.Raw) -> bytes:
    try:
        return b64decode(_strings.decode(raw), validate=True)
    except (ValueError, msgspec.ValidationError) as error:
        raise NotARecord(f"its base64 is none: {error}") from error


def _has_lone_surrogate(line: bytes) -> bool:
    """Python's own reader lets them through, and no other fault."""
    try:
        json.loads(line.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _said(text: str) -> str:
    """msgspec's words, shortened to what a person needs."""
    return f"it is no record: {text.replace('$.', '').replace(' - at `$`', '')}"
