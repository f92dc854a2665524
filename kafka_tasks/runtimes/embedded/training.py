"""Trains AOT caches: a throwaway cluster that starts, serves for a moment, and exits in order.

A JVM writes its cache only at an orderly exit, which takes seconds longer: too long for the stop of
a user's cluster; and a killed one writes nothing.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.clients.kafka import changes, records, scram
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import Topology
from kafka_tasks.project import private, state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.embedded import class_archive, jars, java, process_tags
from kafka_tasks.runtimes.embedded.launch import Launcher
from kafka_tasks.runtimes.embedded.planning import planned_record
from kafka_tasks.runtimes.embedded.storage import Storage
from kafka_tasks.runtimes.secure import access, issuing
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings, load

# At the lowest priority on a busy machine everything takes its time.
_START_S, _EXIT_S = 120.0, 240.0
_ANSWER_S = 60.0
# What a broker loads in its first moments of serving is in the cache, too.
_SERVE_S = 2.0


def settings_of(settings: Settings, java_home: Path) -> dict[str, str]:
    """Return the variables of the smallest cluster that has the same roles as these settings.

    It is a secured one, where Java can run that: its classes serve plaintext clusters as well.
    """
    planned = settings.topology
    dedicated = any(not voter.role.serves_clients for voter in planned.voters)
    mixed = bool(planned.voters) and not dedicated and len(planned.brokers) > len(planned.voters)
    secured = settings.line.newest_java_with_sasl >= java.TRAINS
    return {
        "KAFKA_TASKS_RUNTIME": "embedded",
        "KAFKA_TASKS_SECURE": "scram" if secured else "none",
        "KAFKA_TASKS_ACL": str(secured).lower(),
        "KAFKA_TASKS_VERSION": settings.version,
        "KAFKA_TASKS_MODE": settings.resolved_mode,
        "KAFKA_TASKS_BROKERS": "2" if mixed else "1",
        "KAFKA_TASKS_CONTROLLERS": "1" if dedicated else "0",
        "KAFKA_TASKS_CACHE": str(settings.cache),
        "KAFKA_TASKS_JAVA_HOME": str(java_home),
        **{f"KAFKA_TASKS_{name.upper()}": "auto" for name in roles.port_settings(planned)},
    }


def trained(variables: Mapping[str, str], directory: Path) -> dict[str, Path]:
    """Return the caches that a cluster with these settings has written; none where it failed."""
    project = Project(directory / "training")
    _remove(project)
    try:
        project.path.mkdir(mode=private.DIRECTORY_MODE)
        return _Training(project, load(project.path, environ=variables), directory).run()
    finally:
        _remove(project)


def _remove(project: Project) -> None:
    """End what an earlier training has left, and delete its files."""
    record = state.read(project)
    for service in record.started if record else ():
        if identity := process_tags.identity(service):
            processes.stop(identity, grace_s=1.0)
    shutil.rmtree(project.path, ignore_errors=True)


class _Training:
    """One throwaway cluster, and the drafts that its servers write."""

    def __init__(self, project: Project, settings: Settings, directory: Path) -> None:
        self._project = project
        self._settings = settings
        lock = jars.load_lock(settings.line.kafka)
        chosen = java.choose(settings)
        class_path = jars.ensure(lock, settings.cache, Recorder())
        names = roles.archives(settings.topology)
        self._archives = class_archive.locate(settings.cache, chosen, class_path, lock.kafka, names)
        self._kafka = lock.kafka
        self._drafts = {name: directory / f"{name}.aot.draft" for name in names}

    def run(self) -> dict[str, Path]:
        """Start, serve, and stop; the order of the stop lets each server exit in order."""
        root = self._project.make_state()
        record = planned_record(
            self._project, self._settings, self._kafka, Observation(), lambda _: None
        )
        if (security := self._settings.security) is not None:
            issuing.ensure(SecureStore.of(self._project), security)
        storage = Storage(root / "data", self._settings.cache, self._archives, self._kafka)
        storage.format(record.topology, {})
        record = self._started(record)
        cluster = Cluster.of(
            record.topology,
            project=self._project.path,
            runtime="embedded",
            kafka_version=self._kafka,
            client=access.of_tool(record.topology, self._project.path),
        )
        try:
            RetryPolicy(cap_s=0.5).until(
                lambda: _require_registered(cluster), Deadline.after(_START_S)
            )
        except OutOfTime:
            return {}
        let_users_in(self._project, cluster)
        serve_clients(cluster)
        time.sleep(_SERVE_S)
        in_order = self._stopped(record)
        written = all(path.exists() for path in self._drafts.values())
        return self._drafts if in_order and written else {}

    def _started(self, record: ClusterRecord) -> ClusterRecord:
        launcher = Launcher(
            self._project,
            self._settings,
            self._archives,
            built=frozenset(),
            further=BrokerProperties(),
            trains=True,
        )
        launcher.outputs.update(self._drafts)
        for service in record.topology:
            launcher.configure(service, record.topology)
            planned = record.service(service.name)
            assert planned is not None
            record = record.with_service(
                process_tags.started(planned, launcher.spawn(record, planned))
            )
            state.write(self._project, record)
        return record

    def _stopped(self, record: ClusterRecord) -> bool:
        """Stop wave by wave; return whether every server exited by itself."""
        in_order = True
        for wave in record.topology.stop_waves:
            known = [record.service(service.name) for service in wave]
            leaving = [found for each in known if each and (found := process_tags.identity(each))]
            for identity in leaving:
                processes.ask_to_end(identity)
            for identity in leaving:
                in_order = processes.ended_within(identity, _EXIT_S) and in_order
        return in_order


def _require_registered(cluster: Cluster) -> None:
    """Raise `NotYet` until every broker has registered."""
    try:
        found = roles.coordinators(cluster)[0].registered_brokers(timeout_s=5.0)
    except Unanswered as error:
        raise NotYet(str(error)) from error
    if len(found) < len(cluster.topology.brokers):
        raise NotYet(f"{len(found)} brokers have registered")


def let_users_in(project: Project, cluster: Cluster) -> None:
    """Make the users of a secured cluster, and log in as one of them; others have none.

    A training in which that fails is worth keeping.
    """
    passwords = SecureStore.of(project).passwords()
    if cluster.topology.security is None or passwords is None:
        return
    user = replace(access.as_user(cluster), topology=Topology())
    with contextlib.suppress(KafkaTasksError, OutOfTime), Admin(cluster) as admin:
        scram.users(admin, timeout_s=_ANSWER_S)
        scram.set_passwords(admin, passwords.users, timeout_s=_ANSWER_S)
        RetryPolicy(cap_s=0.5).until(
            lambda: scram.require_log_in(user, user.bootstrap[0], _ANSWER_S),
            Deadline.after(_ANSWER_S),
        )


def serve_clients(cluster: Cluster) -> None:
    """Answer what `kafka.up` and the first client of a topic ask for.

    A training in which that fails is worth keeping.
    """
    with contextlib.suppress(KafkaTasksError, OutOfTime), Admin(cluster) as admin:
        for broker in admin.look(_ANSWER_S).brokers:
            admin.answers_as(broker, _ANSWER_S)
        topic = changes.NewTopicRequest("training", partitions=1)
        changes.require(changes.create(admin, [topic], timeout_s=_ANSWER_S))
        records.roundtrip(cluster, topic.name, timeout_s=_ANSWER_S)
