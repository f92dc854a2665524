"""Compose files, as people write them and as Compose prints them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kafka_tasks.diagnosis import compose_file as examined
from kafka_tasks.errors import InvalidInput, KafkaTasksError
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.runtimes.compose import cast, command, compose_file, leavings
from kafka_tasks.settings import Settings, load
from tests.fuzz import corpora
from tests.fuzz.conftest import Room
from tests.fuzz.judging import Campaign, Case, check_error
from tests.fuzz.mutations import damaged, twisted
from tests.fuzz.test_topics_file import _bomb, _node


def test_compose_file(fuzz: Campaign, room: Room) -> None:
    """Which file is used, whatever stands in it."""

    def make(rng: random.Random) -> Case:
        if rng.random() < 0.7:
            content = damaged(rng, rng.choice(corpora.COMPOSE), corpora.COMPOSE)
        elif rng.random() < 0.6:
            text = f"services:\n  zookeeper: {_node(rng, 3)}\n  kafka: {_node(rng, 3)}\n"
            content = text.encode("utf-8", "surrogatepass")
        else:
            content = _bomb(rng).replace("topics", "services").encode()
        room.put("docker-compose.yml", content)
        settings = load(room.project, environ={})
        return Case(content, lambda: _chosen(settings))

    fuzz.run("docker-compose.yml", 0.015, make, room.root)


def _chosen(settings: Settings) -> object:
    """Choose a file where Compose, a command of its own, takes none."""

    def refuse(*_: object, **__: object) -> None:
        raise InvalidInput("Compose does not accept it.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(command.Project, "config", refuse)
        return compose_file.choose(settings)


def test_composed(fuzz: Campaign, room: Room) -> None:
    """What Compose prints is looked at without trust in its types."""

    def make(rng: random.Random) -> Case:
        content = twisted(rng, corpora.COMPOSED)

        def act() -> object:
            return _looked_at(command.read_config(content.decode("utf-8", "replace")))

        return Case(content, act)

    fuzz.run("docker compose config", 0.02, make, room.root)


def _looked_at(config: dict[str, Any]) -> object:
    topology = zookeeper_cluster(2)
    try:
        compose_file.check(config, topology)
    except KafkaTasksError as error:
        check_error(error)
    try:
        compose_file.published(cast.of_config(config), config)
    except KafkaTasksError as error:
        check_error(error)
    leavings.volumes_of(config, topology.names)
    return list(examined.problems(config, topology))
