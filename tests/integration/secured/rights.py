"""The least rights of each task, and the users that have exactly these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic, ResourceType

from tests.integration.answers import Answer, call, inside
from tests.integration.conftest import Sandbox, eventually
from tests.integration.secured.cluster import PASSWORDS, Secured

_KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
}
_CLUSTER = "kafka-cluster"


@dataclass(frozen=True)
class Needs:
    """A task, the rights that it needs as the documentation names them, and a call of it.

    `NAME` in the call is the topic or the group; `shows` is in the output.
    """

    task: str
    rights: str
    line: str
    shows: str = ""


# In the order of the documentation; each works on a topic of its own.
LEAST = (
    Needs("topic.list", "topic: DESCRIBE", "topic.list", "NAME"),
    Needs("topic.list --sizes", "topic: DESCRIBE; cluster: DESCRIBE", "topic.list --sizes"),
    Needs("topic.describe", "topic: DESCRIBE", "topic.describe NAME", "settings are not visible"),
    Needs("topic.create", "topic: CREATE, DESCRIBE", "topic.create NAME"),
    Needs(
        "topic.alter --set",
        "topic: DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS",
        "topic.alter NAME --set retention.ms=5000 --cluster-id ID",
    ),
    Needs("topic.alter --partitions", "topic: ALTER", "topic.alter NAME --partitions 2"),
    Needs("topic.export", "topic: DESCRIBE", "topic.export NAME", "DESCRIBE_CONFIGS"),
    Needs(
        "topic.plan",
        "topic: DESCRIBE, DESCRIBE_CONFIGS",
        "topic.plan --file plan.yaml",
        "as declared",
    ),
    Needs("topic.trim", "topic: DELETE", "topic.trim NAME --before 1 --yes --cluster-id ID"),
    Needs("topic.delete", "topic: DELETE", "topic.delete NAME --yes --cluster-id ID"),
    Needs("topic --prove", "topic: READ, WRITE", "topic --name NAME --prove", "in and out"),
    Needs("produce", "topic: WRITE, DESCRIBE", "produce NAME --file one.jsonl", "1 record"),
    Needs("consume", "topic: READ", "consume NAME --exit -o json", '"value": "there"'),
    Needs("group.describe", "group: DESCRIBE; topic: DESCRIBE", "group.describe NAME", "NAME"),
    Needs(
        "group.reset --execute",
        "group: READ; topic: READ",
        "group.reset NAME --to start --topic NAME --execute --cluster-id ID",
    ),
    Needs("group.delete", "group: DELETE", "group.delete NAME --yes --cluster-id ID"),
    Needs("user.list", "cluster: DESCRIBE", "user.list", "alice"),
    Needs(
        "user.create",
        "cluster: DESCRIBE, ALTER",
        "user.create NAME --password-file new.password",
        "accepts",
    ),
    Needs("acl.list", "cluster: DESCRIBE", "acl.list --topic NAME"),
    Needs(
        "acl.grant",
        "cluster: DESCRIBE, ALTER",
        "acl.grant carol read NAME --cluster-id ID",
        "Granted",
    ),
    Needs("whoami", "–", "whoami", "User:bob"),
)

# What a user without any right is told: the call, and the right that it lacks first.
REFUSED = {
    "topic.describe NAME": "DESCRIBE",
    "consume NAME --exit": "DESCRIBE",
    "produce NAME --file one.jsonl": "DESCRIBE",
    "topic.create other": "CREATE",
}


def settings(secured: Secured, user: str) -> Mapping[str, str]:
    """Return the settings with which this user connects."""
    return {
        "KAFKA_TASKS_BOOTSTRAP_SERVERS": secured.address("SASL"),
        "KAFKA_TASKS_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_TASKS_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_TASKS_SASL_USERNAME": user,
        "KAFKA_TASKS_SASL_PASSWORD": PASSWORDS[user],
    }


class Rights:
    """Topics, groups and rights for each row, and calls of it as `bob`."""

    def __init__(self, secured: Secured) -> None:
        self.secured = secured
        self.cluster_id = secured.admin.describe_cluster().result(timeout=30).cluster_id

    @staticmethod
    def name(row: Needs) -> str:
        """Return the name of the row's topic and group."""
        return row.task.replace(" ", "").replace("--", ".")

    def prepare(self) -> None:
        """Make every topic, group and right, and wait until the brokers heed the rights."""
        there = [row for row in LEAST if row.task != "topic.create"]
        new = [NewTopic(self.name(row), 1, 1) for row in there]
        for future in self.secured.admin.create_topics(new).values():
            future.result(timeout=30)
        self.secured.fill([topic.topic for topic in new])
        self._commit([self.name(row) for row in there if "group" in row.rights])
        for row in LEAST:
            self._grant(row)
        properties: dict[str, str | int | float | bool] = dict(self._as_bob())
        seen = AdminClient(properties)
        wanted = {self.name(row) for row in there if "topic" in row.rights}
        eventually(lambda: wanted <= set(seen.list_topics(timeout=5).topics), "rights are heeded")

    def _as_bob(self) -> Mapping[str, str]:
        return {
            "bootstrap.servers": self.secured.address("SASL"),
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "bob",
            "sasl.password": PASSWORDS["bob"],
        }

    def _commit(self, names: list[str]) -> None:
        """Commit an offset of the group in the topic of the same name."""
        for name in names:
            eventually(partial(self._committed, name), f"{name} has an offset")

    def _committed(self, name: str) -> bool:
        wanted = ConsumerGroupTopicPartitions(name, [TopicPartition(name, 0, 1)])
        # A request that is sent while a coordinator is being chosen may never be answered.
        asked = self.secured.admin.alter_consumer_group_offsets([wanted], request_timeout=3)
        try:
            found = asked[name].result(timeout=5)
        except (KafkaException, TimeoutError):
            return False
        return all(at.error is None for at in found.topic_partitions)

    def _grant(self, row: Needs) -> None:
        for part in row.rights.split("; ") if ":" in row.rights else ():
            kind, _, rights = part.partition(": ")
            name = _CLUSTER if kind == "cluster" else self.name(row)
            wanted = [AclOperation[right] for right in rights.split(", ")]
            self.secured.grant("bob", _KINDS[kind], name, *wanted)

    def run(self, row: Needs) -> Answer:
        """Run the row's call in this process, which is in a project that connects as bob."""
        line = row.line.replace("NAME", self.name(row)).replace("ID", self.cluster_id)
        return call(*line.split())


def acting(secured: Secured, guest: Sandbox, user: str) -> AbstractContextManager[None]:
    """Let this process be one that works in the project as this user."""
    guest.environ.update(settings(secured, user))
    (guest.path / "one.jsonl").write_text(json.dumps({"value": "new"}) + "\n")
    planned = {"name": "topic.plan", "partitions": 1, "config": {"cleanup.policy": "delete"}}
    (guest.path / "plan.yaml").write_text(json.dumps({"topics": [planned]}))
    return inside(guest)
