"""A topic that is there and proven: what `topic` alone returns."""

from __future__ import annotations

from kafka_tasks.model.results import Proof
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


def document(found: Proof) -> Document:
    """Return the topic's shape, its leaders and the time of the round trip."""
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


def text(found: Proof, *, width: int) -> str:
    """Return whether it was created or found, its shape, and what was proven."""
    verb = "created" if found.created else "found"
    partitions = counted(found.partitions, "partition")
    shape = f"{partitions}, replication factor {found.replication_factor}"
    proven = (
        f"one record in and out in {found.roundtrip_ms:g} ms"
        if found.roundtrip_ms is not None
        else "no record was written to it (--prove allows one)"
    )
    return (
        f"Topic {found.topic} {verb} and proven ({shape}).\n"
        f"  leaders  {found.leaders} of {found.partitions}\n"
        f"  records  {found.records}; {proven}"
    )
