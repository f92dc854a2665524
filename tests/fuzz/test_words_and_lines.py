"""What people type, lines of records, and text of logs."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from kafka_tasks.diagnosis import signatures
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import listener
from kafka_tasks.model.address import Address
from kafka_tasks.model.evidence import last_start, telling
from kafka_tasks.model.positions import parse_moment, parse_position
from kafka_tasks.records import lines
from kafka_tasks.records.source import blocks_of
from kafka_tasks.topics import configs
from kafka_tasks.topics.model import check_name, parse_config
from tests.fuzz import corpora
from tests.fuzz.conftest import Room
from tests.fuzz.corpus import Covering, Id
from tests.fuzz.judging import Campaign, Case, check_error
from tests.fuzz.mutations import WORDS, damaged, twisted, word

_ALPHABET = st.sampled_from("@+-.,:[]/=0123456789TZhdmsw PLAINTEXT://localhost") | st.characters()
_TEXT = st.text(_ALPHABET, max_size=60) | st.sampled_from(WORDS)
# Hypothesis deals these itself, from a seed of their own.
_REPLAYED = 200
_READERS: dict[str, Callable[[str], Any]] = {
    "position": lambda text: parse_position(text, now=1763400000.0),
    "moment": lambda text: parse_moment(text, now=1763400000.0),
    "address": Address.parse,
    "listeners": listener.parse,
    "topic name": check_name,
    "config": lambda text: parse_config([text]),
}


def test_words(fuzz: Campaign, room: Room) -> None:
    """Positions, moments, addresses, listeners, names: a value, or a sentence that says why not."""
    tally = fuzz.tally("words: positions, addresses, …")
    replayed = fuzz.corpus is not None

    @seed(0 if replayed else fuzz.seed)
    @settings(
        max_examples=_REPLAYED if replayed else len(fuzz.chosen(tally.target, 0.05)),
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(sorted(_READERS)), _TEXT)
    def check(reader: str, text: str) -> None:
        case = Case((reader, text), lambda: _READERS[reader](text))
        before = dict(tally.findings)
        fuzz.judge(tally, Id(fuzz.seed, tally.cases), case, room.root)
        assert tally.findings == before, next(iter(tally.findings.values()))

    check()
    tally.covering = Covering()
    fuzz.conclude(tally)


def test_settings_of_topics(fuzz: Campaign, room: Room) -> None:
    """Every setting of every Kafka line with any value: a reason, or none."""
    known = sorted(configs.every_table())

    def make(rng: random.Random) -> Case:
        key = rng.choice(known) if rng.random() < 0.9 else word(rng)
        value = word(rng)
        line = rng.choice([*configs.lines(), None, "4.0"])
        return Case((key, value, line), lambda: configs.problem(key, value, line))

    fuzz.run("words: topic settings", 0.04, make, room.root)


def test_lines_of_records(fuzz: Campaign, room: Room) -> None:
    """A line is a record, or a reason why not."""

    def make(rng: random.Random) -> Case:
        content = (
            twisted(rng, corpora.RECORD)
            if rng.random() < 0.5
            else damaged(rng, rng.choice(corpora.LINES), corpora.LINES)
        )

        def act() -> object:
            found: list[object] = []
            blocks = blocks_of(io.BytesIO(content), 1_000_000)
            for line in chain.from_iterable(blocks):
                with suppress(*lines.UNREAD):
                    found.append(lines.read_text(line))
                try:
                    found.append(lines.decode(line))
                except lines.NotARecord as error:
                    check_error(InvalidInput(f"Line 1 cannot be sent: {error}."))
            return found

        return Case(content, act)

    fuzz.run("lines of JSON", 0.08, make, room.root)


def test_logs(fuzz: Campaign, room: Room) -> None:
    """Signatures are searched for in any text, in time that grows with its length."""
    logs = corpora.logs()

    def make(rng: random.Random) -> Case:
        text = damaged(rng, rng.choice(logs), logs).decode("utf-8", "replace")
        if rng.random() < 0.1:
            piece = text[: rng.randint(1, 40)] or "x"
            text = piece * (rng.choice((20_000, 200_000)) // len(piece))
        found = text.splitlines()
        services = dict.fromkeys(rng.sample(signatures.SERVICES, 2), found)

        def act() -> object:
            telling(found)
            last_start(found, rng.choice((None, 0.0, 1e10)))
            return [
                match.finding(service=service, runtime=rng.choice(("compose", "embedded", None)))
                for service, match in signatures.search(services)
            ]

        return Case(text, act)

    fuzz.run("logs and signatures", 0.02, make, room.root, limit_s=4.0)
