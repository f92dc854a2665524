"""A list of topics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.model.topic import ListedTopic, TopicState
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics that pass the filters; `filtered` where there were any.

    `limited` says which topics are hidden from this user; None where all are shown.
    """

    listed: Sequence[ListedTopic]
    filtered: bool = False
    limited: str | None = None


def document(found: Topics) -> Document:
    """Return every topic with its numbers."""
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
            for listed in found.listed
        ],
        "limited": found.limited,
    }


def text(found: Topics, *, width: int) -> str:
    """Return a row a topic; records and bytes where they were asked for."""
    if not found.listed:
        if found.filtered:
            return "No topic matches."
        return "No topic is visible." if found.limited else "There are no topics."
    counted = any(listed.records is not None for listed in found.listed)
    sized = any(listed.bytes is not None for listed in found.listed)
    headings = ["topic", "partitions", "replication"]
    headings += ["records"] * counted + ["bytes"] * sized + [""]
    rows = [
        (
            listed.state.name,
            len(listed.state.partitions),
            listed.state.replication_factor,
            *((listed.records,) if counted else ()),
            *((listed.bytes,) if sized else ()),
            _problem(listed.state),
        )
        for listed in found.listed
    ]
    return table(headings, rows, width=width)


def _problem(state: TopicState) -> str:
    if state.leaders < len(state.partitions):
        return f"{state.leaders} leaders only"
    if state.under_replicated:
        return f"{state.under_replicated} under-replicated"
    return ""
