"""The dates of a certificate in a file, which Python's TLS does not tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME = 0xA0, 0x17


@dataclass(frozen=True, slots=True)
class Validity:
    """The first and the last moment of a certificate."""

    begins: datetime
    ends: datetime


def validity(path: str) -> Validity | None:
    """Return the dates of the first certificate in a PEM file; None where it has none."""
    from ssl import PEM_cert_to_DER_cert

    try:
        found = _PEM.search(Path(path).read_text(encoding="ascii", errors="replace"))
        if found is None:
            return None
        return _of_der(PEM_cert_to_DER_cert(found[0]))
    except (OSError, ValueError, IndexError):
        return None


def _of_der(content: bytes) -> Validity:
    """Read the fields of a certificate up to its validity, in the order of RFC 5280."""
    _, certificate, _ = _element(content)
    _, fields, _ = _element(certificate)
    if fields[0] == _VERSION:
        _, _, fields = _element(fields)
    for _ in ("serial number", "signature", "issuer"):
        _, _, fields = _element(fields)
    _, dates, _ = _element(fields)
    kind, begins, rest = _element(dates)
    other, ends, _ = _element(rest)
    return Validity(_moment(kind, begins), _moment(other, ends))


def _element(content: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element, and what follows it."""
    tag, length, at = content[0], content[1], 2
    if length >= 0x80:
        at += length & 0x7F
        length = int.from_bytes(content[2:at], "big")
    return tag, content[at : at + length], content[at + length :]


def _moment(kind: int, text: bytes) -> datetime:
    form = "%y%m%d%H%M%SZ" if kind == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)
