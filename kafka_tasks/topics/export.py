"""Writes topics to files: topics.yaml, Strimzi's KafkaTopic resources, Terraform, undo files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from kafka_tasks.model.access import CLUSTER, Resource, Rule
from kafka_tasks.model.group import Place
from kafka_tasks.model.topic import TopicState
from kafka_tasks.project import private
from kafka_tasks.topics.access_yaml import KEYS, declarable

UNDO_NOTICE = "the records themselves are not in it"

# Kubernetes takes DNS names: lower case, digits, - and ., at most 253 characters.
_NOT_DNS = re.compile(r"[^a-z0-9.-]+")
_NOT_HCL = re.compile(r"[^A-Za-z0-9_-]")


def topics_yaml(
    states: Sequence[TopicState],
    *,
    cluster_id: str,
    owner: Sequence[str],
    rules: Sequence[Rule] | None = None,
) -> str:
    """Return a topics.yaml whose plan for this cluster is empty; it omits defaults.

    It has rights unless `rules` is None; a comment names the rules that it cannot have.
    """
    document: dict[str, Any] = {"owner": list(owner)} if owner else {}
    document["topics"] = [_entry(state) for state in states]
    what, left = "Topics", ""
    if rules is not None:
        document["access"] = _access_entries(rules)
        what = "Topics and rights"
        left = "".join(f"# Not in this file: {rule}.\n" for rule in rules if not declarable(rule))
    return f"# {what} of cluster {cluster_id}.\n{left}{_hidden(states)}{_dumped(document)}"


def _hidden(states: Iterable[TopicState]) -> str:
    """Return a comment with the topics whose settings are not visible; empty without any."""
    names = [state.name for state in states if not state.shows_settings]
    if not names:
        return ""
    return (
        f"# The settings of {', '.join(names)} are not in this file: they are not visible "
        "without the right DESCRIBE_CONFIGS.\n"
    )


def strimzi(states: Sequence[TopicState], *, kafka: str) -> str:
    """Return a KafkaTopic resource for each, labelled with the name of the Kafka resource."""
    taken: set[str] = set()
    resources = [_kafka_topic(state, _unique(_dns(state.name), taken), kafka) for state in states]
    return _hidden(states) + "---\n".join(map(_dumped, resources))


def _kafka_topic(state: TopicState, name: str, kafka: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "partitions": len(state.partitions),
        "replicas": state.replication_factor,
    }
    if name != state.name:
        spec = {"topicName": state.name, **spec}
    if config := _set_on(state):
        spec["config"] = {key: _native(value) for key, value in config.items()}
    return {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": "KafkaTopic",
        "metadata": {"name": name, "labels": {"strimzi.io/cluster": kafka}},
        "spec": spec,
    }


def terraform(states: Sequence[TopicState]) -> str:
    """Return a `kafka_topic` resource for each, for the Terraform provider of Apache Kafka."""
    taken: set[str] = set()
    return _hidden(states) + "\n".join(_resource(state, taken) for state in states)


def _resource(state: TopicState, taken: set[str]) -> str:
    label = _NOT_HCL.sub("_", state.name)
    label = _unique(label if not label[0].isdigit() and label[0] != "-" else f"_{label}", taken)
    lines = [
        f'resource "kafka_topic" "{label}" {{',
        f"  name               = {_quoted(state.name)}",
        f"  partitions         = {len(state.partitions)}",
        f"  replication_factor = {state.replication_factor}",
    ]
    if config := _set_on(state):
        lines += ["", "  config = {"]
        lines += [f"    {_quoted(key)} = {_quoted(value)}" for key, value in config.items()]
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


FORMATS: Mapping[str, Callable[..., str]] = {
    "topics": topics_yaml,
    "strimzi": strimzi,
    "terraform": terraform,
}


def _set_on(state: TopicState) -> dict[str, str]:
    return {
        key: value.value
        for key, value in sorted(state.config.items())
        if value.explicit and value.value is not None
    }


def _native(value: str) -> int | str | bool:
    """Return numbers and booleans as such: Strimzi compares values, not texts."""
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", value):
        return int(value)
    return {"true": True, "false": False}.get(value, value)


def _dns(name: str) -> str:
    """Return a name whose every part between dots begins and ends with a letter or a digit."""
    parts = _NOT_DNS.sub("-", name.lower())[:240].split(".")
    return ".".join(filter(None, (part.strip("-") for part in parts))) or "topic"


def _unique(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found)
    return found


def _quoted(text: str) -> str:
    """Return a string of HCL: with the escapes of JSON, and without templates."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


