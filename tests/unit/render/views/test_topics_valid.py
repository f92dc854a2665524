"""A valid topics file, with settings that only a cluster can know."""

from __future__ import annotations

from kafka_tasks.render.views import topics_valid
from kafka_tasks.topics.model import Doubt

DOUBT = Doubt("a.b", "topics.yaml:3", "Kafka has no topic setting a.b")


def test_a_doubt_is_a_warning_and_no_problem() -> None:
    """With file and line, and with who decides."""
    found = topics_valid.Valid(["topics.yaml"], 1, None, (DOUBT,))
    document = topics_valid.document(found)
    assert document["problems"] == []
    assert document["warnings"] == ["topics.yaml:3: Kafka has no topic setting a.b"]
    first, last = topics_valid.text(found, width=80).splitlines()
    assert first.startswith(
        "warning: topics.yaml:3: Kafka has no topic setting a.b; kafka.topic.pl"
    )
    assert last == "topics.yaml: 1 topic, valid for any Kafka."
