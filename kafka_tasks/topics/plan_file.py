"""The file of a plan, with the cluster that it was made for and its state then."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kafka_tasks.errors import InvalidInput, Refused
from kafka_tasks.model.access import Rule
from kafka_tasks.model.topic import TopicState
from kafka_tasks.project import json_files, private
from kafka_tasks.topics.model import AccessSpec, TopicSpec, WantedTopics, check_access, check_spec
from kafka_tasks.topics.observe import Observed
from kafka_tasks.topics.plan import Plan

_FORMAT = "kafka-tasks plan 1"


class SeenTopic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic as a plan saw it: replicas by partition, and the compared settings."""

    replicas: tuple[tuple[int, ...], ...]
    config: dict[str, str | None]

    def said(self) -> dict[str, Any]:
        """Return its values by the field names of a plan."""
        return {
            "partitions": len(self.replicas),
            "replication_factor": min(map(len, self.replicas), default=0),
            **{f"config.{key}": value for key, value in self.config.items()},
            "replicas": self.replicas,
        }


class KeptPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file that `plan --out` writes and `apply --plan` reads."""

    format: str
    cluster_id: str
    fingerprint: str
    prune: bool
    brokers: tuple[int, ...]
    owner: tuple[str, ...]
    specs: tuple[TopicSpec, ...]
    seen: dict[str, SeenTopic | None]
    racks: dict[int, str] = {}
    access: tuple[AccessSpec, ...] = ()
    access_owner: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def wanted(self) -> WantedTopics:
        """The topics that the plan was made for."""
        return WantedTopics(self.specs, self.owner, (), self.access, self.access_owner)


def kept(wanted: WantedTopics, observed: Observed, plan: Plan, *, prune: bool) -> KeptPlan:
    """Return the plan with all that it depends on."""
    specs = {spec.name: spec for spec in wanted.specs}
    seen = {
        change.topic: _seen(observed.topics.get(change.topic), specs.get(change.topic))
        for change in plan.changes
    }
    there = set(observed.rules or ())
    rules = tuple(sorted(c.rule for c in plan.access or () if c.rule in there))
    return KeptPlan(
        _FORMAT,
        observed.cluster_id,
        _fingerprint(observed, seen, None if plan.access is None else rules),
        prune,
        observed.brokers,
        wanted.owner,
        wanted.specs,
        seen,
        dict(observed.racks),
        wanted.access,
        wanted.access_owner,
        rules,
    )


def _seen(state: TopicState | None, spec: TopicSpec | None) -> SeenTopic | None:
    if state is None:
        return None
    compared = set(spec.config) if spec is not None else set()
    return SeenTopic(
        tuple(tuple(sorted(partition.replicas)) for partition in state.partitions),
        {
            key: value.value
            for key, value in sorted(state.config.items())
            if value.explicit or key in compared
        },
    )


def _fingerprint(
    observed: Observed, seen: Mapping[str, SeenTopic | None], rules: tuple[Rule, ...] | None
) -> str:
    facts = (
        observed.cluster_id,
        observed.brokers,
        sorted(seen.items()),
        *([sorted(observed.racks.items())] if observed.racks else ()),
        *([rules] if rules is not None else ()),
    )
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:16]


def write(plan: KeptPlan, path: Path) -> None:
    """Write a plan completely or not at all, for the owner alone; raises `InvalidInput`."""
    part = path.with_name(f".{path.name}.part")
    try:
        private.write(part, msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
        os.replace(part, path)
    except OSError as error:
        raise InvalidInput(
            f"The plan cannot be written to {path}: {error.strerror}.", hint="--out plan.json"
        ) from error


def read(path: Path) -> KeptPlan:
    """Read a plan; raises `InvalidInput` for any other file."""
    try:
        found = json_files.load(path, KeptPlan)
        for spec in found.specs:
            check_spec(spec)
        for right in found.access:
            check_access(right)
    except OSError as error:
        raise InvalidInput(
            f"The plan {path} cannot be read: {error.strerror}.",
            hint="invoke kafka.topic.plan --out plan.json",
        ) from error
    except (json_files.Unreadable, InvalidInput) as error:
        raise InvalidInput(
            f"{path} is not a plan that kafka.topic.plan --out has written.",
            evidence=(str(error),),
            hint="invoke kafka.topic.plan --out plan.json",
        ) from error
    if found.format != _FORMAT:
        raise InvalidInput(
            f"{path} has the format {found.format!r}; this version reads {_FORMAT!r}.",
            hint="invoke kafka.topic.plan --out plan.json",
        )
    return found


def require_same(before: KeptPlan, now: KeptPlan) -> None:
    """Raise `Refused` unless this is the cluster that the plan was made for, unchanged."""
    if before.cluster_id != now.cluster_id:
        raise Refused(
            f"The plan was made for cluster {before.cluster_id}, this is {now.cluster_id}.",
            hint="invoke kafka.topic.plan --out plan.json makes one for this cluster",
        )
    if before.fingerprint != now.fingerprint:
        raise Refused(
            "The cluster has changed since the plan was made.",
            evidence=_changes(before, now) or ["the plan file was edited"],
            hint="invoke kafka.topic.plan --out plan.json, and look at it again",
        )


def _changes(before: KeptPlan, now: KeptPlan) -> list[str]:
    lines = []
    if before.brokers != now.brokers:
        lines.append(f"brokers: {_list(before.brokers)} then, {_list(now.brokers)} now")
    if before.racks != now.racks:
        lines.append(f"racks: {_racks(before.racks)} then, {_racks(now.racks)} now")
    for name in sorted({*before.seen, *now.seen}):
        lines += _difference(name, before.seen.get(name), now.seen.get(name))
    then, since = set(before.rules), set(now.rules)
    lines += [f"{rule}: granted then, not granted now" for rule in sorted(then - since)]
    lines += [f"{rule}: not granted then, granted now" for rule in sorted(since - then)]
    return lines


def _difference(name: str, then: SeenTopic | None, now: SeenTopic | None) -> list[str]:
    if then == now:
        return []
    if then is None or now is None:
        return [
            f"{name}: {'not there' if then is None else 'there'} then, "
            f"{'gone' if now is None else 'there'} now"
        ]
    one, other = then.said(), now.said()
    changed = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
    if len(changed) > 1 and "replicas" in changed:
        changed.remove("replicas")
    return [f"{name}: {key} was {one.get(key)}, is {other.get(key)}" for key in changed]


def _racks(racks: Mapping[int, str]) -> str:
    return ", ".join(f"{broker} in {rack}" for broker, rack in sorted(racks.items())) or "none"


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
