"""Command lines: real tasks and real flags, with values that nobody would type twice."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from kafka_tasks.tasks import kafka
from tests.fuzz.mutations import word

CORE = (
    ("-R",),
    ("--dry",),
    ("-e",),
    ("-w",),
    ("-p",),
    ("--no-dedupe",),
    ("-l",),
    ("--list",),
    ("-h",),
    ("-V",),
    ("--complete",),
    ("--print-completion-script", None),
    ("-T", None),
    ("--command-timeout", None),
    ("-D", None),
    ("-F", None),
    ("-f", None),
    ("--config", None),
    ("--help", None),
    ("--hide", None),
)
_PLAUSIBLE = (
    "orders",
    "payments",
    "kafka",
    "zookeeper",
    "1",
    "3",
    "-1",
    "text",
    "json",
    "yaml",
    "start",
    "end",
    "@-2h",
    "+5",
    "topics.yaml",
    "plan.json",
    "retention.ms=1",
    "cleanup.policy=compact",
    "embedded",
    "fake",
    "60",
    "0.5",
    "ord*",
    "orders,payments",
)


@cache
def tasks() -> tuple[tuple[str, tuple[tuple[str, bool], ...], int], ...]:
    """Each task with its flags (name, whether it takes a value) and how many words it wants."""
    found = []
    for name in sorted(kafka.task_names):
        arguments: list[Any] = kafka[name].get_arguments()
        flags = [
            (("-" if len(flag) == 1 else "--") + flag.replace("_", "-"), argument.kind is not bool)
            for argument in arguments
            for flag in argument.names
        ]
        found.append((name, tuple(flags), sum(bool(a.positional) for a in arguments)))
    return tuple(found)


def value(rng: random.Random) -> str:
    """What somebody could type, or could not."""
    return rng.choice(_PLAUSIBLE) if rng.random() < 0.6 else word(rng)


def line(rng: random.Random, *, among: tuple[str, ...] = (), core: bool = True) -> list[str]:
    """The words after `kafka-tasks`; `among` are the tasks to choose from (none: any)."""
    words: list[str] = []
    if core and rng.random() < 0.15:
        words += _flag(rng, *rng.choice(CORE))
    for _ in range(1 if rng.random() < 0.95 else 2):
        words += _call(rng, among)
    if rng.random() < 0.05:
        words.insert(rng.randint(0, len(words)), value(rng))
    if rng.random() < 0.02:
        words.pop(rng.randrange(len(words)))
    return words


def _call(rng: random.Random, among: tuple[str, ...]) -> list[str]:
    name, flags, wanted = rng.choice([task for task in tasks() if not among or task[0] in among])
    words = [name if rng.random() < 0.98 else word(rng)]
    words += [value(rng) for _ in range(wanted if rng.random() < 0.95 else rng.randint(0, 2))]
    for flag, takes in rng.sample(flags, min(len(flags), rng.choice((0, 1, 1, 2, 3)))):
        words += _flag(rng, flag, None) if takes else [flag]
    return words


def _flag(rng: random.Random, name: str, *takes: None) -> list[str]:
    if not takes:
        return [name]
    return [f"{name}={value(rng)}"] if rng.random() < 0.3 else [name, value(rng)]
