"""A killed broker stays registered in ZooKeeper until its session expires."""

from __future__ import annotations

from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import ZOOKEEPER, Cluster, broker_id
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes import readiness
from kafka_tasks.probes.zookeeper import ZookeeperProbe
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy


def wait_out_old_registrations(session: Session, cluster: Cluster, deadline: Deadline) -> None:
    """Wait until no dead broker is registered in ZooKeeper, which was started alone, any more.

    A broker that is started while its predecessor's znode lives dies of NodeExists.
    """
    runtime = session.runtime
    readiness.wait_until_ready(
        cluster, session.watch_only(ZOOKEEPER), deadline, Recorder(), layers=[ZookeeperProbe()]
    )
    alive = {
        broker_id(service.name)
        for service in runtime.services()
        if service.name != ZOOKEEPER and service.alive
    }
    dead = set(range(1, cluster.brokers + 1)) - alive
    await_deregistration(cluster, dead, deadline, session.recorder)


def await_deregistration(
    cluster: Cluster,
    ids: set[int],
    deadline: Deadline,
    recorder: Recorder,
    policy: RetryPolicy | None = None,
) -> None:
    """Return when ZooKeeper lists none of these broker ids; raises `NotReady`."""
    from kafka_tasks.clients import zookeeper

    if cluster.zookeeper is None:
        return
    address = cluster.zookeeper
    told = False

    def check() -> None:
        nonlocal told
        try:
            listed = ids & set(zookeeper.registered_brokers(address, timeout_s=5.0))
        except zookeeper.Unanswered as error:
            raise NotYet(str(error)) from error
        if listed:
            names = ", ".join(map(str, sorted(listed)))
            if not told:
                recorder.notice(
                    f"ZooKeeper still lists broker {names}, which was killed; "
                    "waiting for its session to expire (6 s)"
                )
                told = True
            raise NotYet(f"broker {names} is still registered")

    try:
        (policy or RetryPolicy(first_s=0.1, cap_s=0.25)).until(check, deadline)
    except OutOfTime as error:
        raise NotReady(
            f"The registration of a killed broker did not expire in time: {error}.",
            layer="zookeeper",
            service=ZOOKEEPER,
            hint="invoke kafka.up --timeout 120",
        ) from error