def _dumped(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=1000))


def write_undo(
    directory: Path,
    cluster_id: str,
    topics: Iterable[TopicState],
    committed: Mapping[str, Mapping[Place, int]],
    *,
    revoked: Iterable[Rule] = (),
    now: datetime | None = None,
) -> Path:
    """Write a topics.yaml with these topics and rights as they are; return its path.

    `committed` has the offsets of each group, which become comments: they mean nothing to a
    recreated topic. The file is readable by the owner alone.
    """
    moment = now or datetime.now(UTC)
    states = sorted(topics, key=lambda state: state.name)
    text = _undo_text(moment, cluster_id, states, _access_entries(revoked), committed)
    directory.mkdir(mode=private.DIRECTORY_MODE, parents=True, exist_ok=True)
    path = directory / f"topics-{moment:%Y%m%dT%H%M%S.%fZ}.yaml"
    with open(path, "x", encoding="utf-8", opener=private.opener) as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    return path


def _undo_text(
    moment: datetime,
    cluster_id: str,
    states: Sequence[TopicState],
    access: Sequence[Mapping[str, Any]],
    committed: Mapping[str, Mapping[Place, int]],
) -> str:
    document: dict[str, Any] = {"topics": [_entry(state) for state in states]}
    what, ends = "Topics", f"deleted or trimmed; {UNDO_NOTICE}"
    if access:
        document["access"] = list(access)
        what, ends = ("Topics and rights", f"deleted or revoked; {UNDO_NOTICE}")
    if access and not states:
        del document["topics"]
        what, ends = "Rights", "revoked"
    lines = [
        f"# {what} of cluster {cluster_id} as they were on {moment:%Y-%m-%d %H:%M:%S} UTC, before",
        f"# they were {ends}.",
        f"# {'Recreate' if states else 'Grant'} them: invoke kafka.topic.apply --file FILE",
        *_hidden(states).splitlines(),
        _dumped(document).rstrip(),
        *_committed({state.name for state in states}, committed),
    ]
    return "\n".join(lines) + "\n"


def _entry(state: TopicState) -> dict[str, Any]:
    """Return a topic as topics.yaml has it: with the settings made on it, without defaults."""
    entry: dict[str, Any] = {
        "name": state.name,
        "partitions": len(state.partitions),
        "replication_factor": state.replication_factor,
    }
    config = {
        key: _literal(value.value)
        for key, value in sorted(state.config.items())
        if value.explicit and value.value is not None
    }
    return {**entry, "config": config} if config else entry


def _access_entries(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return rules as topics.yaml has them; those that it cannot have are left out.

    These are rules that deny, and rules on resources of other kinds.
    """
    entries: dict[tuple[str, Resource, str], dict[str, Any]] = {}
    for rule in sorted(filter(declarable, rules)):
        key = KEYS[rule.resource.kind]
        name = True if rule.resource == CLUSTER else _literal(rule.resource.pattern)
        entry: dict[str, Any] = {"user": _literal(rule.user), "may": [], key: name}
        if rule.host != "*":
            entry["host"] = rule.host
        at = rule.principal, rule.resource, rule.host
        entries.setdefault(at, entry)["may"].append(rule.right)
    return list(entries.values())


def _literal(text: str) -> str:
    return text.replace("$", "$$")


def _committed(names: set[str], committed: Mapping[str, Mapping[Place, int]]) -> Iterable[str]:
    rows = [
        f"#   {group}  {topic}-{partition}  {offset}"
        for group, places in sorted(committed.items())
        for (topic, partition), offset in sorted(places.items())
        if topic in names
    ]
    return ["# Offsets that consumer groups had committed:", *rows] if rows else []
