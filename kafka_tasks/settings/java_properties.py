"""Java's syntax: properties files, and the log-in of a client within one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_NAMED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
# Further ones of a quoted value in a log-in.
_QUOTED = {**_NAMED, "a": "\a", "b": "\b", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.?))", re.DOTALL)
_IN_QUOTES = re.compile(r"\\([0-3][0-7]{0,2}|[4-7][0-7]?|.)", re.DOTALL)
_NAME = re.compile(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*", re.DOTALL)
_TOKENS = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<word>[\w.$-]+)|(?P<sign>[=;])"""
    r"""|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)'""",
    re.DOTALL,
)
# The log-in by a token: its module, Kafka's own callbacks, and its options as settings.
TOKEN_MODULE, EXTENSION = "OAuthBearerLoginModule", "extension_"
_PACKAGE = "org.apache.kafka.common.security.oauthbearer"
TOKEN_HANDLERS = (
    f"{_PACKAGE}.OAuthBearerLoginCallbackHandler",
    f"{_PACKAGE}.secured.OAuthBearerLoginCallbackHandler",
)
OF_TOKENS = {
    "clientId": "sasl_oauthbearer_client_id",
    "clientSecret": "sasl_oauthbearer_client_secret",
    "scope": "sasl_oauthbearer_scope",
    "ssl.truststore.certificates": "https_ca_pem",
}


class Entry(Struct, frozen=True):
    """A property with the line at which it begins, and its value as it is in the file."""

    name: str
    value: str
    line: int
    raw: str


class LogIn(Struct, frozen=True):
    """The class of a log-in module, without its package, and its options."""

    module: str
    options: dict[str, str]


def entries(text: str) -> Iterator[Entry]:
    """Yield each property; raises `ValueError` with the line of an invalid escape."""
    for number, line in _logical_lines(text):
        found = _NAME.match(line)
        name, raw = (found[1], line[found.end() :]) if found else (line, "")
        try:
            yield Entry(_unescaped(name), _unescaped(raw), number, raw)
        except ValueError as error:
            raise ValueError(f"line {number} has an invalid escape") from error


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are no comment, with those that continue them, and their numbers."""
    begun, first = "", 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = line.lstrip(" \t\f")
        if not begun and (not line or line[0] in "#!"):
            continue
        first = first if begun else number
        slashes = len(line) - len(line.rstrip("\\"))
        if slashes % 2:
            begun += line[:-1]
            continue
        yield first, begun + line
        begun = ""
    if begun:
        yield first, begun


def _unescaped(text: str) -> str:
    """Return a text without escapes; raises `ValueError`."""

    def plain(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] == "u":
            raise ValueError
        return _NAMED.get(match[2], match[2])

    units = _ESCAPE.sub(plain, text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def log_in(text: str) -> LogIn:
    """Return the first log-in of a JAAS configuration; raises `ValueError` with the reason."""
    words = list(_words(text))
    if len(words) < 2 or words[0] == "=":
        raise ValueError("it does not begin with a class and a word such as required")
    options: dict[str, str] = {}
    rest = words[2:]
    while rest and rest[0] != ";":
        if len(rest) < 3 or rest[1] != "=" or rest[2] in ("=", ";"):
            raise ValueError("an option has no value")
        options[rest[0]], rest = rest[2].removeprefix("\0"), rest[3:]
    if not rest:
        raise ValueError("it does not end with a semicolon")
    return LogIn(words[0].rpartition(".")[2], options)


def _words(text: str) -> Iterator[str]:
    """Yield words and signs; a quoted word begins with NUL, so that it is no sign."""
    at = 0
    while at < len(text):
        found = _TOKENS.match(text, at)
        if found is None:
            raise ValueError("a quote is not closed, or a character is out of place")
        at = found.end()
        quoted = found["double"] if found["double"] is not None else found["single"]
        if quoted is not None:
            yield "\0" + _IN_QUOTES.sub(_plain_in_quotes, quoted)
        elif word := found["word"] or found["sign"]:
            yield word


def _plain_in_quotes(match: re.Match[str]) -> str:
    if match[1][0] in "01234567":
        return chr(int(match[1], 8))
    return _QUOTED.get(match[1], match[1])
