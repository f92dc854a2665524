"""Moving replicas, and how large they are: what confluent-kafka has no call for."""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from kafka_tasks.clients.kafka.changes import Outcomes
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError
from kafka_tasks.model.cluster import Cluster

# Topic → partition → the brokers that shall have it, the preferred leader first.
Assignment = Mapping[str, Mapping[int, tuple[int, ...]]]

_TIMEOUT_MS = 10_000
# librdkafka's names for what kafka-python calls otherwise.
_NAMES = {
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
}


def unavailable(cluster: Cluster) -> str | None:
    """Why replicas of this cluster cannot be moved from here, or None where they can."""
    unknown = sorted(set(cluster.client) - set(_NAMES))
    if unknown:
        return f"the client that moves them does not know {', '.join(unknown)}"
    return None


class Replicas:
    """A connection that sees and moves replicas. Use it with `with`; raises `BrokerUnreachable`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __enter__(self) -> Replicas:
        # At debug level the library would log the password that it was given.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        from kafka import KafkaAdminClient

        with _translated("connect to the cluster"):
            self._client = KafkaAdminClient(
                bootstrap_servers=[str(address) for address in self._cluster.bootstrap],
                client_id="kafka-tasks",
                bootstrap_timeout_ms=_TIMEOUT_MS,
                request_timeout_ms=_TIMEOUT_MS,
                reconnect_backoff_max_ms=500,
                **{_NAMES[name]: value for name, value in self._cluster.client.items()},
            )
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._client.close()

    def move(self, assignment: Assignment) -> Outcomes:
        """Let these brokers have these partitions; accepted is not yet moved."""
        from kafka import TopicPartition

        asked = {
            TopicPartition(topic, number): list(replicas)
            for topic, partitions in assignment.items()
            for number, replicas in partitions.items()
        }
        with _translated("move replicas"):
            answers = self._client.alter_partition_reassignments(asked, timeout_ms=_TIMEOUT_MS)
        outcomes: Outcomes = dict.fromkeys(assignment)
        for at, error in answers.items():
            # `NoError` is a class here, too.
            if error is not None and getattr(error, "errno", 1) != 0:
                outcomes[at.topic] = ClusterError(
                    f"The replicas of {at.topic} cannot be moved.",
                    evidence=(f"partition {at.partition}: {error.__name__}",),
                    hint=f"invoke kafka.topic.describe {at.topic}",
                )
        return outcomes

    def moving(self) -> dict[str, set[int]]:
        """The partitions whose replicas are being moved, by topic."""
        with _translated("list what is being moved"):
            found = self._client.list_partition_reassignments(timeout_ms=_TIMEOUT_MS)
        under_way: dict[str, set[int]] = defaultdict(set)
        for at in found:
            under_way[at.topic].add(at.partition)
        return dict(under_way)

    def sizes(self) -> dict[str, int]:
        """Bytes on all disks together, followers included, by topic."""
        with _translated("read the sizes of the logs"):
            answers = self._client.describe_log_dirs()
        found: dict[str, int] = defaultdict(int)
        for directory in _directories(answers):
            for topic in directory.get("topics", ()):
                found[topic["name"]] += sum(at["partition_size"] for at in topic["partitions"])
        return dict(found)


def sizes(cluster: Cluster) -> dict[str, int]:
    """Bytes of each topic on all brokers together; raises `BrokerUnreachable`."""
    with Replicas(cluster) as replicas:
        return replicas.sizes()


def _directories(answers: Any) -> Iterator[Mapping[str, Any]]:
    for broker in answers:
        yield from broker.get("log_dirs", broker.get("results", ()))


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """The library's errors, and those of the network below it, in the words of this package."""
    from kafka.errors import KafkaError

    try:
        yield
    except KafkaTasksError:
        raise
    except KafkaError as error:
        kind = BrokerUnreachable if getattr(error, "retriable", False) else ClusterError
        text = f"{type(error).__name__}: {error}"
        raise kind(f"Failed: {what}.", evidence=(text,), hint="invoke kafka.status") from error
    # An answer that is none comes out as whatever Python made of it.
    except Exception as error:
        raise BrokerUnreachable(
            f"No broker answered: {what}.",
            evidence=(str(error) or type(error).__name__,),
            hint="invoke kafka.status",
        ) from error
