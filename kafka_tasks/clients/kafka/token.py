"""A token of OAuth, read from what a command or an endpoint gives."""

from __future__ import annotations

import base64
import json
import math
import re
import time
from typing import Any

from msgspec import Struct

# RFC 6750: whatever else stands in a token could end the log-in, and begin something else.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_NEITHER = "neither a JWT nor a JSON object with access_token and expires_in"


class Token(Struct, frozen=True):
    """A token, the time at which it ends (seconds since 1970), and whom it names."""

    value: str
    ends_s: float
    subject: str = ""
    issuer: str = ""
    audience: str = ""

    def __repr__(self) -> str:
        """Return what may be shown: not the token."""
        return f"Token(subject={self.subject!r}, ends_s={self.ends_s})"

    @property
    def has_expired(self) -> bool:
        """True where brokers refuse it for its age."""
        return time.time() >= self.ends_s

    @property
    def claims(self) -> str:
        """Subject, issuer and audience, for people; empty where it is no JWT."""
        named = {"sub": self.subject, "iss": self.issuer, "aud": self.audience}
        return ", ".join(f"{name} {value!r}" for name, value in named.items() if value)


def read(text: str) -> Token:
    """Return the token of a text: a JWT, or a JSON object with `access_token`.

    Raises `ValueError` with the reason, which shows nothing of the text.
    """
    told = text.strip()
    given: dict[str, Any] = {"access_token": told}
    if told.startswith("{"):
        try:
            given = json.loads(told)
        except (ValueError, RecursionError):
            raise ValueError("JSON that is not complete") from None
    value = given.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ValueError(_NEITHER if told else "nothing")
    claims = _claims(value)
    ends_s = _seconds(claims.get("exp"))
    if ends_s is None:
        lasts_s = _seconds(given.get("expires_in"))
        if lasts_s is None:
            raise ValueError("a token that does not say when it expires" if claims else _NEITHER)
        ends_s = time.time() + lasts_s
    return Token(
        value,
        ends_s,
        *(_written(claims.get(name)) for name in ("sub", "iss", "aud")),
    )


def _claims(value: str) -> dict[str, Any]:
    """Return what a JWT says; nothing where it is none."""
    parts = value.split(".")
    if len(parts) != 3:
        return {}
    try:
        content = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(value: Any) -> float | None:
    """Return a number of seconds, which some endpoints write as text; None for anything else."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))[:200]
    return str(value)[:200] if isinstance(value, str) else ""
