"""Creates and proves one topic, as flags ask for it."""

from __future__ import annotations

from kafka_tasks.clients.kafka import offsets, records
from kafka_tasks.clients.kafka.admin import CHANGE_S, Admin
from kafka_tasks.clients.kafka.permissions import require_settings
from kafka_tasks.errors import InvalidInput, TopicExists
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.results import Proof
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import Deadline
from kafka_tasks.topics import configs
from kafka_tasks.topics.apply import apply, differing, require_done
from kafka_tasks.topics.model import TopicSpec, check_spec
from kafka_tasks.topics.observe import absent_brokers
from kafka_tasks.topics.plan import Change, Plan, plan
from kafka_tasks.topics.waits import await_leaders


def planned(
    admin: Admin, spec: TopicSpec, *, new: TopicSpec | None = None
) -> tuple[Plan, TopicState | None]:
    """Return the plan for this topic, and the topic as it is.

    A missing topic is planned as `new`, where given. Raises `InvalidInput` for a topic that this
    cluster cannot have.
    """
    check_spec(spec)
    observed = admin.topics()
    there = observed.get(spec.name)
    if there is not None:
        there = admin.describe(spec.name) or there
        if spec.config:
            require_settings(admin.cluster, there)
        observed = {**observed, spec.name: there}
    elif new is not None:
        spec = new
    brokers = len(admin.view().brokers)
    absent = absent_brokers(admin.cluster, brokers)
    found = plan([spec], observed, brokers=brokers, absent=absent)
    change = found.of(spec.name)
    if there is None and change.action == "blocked":
        raise InvalidInput(
            f"The topic {spec.name} cannot be created: {change.reason}.",
            hint="invoke kafka.topic.list; invoke kafka.status",
        )
    return found, there


def create(
    admin: Admin,
    spec: TopicSpec,
    *,
    if_not_exists: bool,
    dry: bool = False,
    timeout_s: float | None = None,
) -> bool:
    """Create the topic, unless `dry`; return False where it exists and that is allowed.

    Raises `TopicExists`, or `TopicDiffers` where the existing topic is not as asked for.
    """
    found, there = planned(admin, spec)
    if there is not None:
        if not if_not_exists:
            raise TopicExists(
                f"The topic {spec.name} exists already.",
                hint=f"invoke kafka.topic.describe {spec.name}, or add --if-not-exists",
            )
        require_same(found.of(spec.name))
        return False
    if not dry:
        require_done(apply(found, admin, timeout_s=admin.limit(timeout_s, CHANGE_S)))
    return True


def require_same(change: Change) -> None:
    """Raise `TopicDiffers`, with both values of each field, unless nothing would change.

    A setting that no topic can have raises `InvalidInput`.
    """
    for field in change.fields:
        key = field.field.removeprefix("config.")
        if key == field.field:
            continue
        # A setting that the cluster has and no table has is of a newer Kafka.
        strange = configs.unknown(key, None) if field.before is None else None
        wrong = strange or configs.problem(key, str(field.after), None)
        if wrong is not None:
            raise InvalidInput(
                f"The topic {change.topic} cannot be as asked for: {wrong}.",
                hint=f"invoke kafka.topic.describe {change.topic} -o json shows every setting",
            )
    if change.action != "none":
        raise differing(change)


def prove(
    cluster: Cluster, admin: Admin, name: str, *, created: bool, with_record: bool, timeout_s: float
) -> Proof:
    """Prove a topic by its leaders and its offsets, and with `with_record` by a canary record."""
    deadline = Deadline.after(timeout_s)
    state = await_leaders(admin, name, deadline)
    took = None
    if with_record:
        took = records.roundtrip(cluster, name, timeout_s=max(1.0, deadline.remaining()))
    logs = offsets.of_topic(admin, state)
    return Proof(
        topic=name,
        created=created,
        partitions=len(state.partitions),
        replication_factor=state.replication_factor,
        leaders=state.leaders,
        records=sum(at.end - at.start for at in logs.values()),
        roundtrip_ms=took,
    )
