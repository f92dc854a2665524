"""Results as the documents of the contract: plain mappings, ready for JSON or YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.group import GroupLag
from kafka_tasks.model.results import Known, Proof, Pulled, Report
from kafka_tasks.model.topic import ListedTopic, Offsets, TopicState

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError

Document = dict[str, Any]
SCHEMA = 1


def report(found: Report) -> Document:
    """`up`, `status`, `wait`, `restart`."""
    return {
        "schema": SCHEMA,
        "project": str(found.project),
        "runtime": found.runtime,
        "state": found.state,
        "bootstrap_servers": found.bootstrap_servers,
        "zookeeper": found.zookeeper,
        "cluster_id": found.cluster_id,
        "kafka_version": found.kafka_version,
        "services": [service(entry) for entry in found.services],
        "timeline": [
            {"layer": mark.layer, "service": mark.service, "ready_s": mark.ready_s}
            for mark in found.timeline
        ],
        "elapsed_s": found.elapsed_s,
        "changed": found.changed,
        "failed_layer": found.failed_layer,
        "reason": found.reason,
    }


def service(entry: ServiceState) -> Document:
    """One service."""
    return {
        "name": entry.name,
        "state": entry.state,
        "address": str(entry.address) if entry.address else None,
        "pid": entry.pid,
        "container": entry.container,
        "uptime_s": entry.uptime_s,
        "version": entry.version,
        "health": entry.health,
    }


def error(failure: KafkaTasksError) -> Document:
    """What every task prints when it fails."""
    return {
        "schema": SCHEMA,
        "error": {
            "code": failure.code,
            "message": failure.message,
            "hint": failure.hint,
            "evidence": list(failure.evidence),
            "cause": failure.cause,
            "finding": failure.finding,
            "exit_code": failure.exit_code,
        },
    }


def stopped(names: Sequence[str], *, wiped: bool) -> Document:
    """`down`."""
    return {"schema": SCHEMA, "stopped": list(names), "wiped": wiped}


def clusters(found: Sequence[Known]) -> Document:
    """`list`."""
    return {
        "schema": SCHEMA,
        "clusters": [
            {
                "project": str(known.project),
                "runtime": known.runtime,
                "state": known.state,
                "bootstrap_servers": known.bootstrap_servers,
                "zookeeper": known.zookeeper,
            }
            for known in found
        ],
    }


def pulled(found: Pulled) -> Document:
    """`pull`."""
    return {
        "schema": SCHEMA,
        "runtime": found.runtime,
        "pulled": list(found.what),
        "elapsed_s": found.elapsed_s,
    }


def proof(found: Proof) -> Document:
    """`topic` alone."""
    return {
        "schema": SCHEMA,
        "topic": found.topic,
        "created": found.created,
        "partitions": found.partitions,
        "replication_factor": found.replication_factor,
        "leaders": found.leaders,
        "records": found.records,
        "roundtrip_ms": found.roundtrip_ms,
    }


def topics(found: Sequence[ListedTopic]) -> Document:
    """`topic.list`."""
    return {
        "schema": SCHEMA,
        "topics": [
            {
                "name": listed.state.name,
                "partitions": len(listed.state.partitions),
                "replication_factor": listed.state.replication_factor,
                "leaders": listed.state.leaders,
                "under_replicated": listed.state.under_replicated,
                "internal": listed.state.internal,
                "records": listed.records,
                "bytes": listed.bytes,
            }
            for listed in found
        ],
    }


def topic(
    state: TopicState, offsets: Mapping[int, Offsets], groups: Sequence[GroupLag] = ()
) -> Document:
    """`topic.describe`."""
    return {
        "schema": SCHEMA,
        "name": state.name,
        "replication_factor": state.replication_factor,
        "internal": state.internal,
        "partitions": [
            {
                "id": partition.id,
                "leader": partition.leader,
                "replicas": list(partition.replicas),
                "isr": list(partition.isr),
                "start": offsets[partition.id].start if partition.id in offsets else None,
                "end": offsets[partition.id].end if partition.id in offsets else None,
            }
            for partition in state.partitions
        ],
        "config": {
            key: {"value": entry.value, "source": entry.source}
            for key, entry in sorted(state.config.items())
        },
        "groups": [
            {"name": group.group.name, "state": group.group.state, "lag": group.lag_in(state.name)}
            for group in groups
        ],
    }
