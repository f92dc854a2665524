"""The cluster's topics as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._cluster_access import ANSWERS, connected, matching
from kafka_tasks.tasks._options import Call, Outcome, confirmed, verb

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.model.topic import TopicState


@verb(
    iterable=("owner",),
    help={
        "names": "topics: one, several with commas, or a pattern (default all)",
        "format": "topics, strimzi or terraform",
        "owner": "a prefix: write owner, and only topics below it (repeatable)",
        "kafka": "strimzi: the name of the Kafka resource (default my-cluster)",
        "out": "write to this file instead of the screen",
        **ANSWERS,
    },
    completes={"names": "topics"},
)
def export(
    call: Call,
    names: str | None = None,
    format: str = "topics",
    owner: Any = None,
    kafka: str = "my-cluster",
    out: str | None = None,
    yes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Write the cluster's topics as topics.yaml, for Strimzi or for Terraform."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics import export as files

    if format not in files.FORMATS:
        raise InvalidInput(
            f"--format is {format!r}; allowed: {', '.join(files.FORMATS)}.", hint="--format topics"
        )
    with connected(call) as (_, _, admin):
        states = _states(admin, names, tuple(owner or ()))
        options: dict[str, Any] = {"strimzi": {"kafka": kafka}, "terraform": {}}.get(format, {})
        if format == "topics":
            options = {"cluster_id": admin.look(5.0).cluster_id, "owner": owner or ()}
    text = files.FORMATS[format](states, **options)
    count = "1 topic" if len(states) == 1 else f"{len(states)} topics"
    document = {
        "schema": 1,
        "format": format,
        "topics": [state.name for state in states],
        "file": out,
        "text": None if out else text,
    }
    if out is None:
        return Outcome(document, text.rstrip)
    if not call.dry:
        _write(out, text, yes=yes)
    else:
        document["dry"] = True
    text = f"would write {count} to {out}" if call.dry else f"{count} written to {out}."
    return Outcome(document, lambda: text)


def _states(admin: Admin, names: str | None, owner: Sequence[str]) -> list[TopicState]:
    from dataclasses import replace

    from kafka_tasks.clients.kafka.admin import CHANGE_S

    there = admin.topics()
    chosen = (
        matching(names, admin, "kafka.topic.export")
        if names
        else [name for name in there if not there[name].internal]
    )
    mine = sorted(name for name in chosen if not owner or name.startswith(tuple(owner)))
    configs = admin.configs(mine, timeout_s=admin.limit(None, CHANGE_S), missing_ok=True)
    return [replace(there[name], config=configs[name]) for name in mine if name in configs]


def _write(out: str, text: str, *, yes: bool) -> None:
    from pathlib import Path

    from kafka_tasks.errors import InvalidInput

    path = Path(out)
    if path.exists():
        confirmed([f"{out} is there already and would be written anew."], yes=yes, hint="--yes")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{out} cannot be written: {error.strerror}.", hint="--out topics.yaml"
        ) from error
