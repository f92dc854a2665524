"""A cluster's topics as files: topics.yaml, Strimzi's KafkaTopic resources, or Terraform."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics.undo import as_entry

# Kubernetes takes names of DNS: lower case, digits, - and ., at most 253.
_NOT_DNS = re.compile(r"[^a-z0-9.-]+")
_NOT_HCL = re.compile(r"[^A-Za-z0-9_-]")


def topics_yaml(states: Sequence[TopicState], *, cluster_id: str, owner: Sequence[str]) -> str:
    """A topics.yaml that plans to nothing on this cluster: what was set, and no defaults."""
    document: dict[str, Any] = {"owner": list(owner)} if owner else {}
    document["topics"] = [as_entry(state) for state in states]
    return f"# Topics of cluster {cluster_id}.\n{_dumped(document)}"


def strimzi(states: Sequence[TopicState], *, kafka: str) -> str:
    """A KafkaTopic resource for each, labelled with the name of the Kafka resource."""
    taken: set[str] = set()
    resources = []
    for state in states:
        name = _unique(_dns(state.name), taken)
        spec: dict[str, Any] = {
            "partitions": len(state.partitions),
            "replicas": state.replication_factor,
        }
        if name != state.name:
            spec = {"topicName": state.name, **spec}
        if config := _set_on(state):
            spec["config"] = {key: _native(value) for key, value in config.items()}
        resources.append(
            {
                "apiVersion": "kafka.strimzi.io/v1beta2",
                "kind": "KafkaTopic",
                "metadata": {"name": name, "labels": {"strimzi.io/cluster": kafka}},
                "spec": spec,
            }
        )
    return "---\n".join(_dumped(resource) for resource in resources)


def terraform(states: Sequence[TopicState]) -> str:
    """A `kafka_topic` resource for each, as the provider for Apache Kafka has it."""
    taken: set[str] = set()
    return "\n".join(_resource(state, taken) for state in states)


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
    """Strimzi compares values, not texts: a number is written as one."""
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", value):
        return int(value)
    return {"true": True, "false": False}.get(value, value)


def _dns(name: str) -> str:
    return _NOT_DNS.sub("-", name.lower()).strip("-.")[:240] or "topic"


def _unique(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found)
    return found


def _quoted(text: str) -> str:
    """A string of HCL: JSON's escapes, and no template begins in it."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


def _dumped(document: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=1000))
