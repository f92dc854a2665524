"""What has to survive in a real cluster: a topic of a name."""

from __future__ import annotations

from confluent_kafka.admin import AdminClient, NewTopic

_TIMEOUT_S = 30.0


def create(bootstrap_servers: str, name: str) -> None:
    """Create a topic of one partition; return when the broker has said so."""
    with AdminClient({"bootstrap.servers": bootstrap_servers}) as admin:
        told = admin.create_topics([NewTopic(name, 1, 1)], operation_timeout=_TIMEOUT_S)
        told[name].result(timeout=_TIMEOUT_S)


def names(bootstrap_servers: str) -> set[str]:
    """Return the topics that are there."""
    with AdminClient({"bootstrap.servers": bootstrap_servers}) as admin:
        return set(admin.list_topics(timeout=_TIMEOUT_S).topics)
