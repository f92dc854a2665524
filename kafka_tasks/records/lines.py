"""One record, one line of JSON: what is printed is what is accepted, byte for byte.

Text is a string; bytes that are not UTF-8 are `{"base64": "…"}`; nothing is null. Headers are a
list of pairs, since a name may come twice. The timestamp is in milliseconds since the epoch.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

# What a line may take of memory; Kafka's own default limit for a record is 1 MB.
MAX_LINE = 64 * 1024 * 1024

Headers = list[tuple[str, bytes | None]]


class NotARecord(Exception):
    """A line that is no record; the text says why."""


class Base64(msgspec.Struct):
    """Bytes that are no text."""

    base64: str


class Line(msgspec.Struct):
    """A record as it is printed."""

    key: str | Base64 | None
    value: str | Base64 | None
    headers: list[tuple[str, str | Base64 | None]]
    partition: int | None
    offset: int | None
    timestamp: int | None


class _Typed(msgspec.Struct, forbid_unknown_fields=True):
    """A record as it may be typed."""

    value: Any = msgspec.UNSET
    key: Any = None
    headers: list[tuple[str, Any]] | dict[str, Any] | None = None
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


class Outgoing(msgspec.Struct, frozen=True):
    """A record that is to be sent; None leaves partition and time to the client."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    timestamp: int | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Typed)


def encode(message: Message) -> bytes:
    """The line of a record, without a line end."""
    kind, stamp = message.timestamp()
    headers = message.headers()
    return _encoder.encode(
        Line(
            _shown(message.key()),
            _shown(message.value()),
            [(name, _shown(value)) for name, value in headers] if headers else [],
            message.partition(),
            message.offset(),
            stamp if kind else None,
        )
    )


def document(message: Message) -> dict[str, Any]:
    """The same as plain values, for a document with all of them."""
    found: dict[str, Any] = msgspec.json.decode(encode(message))
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
    if len(line) > MAX_LINE:
        raise NotARecord(f"it is longer than {MAX_LINE // 1024 // 1024} MB")
    try:
        typed = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise NotARecord(_said(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotARecord(f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise NotARecord("it is nested too deeply") from error
    if typed.value is msgspec.UNSET:
        raise NotARecord('it has no "value"; a null deletes by key in a compacted topic')
    if typed.partition is not None and typed.partition < 0:
        raise NotARecord(f"its partition is {typed.partition}; they start at 0")
    if typed.timestamp is not None and not 0 <= typed.timestamp < 2**63:
        raise NotARecord("its timestamp is no number of milliseconds since 1970")
    key = typed.key
    value = typed.value
    return Outgoing(
        value.encode() if type(value) is str else _bytes(value),
        key.encode() if type(key) is str else _bytes(key),
        _headers(typed.headers) if typed.headers else (),
        typed.partition,
        typed.timestamp,
    )


def _headers(
    typed: list[tuple[str, Any]] | Mapping[str, Any],
) -> tuple[tuple[str, bytes | None], ...]:
    pairs = typed.items() if isinstance(typed, Mapping) else typed
    return tuple((name, _bytes(value)) for name, value in pairs)


def _bytes(value: Any) -> bytes | None:
    """Text as it is, base64 as what it stands for, any other JSON as compact JSON text."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and value.keys() == {"base64"}:
        try:
            return b64decode(value["base64"], validate=True)
        except (ValueError, TypeError) as error:
            raise NotARecord(f"its base64 is none: {error}") from error
    return _encoder.encode(value)


def _said(text: str) -> str:
    """msgspec's words, shortened to what a person needs."""
    return f"it is no record: {text.replace('$.', '').replace(' - at `$`', '')}"
