"""topics.yaml and plan.json."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from kafka_tasks.topics import plan_file
from kafka_tasks.topics.topics_yaml import read
from tests.fuzz import corpora
from tests.fuzz.conftest import Room
from tests.fuzz.judging import Campaign, Case
from tests.fuzz.mutations import damaged, twisted, word

_KEYS = ("name", "partitions", "replication_factor", "config", "protected", "state", "owner", "<<")
_SETTINGS = ("retention.ms", "cleanup.policy", "min.insync.replicas", "retension.ms")
_SCALARS = (
    "orders",
    "3",
    "-1",
    "0x1F",
    "0b11",
    "017",
    "1:30:00",
    "190:20:30",
    "1_000",
    "1e3",
    ".inf",
    "-.NaN",
    "~",
    "yes",
    "off",
    "2026-01-31",
    "2026-13-45",
    "2026-01-31 25:61:61",
    "!!int x",
    "!!float x",
    "!!int ''",
    "!!binary '*'",
    "!!timestamp x",
    "!!python/object/apply:os.system ['id']",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!reset null",
    "! x",
    "!<tag:x,2000:y> z",
    "*a",
    "&a orders",
    "${X}",
    "${X:-3}",
    "${X:-${Y}}",
    "$$x",
    '"\\x1b[31m"',
    '"\\0"',
    '"\\ud800"',
    '"\\U00110000"',
    "'it''s'",
    "|\n   a\n   b",
    ">-\n   a",
    "? a",
    "%TAG",
    "@x",
    "`x`",
    "9" * 30,
    "9" * 5000,
    "0x" + "f" * 5000,
    "a" * 300,
)


def _scalar(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.7:
        return rng.choice(_SCALARS)
    text = word(rng).encode("utf-8", "replace").decode()
    return text if kind < 0.85 else "'" + text.replace("'", "''") + "'"


def _node(rng: random.Random, depth: int) -> str:
    """A value in flow style, mostly of the shape that is wanted."""
    kind = rng.random()
    if depth == 0 or kind < 0.55:
        return _scalar(rng)
    anchor = rng.choice(("", "", "", "&a ", "&b "))
    if kind < 0.7:
        return f"{anchor}[{', '.join(_node(rng, depth - 1) for _ in range(rng.randint(0, 4)))}]"
    keys = _KEYS if rng.random() < 0.7 else _SETTINGS
    pairs = (f"{rng.choice(keys)}: {_node(rng, depth - 1)}" for _ in range(rng.randint(0, 4)))
    return f"{anchor}{{{', '.join(pairs)}}}"


def _document(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.05:
        return _bomb(rng)
    lines = [rng.choice(("", "", "---", "%YAML 1.1\n---", "#", "x: &a [1]", "y: &b {<<: *a}"))]
    for key in rng.sample(("owner", "defaults", "topics", "topics", "x"), rng.randint(1, 4)):
        if key == "topics" and rng.random() < 0.8:
            lines.append("topics:")
            for _ in range(rng.randint(0, 4)):
                lines.append(f"- name: {_scalar(rng) if rng.random() < 0.3 else 'orders'}")
                for own in rng.sample(_KEYS, rng.randint(0, 3)):
                    lines.append(f"  {own}: {_node(rng, 2)}")
        else:
            lines.append(f"{key}: {_node(rng, 3)}")
    return rng.choice(("\n", "\n", "\n", "\r\n", "\n\t")).join(lines)


def _bomb(rng: random.Random) -> str:
    """Small files that would be large, or deep, were they read without care."""
    width, height = rng.randint(2, 12), rng.randint(3, 12)
    kind = rng.choice(("aliases", "merges", "deep list", "deep mapping", "itself", "wide", "dots"))
    names = [f"a{n}" for n in range(height)]
    if kind in ("aliases", "merges"):
        lines = [f"{names[0]}: &{names[0]} {{name: orders, partitions: 3}}"]
        for below, name in pairwise(names):
            uses = ", ".join([f"*{below}"] * width)
            body = f"[{uses}]" if kind == "aliases" else f"{{<<: [{uses}]}}"
            lines.append(f"{name}: &{name} {body}")
        return "\n".join([*lines, f"topics: [*{names[-1]}]", f"defaults: *{names[-1]}"])
    size = rng.choice((50, 500, 5_000, 50_000))
    if kind == "deep list":
        return f"topics: {'[' * size}{']' * size if rng.random() < 0.7 else ''}"
    if kind == "deep mapping":
        return f"topics: {'{a: ' * size}1{'}' * size}"
    if kind == "itself":
        return "topics: &a [*a, {name: orders, config: &c {x: *c, retention.ms: [*a]}}]"
    if kind == "dots":
        return "topics:\n" + "- " * size + "a"
    return "topics:\n" + "".join(f"- {{name: t{n}, partitions: x}}\n" for n in range(size // 50))


def _act(room: Room, content: bytes, line: str | None) -> Case:
    path = room.put("topics.yaml", content)
    return Case(content, lambda: read([path], {"ORDERS_PARTITIONS": "4"}, kafka_line=line))


def test_topics_file_by_grammar(fuzz: Campaign, room: Room) -> None:
    """Aliases, tags, merges, odd scalars, in places where topics are expected."""

    def make(rng: random.Random) -> Case:
        content = _document(rng).encode("utf-8", "surrogatepass")
        return _act(room, content, rng.choice(("3.9", "3.5", None)))

    fuzz.run("topics.yaml: by grammar", 0.11, make, room.root)


def test_topics_file_by_bytes(fuzz: Campaign, room: Room) -> None:
    """Real files, damaged."""

    def make(rng: random.Random) -> Case:
        content = damaged(rng, rng.choice(corpora.TOPICS), corpora.TOPICS)
        return _act(room, content, "3.9")

    fuzz.run("topics.yaml: by bytes", 0.11, make, room.root)


def test_large_topics_file(fuzz: Campaign, room: Room) -> None:
    """The largest that is read, and 20 MB, are read or refused in time."""

    def make(rng: random.Random) -> Case:
        size = rng.choice((4_000_000, 20_000_000))
        unit = rng.choice(
            (
                b"- {name: t, partitions: x}\n",
                b"- name: orders\n  config: {retension.ms: 1}\n",
                b"- *a\n",
                b"# nothing\n",
                b"x" * 1000,
                b"\n",
                b"\xff",
                b"k: v\n",
            )
        )
        content = b"a: &a {name: a, config: {x: 1, y: 2}}\ntopics:\n" + unit * (size // len(unit))
        case = _act(room, content, "3.9")
        return Case((unit, size), case.act)

    fuzz.run("topics.yaml: 20 MB", 0.00008, make, room.root, limit_s=60.0)


def test_plan_file(fuzz: Campaign, room: Room) -> None:
    """A kept plan that is none any more."""

    def make(rng: random.Random) -> Case:
        whole: Any = corpora.PLAN
        content = (
            twisted(rng, whole)
            if rng.random() < 0.7
            else damaged(rng, corpora.as_bytes(whole), corpora.TOPICS)
        )
        path = room.put("plan.json", content)

        def act() -> object:
            found = plan_file.read(path)
            return found.wanted, [seen and seen.said() for seen in found.seen.values()]

        return Case(content, act)

    fuzz.run("plan.json", 0.06, make, room.root)
