"""Writes the data that has to survive a restart; `after_restart` checks it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kafka_tasks.acceptance import ledger, leftovers
from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.acceptance.ledger import Ledger
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.records import Record, produce
from kafka_tasks.fixtures import made_topics
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.topics import one_topic
from kafka_tasks.topics.model import TopicSpec

_RECORDS = 10_000
_PARTITIONS = 3
_TEST_TOPIC = "test-topic"


@pytest.fixture(scope="module")
def planted(session: Session, admin: Admin, run_prefix: str) -> Iterator[Ledger]:
    """Yield the ledger, which is saved with its names before the topics exist."""
    if (old := ledger.load(session.project)) is not None:
        leftovers.delete_planted(session.project, admin, old)
    ours = session.is_local
    kept = _TEST_TOPIC if ours else f"{run_prefix}{_TEST_TOPIC}"
    found = Ledger(
        cluster_id=str(admin.look(5.0).cluster_id),
        topic=f"{run_prefix}records",
        group=f"{run_prefix}group",
        kept_topic=kept,
        kept_topic_is_ours=kept not in admin.topics(),
        uptimes=ledger.uptimes(session),
        written_at=time.time(),
    )
    found.save(session.project)
    yield found
    found.save(session.project)


def _records() -> Iterator[Record]:
    now = int(time.time() * 1000)
    for number in range(_RECORDS):
        text = f"{number:05}".encode()
        yield Record(
            value=b"record " + text * (1 + number % 40),
            key=b"key " + text,
            headers=(("number", text),),
            partition=number % _PARTITIONS,
            timestamp_ms=now + number,
        )


@proves("records-acknowledged")
def test_records_are_acknowledged(planted: Ledger, cluster: Cluster, admin: Admin) -> None:
    """All in-sync replicas acknowledge 10,000 records in three partitions."""
    replicas = min(3, len(admin.look(5.0).brokers))
    keeps = {"retention.ms": "-1", "message.timestamp.type": "CreateTime"}
    made_topics.create(admin, planted.topic, _PARTITIONS, replicas, keeps)
    sent = list(_records())
    answers = produce(cluster, planted.topic, sent, timeout_s=60.0)
    assert len(answers) == _RECORDS
    there = ledger.acknowledged(sent, answers)
    for number, records in ledger.by_partition(there).items():
        planted.digests[number] = ledger.digest(records)
        planted.counts[number] = len(records)


@proves("offset-committed")
def test_offsets_are_committed(planted: Ledger, admin: Admin) -> None:
    """A consumer group commits a different offset in each partition and reads them back."""
    wanted = {(planted.topic, number): 1111 * (number + 1) for number in range(_PARTITIONS)}
    group_admin.set_offsets(admin, planted.group, wanted)
    found = group_admin.committed(admin, [planted.group])[planted.group]
    assert found == wanted
    planted.committed = {str(number): offset for (_, number), offset in found.items()}


@proves("test-topic-filled")
def test_test_topic_takes_records(planted: Ledger, cluster: Cluster, admin: Admin) -> None:
    """test-topic is created if it is missing, and accepts ten records."""
    if planted.kept_topic_is_ours:
        one_topic.create(admin, TopicSpec(planted.kept_topic, 1, 1), if_not_exists=True)
    records = [
        Record(f"kept in {planted.topic}".encode(), key=b"kept %d" % number, partition=0)
        for number in range(10)
    ]
    answers = produce(cluster, planted.kept_topic, records)
    assert len(answers) == len(records)
    planted.kept = {str(record.offset): ledger.digest([record]) for record in answers}
