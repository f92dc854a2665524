from __future__ import annotations

import json
from pathlib import Path

from kafka_tasks.errors import NotReady, PortTaken
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.events import Mark
from kafka_tasks.model.results import Known, Proof, Pulled, Report
from kafka_tasks.model.role import Role
from kafka_tasks.model.topic import ConfigValue, ListedTopic, Offsets, PartitionState, TopicState
from kafka_tasks.render.views import clusters, error, proof, pulled, report, stopped, topic, topics
from kafka_tasks.render.views.stopped import Stopped
from kafka_tasks.render.views.topic import Described
from kafka_tasks.render.views.topics import Topics

REPORT = Report(
    project=Path("/abs/path"),
    runtime="embedded",
    state="ready",
    bootstrap_servers="localhost:9092",
    zookeeper="localhost:2181",
    mode="zookeeper",
    cluster_id="id",
    kafka_version="3.9.1",
    services=(
        ServiceState(
            "zookeeper",
            Role.ZOOKEEPER,
            alive=True,
            address=Address("localhost", 2181),
            state="ready",
            pid=123,
            uptime_s=3.2,
        ),
    ),
    timeline=(Mark("zookeeper", "zookeeper", 0.52),),
    elapsed_s=1.71,
)


def test_a_report_has_the_contracts_shape() -> None:
    """`up`, `status`, `wait` and `restart` print the documented keys, then those added later."""
    found = report.document(REPORT)
    contract = {
        "schema": 1,
        "project": "/abs/path",
        "runtime": "embedded",
        "state": "ready",
        "bootstrap_servers": "localhost:9092",
        "zookeeper": "localhost:2181",
        "cluster_id": "id",
        "kafka_version": "3.9.1",
        "mode": "zookeeper",
    }
    assert list(found.items())[: len(contract)] == list(contract.items())
    (service,) = found["services"]
    expected = {
        "name": "zookeeper",
        "role": "zookeeper",
        "state": "ready",
        "address": "localhost:2181",
        "pid": 123,
        "container": None,
        "uptime_s": 3.2,
    }
    assert service | expected == service
    assert found["timeline"] == [{"layer": "zookeeper", "service": "zookeeper", "ready_s": 0.52}]
    assert found["elapsed_s"] == 1.71
    assert json.loads(json.dumps(found)) == found


def test_an_error_is_one_document() -> None:
    """Code, message and hint are there, the evidence too, and nothing that JSON cannot hold."""
    failure = NotReady("Not ready.", layer="broker", hint="wait", evidence=["a", "b"])
    assert error.document(failure) == {
        "schema": 1,
        "error": {
            "code": "not-ready",
            "message": "Not ready.",
            "hint": "wait",
            "evidence": ["a", "b"],
            "cause": None,
            "finding": None,
            "also_wrong": [],
            "exit_code": 5,
        },
    }
    assert error.document(PortTaken("taken"))["error"]["code"] == "port-taken"


def test_the_other_documents_are_plain_values() -> None:
    """`down`, `list`, `pull`, and `topic` are documents with a schema."""
    assert stopped.document(Stopped(("kafka", "zookeeper"), wiped=True)) == {
        "schema": 1,
        "stopped": ["kafka", "zookeeper"],
        "wiped": True,
    }
    assert clusters.document([Known(Path("/p"), "embedded", "failed", None, None)]) == {
        "schema": 1,
        "clusters": [
            {
                "project": "/p",
                "runtime": "embedded",
                "state": "failed",
                "bootstrap_servers": None,
                "zookeeper": None,
            }
        ],
    }
    assert pulled.document(Pulled("embedded", ("30 jars",), 1.5)) == {
        "schema": 1,
        "runtime": "embedded",
        "pulled": ["30 jars"],
        "elapsed_s": 1.5,
    }
    assert proof.document(Proof("test-topic", True, 1, 1, 1, 1, 7.5)) == {
        "schema": 1,
        "topic": "test-topic",
        "created": True,
        "partitions": 1,
        "replication_factor": 1,
        "leaders": 1,
        "records": 1,
        "roundtrip_ms": 7.5,
    }


def test_a_topic_is_described_whole() -> None:
    """Partitions with leaders and offsets, settings sorted; what is not known is null."""
    state = TopicState(
        "t",
        (PartitionState(0, 1, (1, 2), (1,)), PartitionState(1, None, (1, 2), ())),
        {
            "b": ConfigValue("2", "dynamic-topic", True),
            "a": ConfigValue("1", "default", False),
        },
    )
    found = topic.document(Described(state, {0: Offsets(3, 9)}))
    assert found["partitions"] == [
        {"id": 0, "leader": 1, "replicas": [1, 2], "isr": [1], "start": 3, "end": 9},
        {"id": 1, "leader": None, "replicas": [1, 2], "isr": [], "start": None, "end": None},
    ]
    assert found["brokers"] == [{"id": 1, "rack": None}, {"id": 2, "rack": None}]
    racked = topic.document(Described(state, {}, racks={1: "a", 2: "b", 3: "c"}))
    assert racked["brokers"] == [{"id": 1, "rack": "a"}, {"id": 2, "rack": "b"}]
    assert list(found["config"]) == ["a", "b"]
    assert found["config"]["b"] == {"value": "2", "source": "dynamic-topic"}
    assert topics.document(Topics([ListedTopic(state, 6, 120)]))["topics"] == [
        {
            "name": "t",
            "partitions": 2,
            "replication_factor": 2,
            "leaders": 1,
            "under_replicated": 2,
            "internal": False,
            "records": 6,
            "bytes": 120,
        }
    ]
