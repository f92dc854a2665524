"""Settings from every source."""

from __future__ import annotations

import random
from typing import Any

from kafka_tasks import settings
from kafka_tasks.runtimes import broker_properties
from tests.fuzz import corpora
from tests.fuzz.conftest import Room
from tests.fuzz.judging import Campaign, Case
from tests.fuzz.mutations import damaged, word

_FIELDS = [variable.field for variable in settings.VARIABLES]
_ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    9092,
    1.5,
    float("nan"),
    10**400,
    10**5000,
    b"\xff",
    [],
    {},
    ["a"],
    {"a": 1},
    {"runtime": {"port": 1}},
    object(),
)


def _name(rng: random.Random) -> str:
    name = settings.PREFIX + rng.choice(_FIELDS).upper()
    return name if rng.random() < 0.9 else settings.PREFIX + word(rng)


def _value(rng: random.Random) -> str:
    good = [variable.default or "x:1" for variable in settings.VARIABLES]
    return rng.choice(good) if rng.random() < 0.3 else word(rng)


def test_settings_of_all_sources(fuzz: Campaign, room: Room) -> None:
    """Flags, environment, Invoke's section and what is remembered, of any text and any type."""

    def make(rng: random.Random) -> Case:
        flags = {rng.choice(_FIELDS): _value(rng) for _ in range(rng.randint(0, 2))}
        environ = {_name(rng): _value(rng) for _ in range(rng.randint(0, 3))}
        section: dict[Any, Any] = {
            rng.choice([*_FIELDS, word(rng), 7, None]): rng.choice([*_ODD, _value(rng)])
            for _ in range(rng.randint(0, 2))
        }
        remembered = {"brokers": rng.choice(_ODD)} if rng.random() < 0.3 else {}

        def act() -> object:
            found = settings.load(
                room.project,
                flags=flags,
                environ=environ,
                section=section,
                remembered=remembered,
            )
            return settings.as_environment(found), list(found.entries()), found.client()

        return Case((flags, environ, section, remembered), act)

    fuzz.run("settings: all sources", 0.13, make, room.root)


def test_env_file(fuzz: Campaign, room: Room) -> None:
    """`.env` of any bytes."""

    def make(rng: random.Random) -> Case:
        content = damaged(rng, rng.choice(corpora.ENV), corpora.ENV)
        if rng.random() < 0.3:
            line = f"{_name(rng)}={_value(rng)}".encode("utf-8", "surrogatepass")
            content = content + b"\n" + line
        if rng.random() < 0.01:
            content = content * rng.choice((300, 3000))
        path = room.put(".env", content)

        def act() -> object:
            settings.dotenv_values_of(path)
            return settings.load(room.project, environ={"HOME": str(room.home)})

        return Case(content, act)

    fuzz.run("settings: .env", 0.11, make, room.root)


def test_broker_properties(fuzz: Campaign, room: Room) -> None:
    """The file of further broker properties."""

    def make(rng: random.Random) -> Case:
        content = damaged(rng, rng.choice(corpora.PROPERTIES), corpora.PROPERTIES)
        path = room.put("broker.properties", content)
        return Case(content, lambda: broker_properties.read(path))

    fuzz.run("broker.properties", 0.05, make, room.root)
