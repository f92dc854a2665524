"""A wanted topic, and what may be wanted, checked before the network is touched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka_tasks.errors import InvalidInput

MAX_NAME = 249
# Kafka takes the number as 32 bits; a single broker is long dead before this many.
MAX_PARTITIONS = 100_000
_ALLOWED = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as somebody wants it; None leaves the choice to the broker, or to what is there.

    `absent` wants it gone, `protected` never lets a plan delete it. `owner` are the prefixes of the
    file it stands in (none: any name), `origin` is that file and line.
    """

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    absent: bool = False
    protected: bool = False
    owner: tuple[str, ...] = ()
    origin: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class WantedTopics:
    """What topics.yaml, or several such files, declare; `owner` are all their prefixes."""

    specs: tuple[TopicSpec, ...]
    owner: tuple[str, ...] = ()


def check_name(name: str, task: str = "kafka.topic.create") -> str:
    """Return the name; raises `InvalidInput` for one that Kafka would not take.

    What looks like a flag points to the help of `task`.
    """
    if name.startswith("-"):
        raise InvalidInput(
            f"{name!r} looks like a flag, not like a topic name.",
            hint=f"invoke --help {task}",
        )
    if not name:
        raise InvalidInput("A topic name cannot be empty.", hint="invoke kafka.topic.create orders")
    if name in (".", ".."):
        raise InvalidInput(f"A topic cannot be named {name!r}.", hint="choose another name")
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"The topic name has {len(name)} characters; Kafka allows {MAX_NAME}.",
            hint="choose a shorter name",
        )
    if not _ALLOWED.fullmatch(name):
        bad = sorted({char for char in name if not _ALLOWED.fullmatch(char)})
        raise InvalidInput(
            f"The topic name {name!r} has characters that Kafka does not allow: "
            f"{' '.join(map(repr, bad))}.",
            hint="allowed are A-Z a-z 0-9 . _ -",
        )
    return name


def check_partitions(number: int | None) -> None:
    """Raise `InvalidInput` for a number of partitions that no topic can have."""
    if number is not None and not 1 <= number <= MAX_PARTITIONS:
        raise InvalidInput(
            f"A topic cannot have {number} partitions; it can have from 1 to {MAX_PARTITIONS}.",
            hint="--partitions 1",
        )


def check_replication_factor(number: int | None, brokers: int | None = None) -> None:
    """Raise `InvalidInput` for a replication factor below 1 or above the number of brokers."""
    if number is None:
        return
    if not 1 <= number <= 32767:
        raise InvalidInput(
            f"A replication factor of {number} is not possible; it starts at 1.",
            hint="--replication-factor 1",
        )
    if brokers is not None and number > brokers:
        raise InvalidInput(
            f"A replication factor of {number} is larger than the number of brokers ({brokers}).",
            hint=f"--replication-factor {brokers}; more brokers: invoke kafka.down, then "
            f"invoke kafka.up --brokers {number}",
        )


def check_spec(spec: TopicSpec) -> TopicSpec:
    """Return the spec when all that can be known without a cluster is right."""
    check_name(spec.name)
    check_partitions(spec.partitions)
    check_replication_factor(spec.replication_factor)
    return spec


def collision(name: str, others: Iterable[str]) -> str | None:
    """The topic whose name the broker cannot tell from this one in its metrics (. and _)."""
    folded = name.replace(".", "_")
    return next(
        (other for other in others if other != name and other.replace(".", "_") == folded), None
    )


def parse_config(pairs: Iterable[str]) -> dict[str, str]:
    """Read `key=value` flags; raises `InvalidInput`."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key.strip():
            raise InvalidInput(
                f"--config {pair!r} is not of the form key=value.",
                hint="--config retention.ms=604800000",
            )
        found[key.strip()] = value.strip()
    return found


def same_value(one: str, other: str) -> bool:
    """Whether Kafka would take both for the same: blanks in lists, order, 007 and TRUE aside."""
    return one == other or _plain(one) == _plain(other)


def _plain(value: str) -> object:
    text = value.strip()
    if re.fullmatch(r"[+-]?[0-9]{1,40}", text, re.ASCII):
        return int(text)
    if text.lower() in ("true", "false"):
        return text.lower()
    return frozenset(part.strip() for part in text.split(","))
