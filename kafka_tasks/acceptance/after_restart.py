"""Checks the data that `before_restart` wrote, and deletes it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kafka_tasks.acceptance import ledger, leftovers
from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.acceptance.ledger import Ledger
from kafka_tasks.clients.kafka import group_admin, offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.records import read
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster


@pytest.fixture(scope="module")
def planted(session: Session, admin: Admin) -> Iterator[Ledger]:
    """Yield the ledger of the written data; delete the data at the end, also after a failure."""
    found = ledger.load(session.project)
    if found is None:
        pytest.fail(
            f"{session.project.path} has no data to check: run `pytest --pyargs "
            "kafka_tasks.acceptance.before_restart`, restart the cluster, and run this again",
            pytrace=False,
        )
    yield found
    leftovers.delete_planted(session.project, admin, found)


@proves("restarted")
def test_every_service_was_restarted(planted: Ledger, session: Session) -> None:
    """Every service has started since the data was written."""
    if not planted.uptimes:
        pytest.skip("the start times of this cluster's services are unknown")
    now = ledger.uptimes(session)
    assert set(now) == set(planted.uptimes)
    since = time.time() - planted.written_at
    # Uptimes may all be off by the same part of a second: only their difference is exact.
    same = [name for name, before in planted.uptimes.items() if now[name] > before + since - 0.5]
    assert not same, f"{', '.join(same)} was not restarted in the last {since:.0f} s"


@proves("cluster-id-kept")
def test_cluster_id_is_the_same(planted: Ledger, admin: Admin) -> None:
    """The cluster at the address is the same one, not a new one."""
    now = admin.look(5.0).cluster_id
    assert now == planted.cluster_id, f"the cluster id is {now}, was {planted.cluster_id}"


@proves("test-topic-kept")
def test_test_topic_has_its_data(planted: Ledger, cluster: Cluster, admin: Admin) -> None:
    """test-topic exists, and its records are at their offsets, unchanged."""
    assert planted.kept, "the ledger has no record of test-topic"
    topic = admin.topics(name=planted.kept_topic).get(planted.kept_topic)
    assert topic is not None, f"the topic {planted.kept_topic} is missing"
    at = offsets.of_topic(admin, topic)[0]
    first, last = min(map(int, planted.kept)), max(map(int, planted.kept))
    assert at.end > last, f"{topic.name} ends at offset {at.end}, its last record was at {last}"
    span = list(read(cluster, topic.name, {0: first}, count=last - first + 1))
    found = {str(record.offset): ledger.digest([record]) for record in span}
    other = sorted(int(offset) for offset, d in planted.kept.items() if found.get(offset) != d)
    assert not other, f"the records at offsets {other} differ from the sent ones"


@proves("records-kept")
def test_records_are_there_byte_for_byte(planted: Ledger, cluster: Cluster, admin: Admin) -> None:
    """Each partition has the acknowledged records: same number, same digest."""
    assert planted.counts, "the ledger has no records"
    topic = admin.topics(name=planted.topic).get(planted.topic)
    assert topic is not None, f"the topic {planted.topic} is missing"
    logs = offsets.of_topic(admin, topic)
    counts = {str(number): at.end - at.start for number, at in logs.items()}
    assert counts == planted.counts, f"records by partition: {counts}, were {planted.counts}"
    starts = {number: at.start for number, at in logs.items()}
    records = read(cluster, topic.name, starts, count=sum(planted.counts.values()), timeout_s=60.0)
    found = {n: ledger.digest(mine) for n, mine in ledger.by_partition(records).items()}
    other = sorted(n for n, digest in planted.digests.items() if found.get(n) != digest)
    assert not other, f"the records of partition {', '.join(other)} differ from the sent ones"


@proves("offset-kept")
def test_committed_offsets_are_the_same(planted: Ledger, admin: Admin) -> None:
    """The consumer group would resume at its committed offsets."""
    assert planted.committed, "the ledger has no committed offset"
    wanted = {(planted.topic, int(n)): offset for n, offset in planted.committed.items()}
    found = group_admin.committed(admin, [planted.group])[planted.group]
    assert found == wanted, f"committed by partition: {found}, was {wanted}"
