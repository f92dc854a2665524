"""The clusters on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.model.results import Known
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


def document(found: Sequence[Known]) -> Document:
    """Return every cluster with project, runtime, state and addresses."""
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


def text(found: Sequence[Known], *, width: int) -> str:
    """Return a row a cluster."""
    if not found:
        return "There is no cluster on this machine.\nHint: invoke kafka.up"
    headings = ["project", "runtime", "state", "bootstrap servers", "ZooKeeper"]
    rows = [
        (known.project, known.runtime, known.state, known.bootstrap_servers, known.zookeeper)
        for known in found
    ]
    return table(headings, rows, width=width)
