"""What was planted, as it is written down."""

from __future__ import annotations

import itertools
from dataclasses import replace

from kafka_tasks.acceptance import ledger
from kafka_tasks.acceptance.ledger import Ledger
from kafka_tasks.clients.kafka.records import Record
from kafka_tasks.project.directory import Project

RECORD = Record(b"value", b"key", (("name", b"1"),), partition=0, timestamp_ms=5, offset=7)
OTHERS = [
    replace(RECORD, value=b"valuf"),
    replace(RECORD, value=None),
    replace(RECORD, value=b""),
    replace(RECORD, key=None),
    replace(RECORD, key=b"keyv", value=b"alue"),
    replace(RECORD, headers=()),
    replace(RECORD, headers=(("name", None),)),
    replace(RECORD, headers=(("name", b""),)),
    replace(RECORD, headers=(("nam", b"e1"),)),
    replace(RECORD, headers=(("name", b"1"), ("name", b"1"))),
    replace(RECORD, timestamp_ms=6),
    replace(RECORD, offset=8),
    replace(RECORD, partition=1),
]


def test_ledger_is_read_as_it_was_written(project: Project) -> None:
    """Everything comes back, and the file is its owner's alone."""
    wanted = Ledger(
        "id", "topic", "group", "kept", True, {"0": "a"}, {"0": 1}, {"0": 5}, {"7": "b"}
    )
    wanted.uptimes, wanted.written_at = {"kafka": 1.5}, 12.25
    wanted.save(project)
    assert ledger.load(project) == wanted
    assert ledger.path_in(project).stat().st_mode & 0o077 == 0


def test_a_ledger_that_is_missing_or_broken_is_none(project: Project) -> None:
    """Neither an absent file nor one of another shape is an error."""
    assert ledger.load(project) is None
    for content in ("", "[]", '{"cluster_id": "x"}', '{"unknown": 1}'):
        ledger.path_in(project).write_text(content)
        assert ledger.load(project) is None


def test_any_difference_changes_the_digest() -> None:
    """Bytes, null and empty, headers, timestamp, offset and partition all count."""
    digests = [ledger.digest([record]) for record in (RECORD, *OTHERS)]
    assert len(set(digests)) == len(digests)
    assert ledger.digest([replace(RECORD)]) == digests[0]


def test_order_and_number_change_the_digest() -> None:
    """The same records in another order, or one more or fewer, are not the same."""
    three = [RECORD, *OTHERS[:2]]
    orders = {ledger.digest(order) for order in itertools.permutations(three)}
    assert len(orders | {ledger.digest(three[:2]), ledger.digest([])}) == 6 + 2


def test_acknowledged_records_are_those_that_were_sent() -> None:
    """Each gets the offset of its own answer, whatever the order of the answers."""
    sent = [replace(RECORD, key=b"%d" % number, offset=None) for number in range(3)]
    answers = [Record(None, key=b"%d" % number, offset=10 + number) for number in (2, 0, 1)]
    found = ledger.acknowledged(sent, answers)
    assert [(r.key, r.offset) for r in found] == [(b"0", 10), (b"1", 11), (b"2", 12)]
    assert all(record.headers == RECORD.headers for record in found)


def test_records_are_grouped_in_the_order_of_their_offsets() -> None:
    """By partition, whatever the order in which they arrived."""
    records = [replace(RECORD, partition=n % 2, offset=9 - n) for n in range(4)]
    found = ledger.by_partition(records)
    assert {n: [r.offset for r in mine] for n, mine in found.items()} == {"0": [7, 9], "1": [6, 8]}
