"""Moves replicas and waits until they are in sync."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.changes import Outcomes
from kafka_tasks.clients.kafka.connection import not_yet
from kafka_tasks.clients.kafka.reassignment import Replicas
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, NotPermitted
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topic import TopicState
from kafka_tasks.project import private
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.topics.apply import Mover
from kafka_tasks.topics.assignment import Assignment, as_reassignment_json, spread
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.observe import Observed

_LOOK_S = 5.0
_CLIENT_FILE = "client.properties"


def mover(
    cluster: Cluster, admin: Admin, seen: Observed, recorder: Recorder, directory: Path
) -> Mover:
    """Return the function that `apply` calls for topics whose replicas may have to move.

    An assignment that cannot be carried out from here is written to a file in `directory`, for
    Kafka's own tool; one that this user may not request is refused.
    """

    def move_to(
        wanted: Mapping[str, TopicSpec], grown: Mapping[str, TopicState], deadline: Deadline
    ) -> Outcomes:
        # Partitions may have been added since the plan was made.
        there = {**seen.topics, **admin.topics(), **grown}
        sizes = {name: spec.replication_factor for name, spec in wanted.items()}
        racks = {name: seen.racks for name, spec in wanted.items() if spec.rack_spread}
        assignment = spread(there, sizes, seen.brokers, racks)
        try:
            return move(cluster, admin, assignment, deadline, recorder)
        except NotPermitted as error:
            # The same user would be refused in Kafka's own tool.
            return dict.fromkeys(assignment, error)
        except KafkaTasksError as error:
            return _handed_over(assignment, cluster, error, directory)

    return move_to


def _handed_over(
    assignment: Assignment, cluster: Cluster, why: KafkaTasksError, directory: Path
) -> Outcomes:
    """Return a failure for each topic, with the command that moves its replicas."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"reassignment-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.json"
    private.write(path, f"{as_reassignment_json(assignment)}\n".encode())
    making, log_in = "", ""
    if cluster.client:
        making = f"(umask 077; invoke kafka.env --format java --show-secrets > {_CLIENT_FILE}); "
        log_in = f"--command-config {_CLIENT_FILE} "
    command = (
        f"{making}kafka-reassign-partitions --bootstrap-server {cluster.bootstrap_servers} {log_in}"
        f"--reassignment-json-file {shlex.quote(str(path))} --execute"
    )
    evidence = (why.message, *why.evidence, f"Kafka's own tool moves them: {command}")
    return {
        name: ClusterError(
            f"The replicas of {name} cannot be moved from here.", evidence=evidence, hint=command
        )
        for name in assignment
    }


def move(
    cluster: Cluster,
    admin: Admin,
    assignment: Assignment,
    deadline: Deadline,
    recorder: Recorder,
    policy: RetryPolicy | None = None,
) -> Outcomes:
    """Move replicas; return when every partition is in sync on its new brokers.

    After an interrupt or a time-out, the cluster continues by itself. Raises `BrokerUnreachable`
    or `ClusterError` where the request failed.
    """
    total = sum(map(len, assignment.values()))
    if not total:
        return {}
    waiting = policy or RetryPolicy(first_s=0.05, cap_s=0.5)
    with Replicas(cluster) as replicas:
        outcomes = _requested(replicas, assignment, waiting, deadline)
        accepted = {name: assignment[name] for name, error in outcomes.items() if error is None}

        def check() -> None:
            left = _unmoved(accepted, admin, replicas)
            recorder.progress("replicas moved", total - left, total, "partitions")
            if left:
                raise NotYet(f"{left} of {total} partitions are still being moved")

        try:
            waiting.until(check, deadline)
        except OutOfTime as error:
            outcomes.update({name: _still_moving(name, str(error)) for name in accepted})
    return outcomes


def _requested(
    replicas: Replicas, assignment: Assignment, policy: RetryPolicy, deadline: Deadline
) -> Outcomes:
    """Request the moves again while the cluster is not ready; return each topic's outcome."""
    left = dict(assignment)
    outcomes: Outcomes = {}
    lost: list[BrokerUnreachable] = []

    def attempt() -> None:
        lost.clear()
        try:
            outcomes.update(replicas.move(dict(left)))
        except BrokerUnreachable as error:
            lost.append(error)
            raise not_yet(error) from error
        for name in [n for n in left if not isinstance(outcomes[n], BrokerUnreachable)]:
            del left[name]
        if left:
            raise NotYet(str(outcomes[min(left)]))

    try:
        policy.until(attempt, deadline)
    except OutOfTime as error:
        if lost:
            raise lost[0] from error
    return outcomes


def _still_moving(name: str, why: str) -> ClusterError:
    return ClusterError(
        f"The replicas of {name} were not moved in time: {why}.",
        evidence=("the cluster continues to move them",),
        hint=f"invoke kafka.topic.describe {name}",
    )


def _unmoved(wanted: Assignment, admin: Admin, replicas: Replicas) -> int:
    """Return how many partitions are still being moved, or lie elsewhere for some broker."""
    try:
        under_way = replicas.moving()
        left = sum(len(under_way.get(name, set()) & set(wanted[name])) for name in wanted)
        left = left or _elsewhere(wanted, admin.seen(timeout_s=_LOOK_S))
        # The next command asks any broker, also the one that hears of the move last.
        return left or max(
            (_elsewhere(wanted, shown) for shown in admin.of_each_broker(_LOOK_S)), default=0
        )
    except (BrokerUnreachable, ClusterError) as error:
        raise NotYet(error.message) from error


def _elsewhere(wanted: Assignment, seen: Mapping[str, TopicState]) -> int:
    left = 0
    for name, moved in wanted.items():
        now = {at.id: at for at in seen[name].partitions} if name in seen else {}
        for number, nodes in moved.items():
            at = now.get(number)
            left += at is None or not set(at.replicas) == set(nodes) == set(at.isr)
    return left
