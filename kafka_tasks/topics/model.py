"""Specifications of topics, and the checks that need no cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.access import Rule, resource, rights

_MAX_NAME = 249
# Kafka takes 32 bits; one broker fails long before this many.
_MAX_PARTITIONS = 100_000
_ALLOWED = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as specified; for None the broker chooses, or an existing topic keeps its value.

    `absent` has a plan delete it, `protected` never. `rack_spread` has its replicas spread over
    racks. `owner` has the prefixes of its file (none: any name), `origin` is that file and line.
    """

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    absent: bool = False
    protected: bool = False
    rack_spread: bool = False
    owner: tuple[str, ...] = ()
    origin: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """A right as declared; `absent` has a plan revoke it. The rest is as for topics."""

    rule: Rule
    absent: bool = False
    owner: tuple[str, ...] = ()
    origin: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A setting that no table has, or not with this value; `origin` is its file and line."""

    key: str
    origin: str
    text: str


@dataclass(frozen=True, slots=True)
class WantedTopics:
    """The topics that one or several files declare; `owner` has all their prefixes.

    `doubts` are settings of which only the cluster knows whether it takes them. `access_owner` has
    the prefixes of those files that declare rights in `access`; None without any such file.
    """

    specs: tuple[TopicSpec, ...]
    owner: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    access: tuple[AccessSpec, ...] = ()
    access_owner: tuple[str, ...] | None = None


def check_name(name: str, task: str = "kafka.topic.create") -> str:
    """Return the name; raises `InvalidInput` for one that Kafka refuses.

    For a name that looks like a flag, the hint is the help of `task`.
    """
    if name.startswith("-"):
        raise InvalidInput(
            f"{name!r} looks like a flag, not like a topic name.",
            hint=f"invoke --help {task}",
        )
    return check_declared_name(name)


def check_declared_name(name: str) -> str:
    """Return a name that comes from a file; raises `InvalidInput` for one that Kafka refuses."""
    if not name:
        raise InvalidInput("A topic name cannot be empty.", hint="invoke kafka.topic.create orders")
    if name in (".", ".."):
        raise InvalidInput(f"A topic cannot be named {name!r}.", hint="choose another name")
    if len(name) > _MAX_NAME:
        raise InvalidInput(
            f"The topic name has {len(name)} characters; Kafka allows {_MAX_NAME}.",
            hint="choose a shorter name",
        )
    bad = sorted({char for char in name if not _ALLOWED.fullmatch(char)})
    if bad:
        raise InvalidInput(
            f"The topic name {name!r} has characters that Kafka does not allow: "
            f"{' '.join(map(repr, bad))}.",
            hint="allowed are A-Z a-z 0-9 . _ -",
        )
    return name


def check_partitions(number: int | None) -> None:
    """Raise `InvalidInput` for a number of partitions that Kafka refuses."""
    if number is not None and not 1 <= number <= _MAX_PARTITIONS:
        raise InvalidInput(
            f"A topic cannot have {number} partitions; it can have from 1 to {_MAX_PARTITIONS}.",
            hint="--partitions 1",
        )


def check_replication_factor(number: int | None) -> None:
    """Raise `InvalidInput` for a replication factor that Kafka refuses."""
    if number is not None and not 1 <= number <= 32767:
        raise InvalidInput(
            f"A replication factor of {number} is not possible; it starts at 1.",
            hint="--replication-factor 1",
        )


def check_spec(spec: TopicSpec) -> TopicSpec:
    """Return the spec; raises `InvalidInput` for values that are wrong on any cluster."""
    check_name(spec.name)
    check_partitions(spec.partitions)
    check_replication_factor(spec.replication_factor)
    return spec


def check_access(spec: AccessSpec) -> AccessSpec:
    """Return the right; raises `InvalidInput` for one that no file can declare."""
    rule, of = spec.rule, spec.rule.resource
    if resource(f"{of.kind}:{of.pattern}") != of or rights(rule.right, of.kind) != (rule.right,):
        raise InvalidInput(f"{rule} is not a right.", hint="invoke kafka.acl.list")
    return spec


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
