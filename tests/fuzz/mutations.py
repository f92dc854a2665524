"""Damage to real texts, as a seeded generator deals it: to bytes, to JSON values, to words."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

WORDS = (
    "",
    " ",
    "\t",
    "\n",
    "\0",
    "a\0b",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\r",
    "\x7f",
    "\x9b2J",
    "‮drow",
    "​",
    "﻿",
    "\udcff",
    "\ud800",
    "é",
    "日本語",
    "💥",
    "１２",
    "٣",
    "-1",
    "0",
    "-0",
    "+5",
    "00001",
    "1_000",
    "0x10",
    "0o7",
    "1e5",
    "1e999",
    "-1e999",
    "nan",
    "inf",
    "null",
    "true",
    "None",
    "~",
    "~nobody/x",
    "$HOME",
    "${HOME}",
    "${X:-${Y:-z}}",
    "${",
    "$$",
    "%s%n",
    "{0}",
    "{x.__class__}",
    "../../etc/passwd",
    "/dev/null",
    "/",
    ".",
    "..",
    "-",
    "--",
    "-x",
    "--help",
    "'",
    '"',
    "\\",
    "`id`",
    "$(id)",
    ";",
    "|",
    "#",
    "=",
    ":",
    ",",
    ",,",
    "[",
    "]",
    "{",
    "}",
    "[]",
    "{}",
    "*",
    "?",
    "(" * 40,
    "a" * 64 + ".example",
    "65535",
    "65536",
    "99999",
    "2147483648",
    "9223372036854775808",
    "18446744073709551616",
    "9" * 400,
    "9" * 5000,
    "a" * 300,
    "a" * 5000,
    "é" * 3000,
    "[" * 3000,
    "{" * 3000,
)

# Read back as JSON these are what no writer here would have put down.
LITERALS = (
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "1e308",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1" + "0" * 400,
    "9" * 5000,
    '""',
    '"\\u0000"',
    '"\\u001b[31m"',
    '"\\ud800"',
    '"\\udcff"',
    '"../../x"',
    '"kafka-x"',
    '"kafka-99999999999999999999"',
    "[]",
    "{}",
    "[[]]",
    '{"":{}}',
    "[" * 200 + "]" * 200,
    "[" * 20000 + "]" * 20000,
    '{"a":' * 20000 + "1" + "}" * 20000,
    "[" * 20000,
)

_MARK = "literal-{}-"


def word(rng: random.Random) -> str:
    """A word that programs trip over, or a few of them, or letters without sense."""
    kind = rng.random()
    if kind < 0.7:
        return rng.choice(WORDS)
    if kind < 0.85:
        return "".join(rng.choice(WORDS) for _ in range(rng.randint(2, 4)))
    return "".join(chr(_letter(rng)) for _ in range(rng.randint(1, 12)))


def _letter(rng: random.Random) -> int:
    return rng.choice((rng.randint(0, 127), rng.randint(0, 0x2FF), rng.randint(0, 0x10FFFF)))


def damaged(rng: random.Random, content: bytes, others: Sequence[bytes] = ()) -> bytes:
    """The same bytes after one to five blows."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        rng.choice(_BLOWS)(rng, found, others)
    return bytes(found)


def _flip(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    if found:
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    if found:
        found[rng.randrange(len(found))] = rng.choice(b"\x00\x09\x0a\x0d\x1b\x22\x27\x7f\x80\xff")


def _insert(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    at = rng.randint(0, len(found))
    found[at:at] = word(rng).encode("utf-8", "surrogatepass")


def _cut(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    start, end = _span(rng, found)
    del found[start:end]


def _truncate(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    del found[rng.randint(0, len(found)) :]


def _again(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    start, end = _span(rng, found)
    found[end:end] = found[start:end] * rng.choice((1, 1, 2, 30))


def _swap_line(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    lines = found.split(b"\n")
    rng.shuffle(lines)
    found[:] = b"\n".join(lines)


def _splice(rng: random.Random, found: bytearray, others: Sequence[bytes]) -> None:
    if others:
        other = rng.choice(others)
        at = rng.randint(0, len(found))
        found[at:] = other[rng.randint(0, len(other)) :]


def _prefix(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    found[:0] = rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\x1f\x8b", b"\n\n"))


def _recode(rng: random.Random, found: bytearray, _: Sequence[bytes]) -> None:
    text = found.decode("utf-8", "replace")
    found[:] = text.encode(rng.choice(("utf-16", "latin-1", "utf-7", "cp1252")), "replace")


def _span(rng: random.Random, found: bytearray) -> tuple[int, int]:
    start = rng.randint(0, len(found))
    return start, min(len(found), start + rng.choice((1, 2, 8, 40, 200)))


_BLOWS: tuple[Callable[[random.Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip,
    _overwrite,
    _insert,
    _insert,
    _cut,
    _truncate,
    _again,
    _swap_line,
    _splice,
    _prefix,
    _recode,
)


def twisted(rng: random.Random, value: Any) -> bytes:
    """A JSON value with one to four of its parts replaced, removed, renamed or repeated."""
    found = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 4))):
        found = _twist(rng, found)
    text = json.dumps(found, ensure_ascii=rng.random() < 0.5)
    for number, literal in enumerate(LITERALS):
        text = text.replace(f'"{_MARK.format(number)}"', literal)
    return text.encode("utf-8", "surrogatepass")


def _twist(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        blow = rng.random()
        if blow < 0.1:
            del value[key]
        elif blow < 0.2:
            value[word(rng)] = value.pop(key)
        else:
            value[key] = _twist(rng, value[key])
        return value
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        if rng.random() < 0.1:
            value.insert(at, value[at])
        else:
            value[at] = _twist(rng, value[at])
        return value
    return weird(rng)


def weird(rng: random.Random) -> Any:
    """A value of any type; those that JSON's writer would refuse are filled in by `twisted`."""
    kind = rng.random()
    if kind < 0.5:
        return _MARK.format(rng.randrange(len(LITERALS)))
    if kind < 0.9:
        return word(rng)
    return rng.choice((None, True, False, 0, -1, 7, 1.5, [], {}, [word(rng)], {word(rng): 1}))
