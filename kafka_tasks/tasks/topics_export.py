"""The cluster's topics as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected, matching
from kafka_tasks.tasks.confirm import require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.model.access import Rule
    from kafka_tasks.model.topic import TopicState


@task(
    iterable=("owner",),
    help={
        "names": "topics: one, several with commas, or a pattern (default all)",
        "format": "topics, strimzi or terraform",
        "owner": "a prefix: only topics with it, and owner in the file (repeatable)",
        "access": "and the rights on these topics, or on everything if none are named",
        "kafka": "strimzi: the name of the Kafka resource (default my-cluster)",
        "out": "write to this file instead of stdout",
        **ANSWERS,
    },
    completes={"names": "topics"},
)
def export(
    call: Call,
    names: str | None = None,
    format: str = "topics",
    owner: Any = None,
    access: bool = False,
    kafka: str = "my-cluster",
    out: str | None = None,
    yes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Write the cluster's topics as topics.yaml, for Strimzi or for Terraform."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka.visibility import Sight
    from kafka_tasks.render.views import topics_exported
    from kafka_tasks.topics import export as files

    _require_format(format, access=access)
    with connected(call) as (session, _, admin):
        sight = Sight(admin)
        states = _states(admin, names, tuple(owner or ()))
        options: dict[str, Any] = {"strimzi": {"kafka": kafka}, "terraform": {}}.get(format, {})
        if format == "topics":
            options = {"cluster_id": admin.view().cluster_id, "owner": owner or ()}
            if access:
                options["rules"] = _rules(admin, states if names else None, tuple(owner or ()))
        if limited := sight.hidden_topics():
            session.recorder.notice(limited)
    text = files.FORMATS[format](states, **options)
    if out is not None and not call.dry:
        _write(call, out, text, yes=yes)
    topics = [state.name for state in states]
    bare = [state.name for state in states if not state.shows_settings]
    found = topics_exported.Exported(format, topics, text, out, call.dry, bare)
    return shown(found, topics_exported)


def _rules(admin: Admin, on: Sequence[TopicState] | None, owner: Sequence[str]) -> list[Rule]:
    """Return the rules that apply to these topics, or all; with an owner, only its own."""
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.model.access import Resource

    found = acls.rules(admin)
    if on is not None:
        topics = [Resource("topic", state.name) for state in on]
        found = [rule for rule in found if any(rule.resource.covers(topic) for topic in topics)]
    return [rule for rule in found if not owner or rule.resource.name.startswith(tuple(owner))]


def _require_format(form: str, *, access: bool) -> None:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics.export import FORMATS

    if form not in FORMATS:
        raise InvalidInput(
            f"--format is {form!r}; allowed: {', '.join(FORMATS)}.", hint="--format topics"
        )
    if access and form != "topics":
        raise InvalidInput(
            f"--access is for topics.yaml; --format {form} has no rights.", hint="--format topics"
        )


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


def _write(call: Call, out: str, text: str, *, yes: bool) -> None:
    from pathlib import Path

    from kafka_tasks.errors import InvalidInput

    path = Path(out)
    if path.exists():
        require_yes(call, [f"{out} exists and would be overwritten."], yes=yes)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{out} cannot be written: {error.strerror}.", hint="--out topics.yaml"
        ) from error
