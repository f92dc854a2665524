from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kafka_tasks.snapshots.manifest import Damaged, decode
from tests.unit.snapshots.conftest import described

DIGEST = "0" * 64


def encoded(*names: str, **changes: Any) -> bytes:
    """Encode a manifest of files with these names."""
    entries = [[name, 1, DIGEST] for name in names]
    said = {"schema": 1, "body_bytes": 1, "body_sha256": DIGEST, "files": entries}
    return msgspec.json.encode({**described(), **said, **changes})


def test_a_manifest_is_read_with_its_sums() -> None:
    """Line and size come from version and files."""
    found = decode(encoded("kafka/a-0/x.log", "zookeeper-log/version-2/log.1"))
    assert (found.kafka_line, found.data_bytes) == ("3.9", 2)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "kafka//etc/passwd",
        "kafka/../../x",
        "kafka/./x",
        "../kafka/x",
        "kafka",
        "kafka/",
        "",
        "kafka-2/a",
        "conf/kafka.properties",
        "kafka/a\\b",
        "kafka/a\0b",
        "kafka/a b",
        "kafka/.kafka-tasks-restore/new/x",
        "kafka/" + "a" * 256,
        "kafka/" + "a/" * 600 + "a",
        "kafka-9/x",
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    """Absolute, upwards, empty, too long, or of a server that such a cluster does not have."""
    with pytest.raises(Damaged, match="a file named"):
        decode(encoded(name))


def test_a_name_twice_is_refused() -> None:
    """The second would write over the first after that was checked."""
    with pytest.raises(Damaged, match="twice"):
        decode(encoded("kafka/a-0/x", "kafka/a-0/x"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        encoded(schema=2),
        encoded(brokers=0),
        encoded(brokers=10),
        encoded(body_bytes=-1),
        encoded(body_sha256="x"),
        encoded(files=[["kafka/x", -1, DIGEST]]),
        encoded(files=[["kafka/x", 1, DIGEST + "\n"]]),
        encoded(files=[["kafka/x", 1.5, DIGEST]]),
    ],
)
def test_what_is_no_manifest_is_damage(content: bytes) -> None:
    """Whatever does not have the fields as they should be is refused as a whole."""
    with pytest.raises(Damaged, match="its manifest cannot be read"):
        decode(content)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"name": "\xff"}', b"", encoded(taken_at=1e300)]
)
def test_what_no_json_reader_takes_is_damage(content: bytes) -> None:
    """Depth, bytes that are no text, and moments without a date are no traceback."""
    with pytest.raises(Damaged, match="cannot be read"):
        decode(content)
