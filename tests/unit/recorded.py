"""Records of clusters, by the number of brokers and two ports."""

from __future__ import annotations

from typing import Any

from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.project.state import ClusterRecord, ServiceRecord


def cluster_record(
    *, brokers: int = 1, port: int = 9092, zookeeper_port: int = 2181, **changes: Any
) -> ClusterRecord:
    """Return the record of a cluster that should run; `changes` are further fields."""
    ports = (zookeeper_port, *range(port, port + brokers))
    fields: dict[str, Any] = {
        "runtime": "embedded",
        "wanted": "running",
        "version": "7.9.6",
        "kafka_version": "3.9.1",
        "changed_at": 1.0,
        "services": tuple(map(ServiceRecord.of, zookeeper_cluster(brokers).at(ports))),
    }
    return ClusterRecord(**{**fields, **changes})


def ports_of(record: ClusterRecord) -> tuple[int, int, int]:
    """Return the number of brokers, the first one's port and that of ZooKeeper."""
    topology = record.topology
    assert topology.zookeeper is not None
    return len(topology.brokers), topology.bootstrap[0].port, topology.zookeeper.port
