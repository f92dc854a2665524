"""One record, one line of JSON: produce accepts what consume prints, byte for byte.

Text is a string; bytes that are not UTF-8 are `{"base64": "…"}`; a missing value is null. Headers
are a list of pairs, since names may repeat. The timestamp is in milliseconds since the epoch.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

_ABSENT, _NULL = msgspec.Raw(b""), msgspec.Raw(b"null")


class NotARecord(Exception):
    """A line is not a record; the text says why."""


class _Base64(msgspec.Struct):
    """Bytes that are not text."""

    base64: str


class _Line(msgspec.Struct, gc=False):
    """A record as consume prints it."""

    key: str | _Base64 | None
    value: str | _Base64 | None
    headers: list[tuple[str, str | _Base64 | None]]
    partition: int | None
    offset: int | None
    timestamp: int | None


class _Text(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The record that scripts write most: a value and perhaps a key, both text."""

    value: str | None
    key: str | None = None


class _Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record of which every part is text."""

    value: str | None
    key: str | None = None
    headers: list[tuple[str, str | None]] = []
    partition: int | None = None
    offset: int | None = None
    timestamp: int | None = None


class _Typed(msgspec.Struct, forbid_unknown_fields=True):
    """Any valid record; key, value and headers are raw JSON."""

    value: msgspec.Raw = _ABSENT
    key: msgspec.Raw = _NULL
    headers: list[tuple[str, msgspec.Raw]] | dict[str, msgspec.Raw] | None = None
    partition: int | None = None
    offset: int | None = None
    timestamp: int | None = None


class Message(Protocol):
    """The part of librdkafka's message that is read here."""

    def key(self) -> Any:
        """Return bytes or None."""

    def value(self) -> Any:
        """Return bytes or None."""

    def headers(self) -> Any:
        """Return pairs of name and bytes, or None."""

    def partition(self) -> int | None:
        """Return the number of the partition."""

    def offset(self) -> int | None:
        """Return the offset in the partition."""

    def timestamp(self) -> tuple[int, int]:
        """Return the kind (0 is none) and milliseconds."""


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
    """Return the lines of these records, each with its line end."""
    return _encoder.encode_lines([_line(message) for message in messages])


def _line(message: Message) -> _Line:
    key, value, headers = message.key(), message.value(), message.headers()
    kind, stamp = message.timestamp()
    try:
        key = None if key is None else key.decode()
        value = None if value is None else value.decode()
    except UnicodeDecodeError:
        key, value = _shown(message.key()), _shown(message.value())
    return _Line(
        key,
        value,
        [(name, _shown(data)) for name, data in headers] if headers else [],
        message.partition(),
        message.offset(),
        stamp if kind else None,
    )


def document(message: Message) -> dict[str, Any]:
    """Return a record as plain values, for a document with all of them."""
    found: dict[str, Any] = msgspec.to_builtins(_line(message))
    return found


def _shown(data: bytes | None) -> str | _Base64 | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _Base64(b64encode(data).decode())


def decode(line: bytes) -> Outgoing:
    """Read a line; raises `NotARecord`. An offset is ignored: the broker gives a new one."""
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
        raise NotARecord("the name of a header contains a NUL")
    # librdkafka reads a timestamp of 0 as a missing one.
    if record.timestamp is not None and not 0 < record.timestamp < 2**63:
        raise NotARecord(
            f"its timestamp is {record.timestamp}; allowed: milliseconds since 1970, from 1"
        )
    return record


def _any(line: bytes) -> Outgoing:
    """Read a line that has more than text, or is not a record."""
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
                'it has half of a surrogate pair, which is not text; bytes are {"base64": "…"}'
            ) from error
        raise NotARecord(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise NotARecord("it is nested too deeply") from error


def _encoded(pairs: list[tuple[str, str | None]]) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, None if data is None else data.encode()) for name, data in pairs)


def _bytes(raw: msgspec.Raw) -> bytes | None:
    """Return text as it is, base64 decoded, and any other JSON compact."""
    text = bytes(raw)
    if text == b"null":
        return None
    if text.startswith(b'"'):
        return _strings.decode(text).encode()
    if text.startswith(b"{"):
        fields = _objects.decode(text)
        if fields.keys() == {"base64"}:
            return _from_base64(fields["base64"])
    # The content was not decoded so far, and may not be text.
    text.decode()
    return msgspec.json.format(text, indent=-1)


def _from_base64(raw: msgspec.Raw) -> bytes:
    try:
        return b64decode(_strings.decode(raw), validate=True)
    except (ValueError, msgspec.ValidationError) as error:
        raise NotARecord(f"its base64 is not valid: {error}") from error


def _has_lone_surrogate(line: bytes) -> bool:
    """Return True if Python's reader accepts the line: it allows them, and no other fault."""
    try:
        json.loads(line.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _said(text: str) -> str:
    """Shorten a message of msgspec."""
    return f"it is not a record: {text.replace('$.', '').replace(' - at `$`', '')}"
