"""Changes one topic by flags: planned, checked by the broker, and only then carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from kafka_tasks.clients.kafka import changes
from kafka_tasks.clients.kafka.admin import CHANGE_S, Admin
from kafka_tasks.clients.kafka.changes import ConfigEdit, Outcomes
from kafka_tasks.clients.kafka.connection import undecided
from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    InvalidInput,
    KafkaTasksError,
    TopicMissing,
)
from kafka_tasks.model.topic import ConfigValue, TopicState
from kafka_tasks.retry import Deadline, NotYet
from kafka_tasks.topics import configs
from kafka_tasks.topics.model import check_partitions
from kafka_tasks.topics.plan import FieldChange
from kafka_tasks.topics.waits import await_leaders

_UNKNOWN = ConfigValue(None, "unknown", False)


@dataclass(frozen=True, slots=True)
class Alteration:
    """The changes of one topic; `partitions` is the new total, None keeps the number."""

    topic: str
    partitions: int | None
    edits: tuple[ConfigEdit, ...]
    fields: tuple[FieldChange, ...]


def edits_of(
    *,
    to_set: Iterable[str] = (),
    to_delete: Iterable[str] = (),
    to_append: Iterable[str] = (),
    to_subtract: Iterable[str] = (),
) -> tuple[ConfigEdit, ...]:
    """Read flags; raises `InvalidInput`, also for a setting that is named twice."""
    found = [
        *(_pair("set", text) for text in to_set),
        *(ConfigEdit(_key("delete", text), "delete") for text in to_delete),
        *(_pair("append", text) for text in to_append),
        *(_pair("subtract", text) for text in to_subtract),
    ]
    _require_unique([edit.key for edit in found])
    return tuple(found)


def _require_unique(keys: Sequence[str]) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise InvalidInput(
                f"The setting {key} is named more than once.",
                hint=f"--set {key}=VALUE, once, with the new value",
            )


def _pair(operation: Literal["set", "append", "subtract"], text: str) -> ConfigEdit:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise InvalidInput(
            f"--{operation} {text!r} is not of the form key=value.",
            hint="--set retention.ms=604800000"
            if operation == "set"
            else f"--{operation} cleanup.policy=compact",
        )
    return ConfigEdit(key.strip(), operation, value.strip())


def _key(operation: str, text: str) -> str:
    if "=" in text or not text.strip():
        raise InvalidInput(
            f"--{operation} {text!r} is not the name of a setting.",
            hint=f"--{operation} retention.ms",
        )
    return text.strip()


def planned(
    state: TopicState,
    *,
    partitions: int | None,
    edits: Sequence[ConfigEdit],
    all_shown: bool = True,
) -> Alteration:
    """Return what these flags change in the topic; values that it has already are left out.

    Raises `InvalidInput` for fewer partitions, and for a setting that the broker does not have: a
    cluster that is not ours may have settings that it does not show.
    """
    check_partitions(partitions)
    have = len(state.partitions)
    if partitions is not None and partitions < have:
        raise InvalidInput(
            f"The topic {state.name} has {have} partitions, and Kafka cannot remove any: "
            f"{partitions} is not possible.",
            hint="delete and recreate it, without its records: "
            f"invoke kafka.topic.delete {state.name}",
        )
    for edit in edits if all_shown else ():
        _require_known(edit.key, state)
    wanted = [(edit, field) for edit in edits if (field := _field(edit, state)) is not None]
    grown = partitions if partitions != have else None
    fields = [FieldChange("partitions", have, grown)] if grown is not None else []
    return Alteration(
        state.name,
        grown,
        tuple(edit for edit, _ in wanted),
        (*fields, *(field for _, field in wanted)),
    )


def _require_known(key: str, state: TopicState) -> None:
    if key in state.config:
        return
    said = configs.missing(key, sorted(state.config), "This Kafka")
    raise InvalidInput(
        said if said.endswith("?") else f"{said}.",
        hint=f"invoke kafka.topic.describe {state.name} -o json shows every setting",
    )


def _field(edit: ConfigEdit, state: TopicState) -> FieldChange | None:
    """Return the difference, or None without one; `after` is None for a reset to default."""
    there = state.config.get(edit.key, _UNKNOWN)
    name = f"config.{edit.key}"
    if edit.operation == "delete":
        known = there is not _UNKNOWN and not there.explicit
        return None if known else FieldChange(name, there.value, None)
    after = edit.value if edit.operation == "set" else _listed(edit, there.value or "")
    same = configs.same_value(edit.key, after or "", there.value or "")
    unchanged = same and (there.explicit or edit.operation != "set")
    return None if unchanged else FieldChange(name, there.value, after)


def _listed(edit: ConfigEdit, before: str) -> str:
    named = _words(edit.value or "")
    have = _words(before)
    if edit.operation == "append":
        return ",".join([*have, *(word for word in named if word not in have)])
    left = set(named)
    return ",".join(word for word in have if word not in left)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def require_possible(admin: Admin, wanted: Alteration) -> None:
    """Ask the broker whether it accepts every change; raises the first refusal."""
    for outcome in _sent(admin, wanted, validate_only=True):
        if outcome is not None:
            raise outcome


def carry_out(admin: Admin, wanted: Alteration, *, timeout_s: float | None = None) -> TopicState:
    """Carry it out; return the changed topic, with a leader for each partition.

    Raises `ClusterError`; where only the second step failed, its text says so.
    """
    partitions, configs = _sent(admin, wanted, validate_only=False)
    if partitions is not None:
        raise partitions
    if configs is not None:
        raise configs if wanted.partitions is None else _half_done(wanted, configs)
    await_leaders(admin, wanted.topic, Deadline.after(admin.limit(timeout_s, CHANGE_S)))
    found = admin.describe(wanted.topic)
    if found is None:
        raise ClusterError(
            f"The topic {wanted.topic} was deleted meanwhile.", hint="invoke kafka.topic.list"
        )
    return found


def _half_done(wanted: Alteration, error: KafkaTasksError) -> ClusterError:
    return ClusterError(
        f"The topic {wanted.topic} now has {wanted.partitions} partitions, but its settings "
        f"are unchanged. {error.message}",
        evidence=error.evidence,
        hint=f"invoke kafka.topic.describe {wanted.topic}",
    )


def _sent(
    admin: Admin, wanted: Alteration, *, validate_only: bool
) -> tuple[KafkaTasksError | None, KafkaTasksError | None]:
    """Send both steps and return their outcomes; a refused first one stops the second."""
    name = wanted.topic
    totals = {name: wanted.partitions} if wanted.partitions is not None else {}
    grown = _persistently(
        admin,
        wanted,
        lambda limit: changes.add_partitions(
            admin, totals, timeout_s=limit, validate_only=validate_only
        ),
        only_asked=validate_only,
    )
    if grown is not None:
        return grown, None
    edits = {name: wanted.edits} if wanted.edits else {}
    return None, _persistently(
        admin,
        wanted,
        lambda limit: changes.alter_configs(
            admin, edits, timeout_s=limit, validate_only=validate_only
        ),
        only_asked=validate_only,
    )


def _persistently(
    admin: Admin, wanted: Alteration, send: Callable[[float], Outcomes], *, only_asked: bool
) -> KafkaTasksError | None:
    """Send one step again while the cluster is not ready; return its outcome."""
    sent = 0

    def attempt(seconds: float) -> KafkaTasksError | None:
        nonlocal sent
        sent += 1
        outcome = send(seconds).get(wanted.topic)
        if isinstance(outcome, BrokerUnreachable):
            raise outcome
        if isinstance(outcome, TopicMissing) and admin.still_there([wanted.topic]):
            raise NotYet(outcome.message)
        # The request before may have been carried out without an answer.
        again = sent > 1 and isinstance(outcome, InvalidInput)
        return None if again and _has_grown(admin, wanted) else outcome

    try:
        return admin.persistently(attempt, admin.limit(None, CHANGE_S))
    except BrokerUnreachable as error:
        if only_asked:
            return error
        look = f"invoke kafka.topic.describe {wanted.topic}"
        return undecided(error, f"The change of topic {wanted.topic}", look)


def _has_grown(admin: Admin, wanted: Alteration) -> bool:
    there = admin.topics(name=wanted.topic).get(wanted.topic)
    return there is not None and len(there.partitions) == wanted.partitions
