"""The contract of every runtime, as the lifecycle verbs see it.

Each suite runs it on its own: tests/unit on the fake, tests/integration on processes, tests/compose
on containers. A class inherits `RuntimeContract` and has a fixture `subject`, of any scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import pytest

from kafka_tasks.errors import InvalidInput, KafkaTasksError, NotReady, Refused
from kafka_tasks.lifecycle import start as lifecycle_start
from kafka_tasks.lifecycle import status as lifecycle_status
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.status import wait
from kafka_tasks.lifecycle.stop import down, restart
from kafka_tasks.model.results import Report
from kafka_tasks.model.topology import Topology, zookeeper_cluster


@dataclass(frozen=True)
class Subject:
    """A project on one runtime, and what a test may do to its cluster behind the runtime's back.

    `identities` tells one process or container of a service from the next one; `put` and `kept`
    write and name what has to survive. `records` is False where nothing is written down.
    """

    open: Callable[[Mapping[str, str]], Session]
    kill: Callable[[str], None]
    hold: Callable[[str], None]
    identities: Callable[[], dict[str, object]]
    put: Callable[[str], None]
    kept: Callable[[], set[str]]
    records: bool = True

    def session(self, **environ: str) -> Session:
        """Return a session as the next command would open it."""
        return self.open(environ)

    def up(self) -> Report:
        """Return the report of `up`."""
        return lifecycle_start.up(self.session())

    def status(self) -> Report:
        """Return the report of `status`."""
        return lifecycle_status.status(self.session())

    def wipe(self) -> tuple[str, ...]:
        """Stop the cluster and delete its data."""
        return down(self.session(), wipe=True, confirmed=True)


def alive(report: Report) -> list[str]:
    """Return the services that live, in the order of the report."""
    return [service.name for service in report.services if service.alive]


class RuntimeContract:
    """Tests of up, status, wait, restart and down; each leaves a cluster that the next can use.

    `planned` is what the settings of the subject start.
    """

    planned: ClassVar[Topology] = zookeeper_cluster(1)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a test of a service for each of them."""
        if "service" in metafunc.fixturenames:
            metafunc.parametrize("service", self.services)

    @property
    def services(self) -> list[str]:
        """The names of the services, in the order in which they start."""
        return list(self.planned.names)

    @pytest.fixture
    def ready(self, subject: Subject) -> Subject:
        """Return the subject, ready."""
        assert subject.up().state == "ready"
        return subject

    def test_nothing_runs_before_the_first_start(self, subject: Subject) -> None:
        """`status` says stopped, `down` stops nothing, `wait` ends in time."""
        subject.wipe()
        assert subject.status().state == "stopped"
        assert subject.status().services == ()
        assert down(subject.session()) == ()
        with pytest.raises(NotReady):
            wait(subject.session(KAFKA_TASKS_TIMEOUT="0.3"))
        assert subject.identities() == {}

    def test_up_starts_every_service_and_is_ready(self, subject: Subject) -> None:
        """With addresses, roles and a timeline; coordinators first."""
        found = subject.up()
        assert (found.state, found.changed) == ("ready", True)
        assert [service.name for service in found.services] == self.services
        assert [service.role for service in found.services] == [s.role for s in self.planned]
        assert alive(found) == self.services
        assert set(subject.identities()) == set(self.services)
        addresses = {service.name: str(service.address) for service in found.services}
        assert addresses["kafka"] == found.bootstrap_servers
        assert addresses.get("zookeeper") == found.zookeeper
        assert found.cluster_id
        assert {mark.layer for mark in found.timeline} >= {"process", "broker"}

    def test_up_again_changes_nothing(self, ready: Subject) -> None:
        """The same processes or containers, and the report says so."""
        before = ready.identities()
        again = ready.up()
        assert (again.state, again.changed) == ("ready", False)
        assert ready.identities() == before

    def test_status_and_wait_see_what_up_left(self, ready: Subject) -> None:
        """Both report the ready cluster, and neither touches it."""
        before, up = ready.identities(), ready.up()
        for found in (ready.status(), wait(ready.session())):
            assert found.state == "ready"
            assert alive(found) == self.services
            assert found.cluster_id == up.cluster_id
            assert found.bootstrap_servers == up.bootstrap_servers
        assert ready.identities() == before

    def test_logs_have_as_many_lines_as_asked_for(self, ready: Subject) -> None:
        """The last ones, of each service."""
        session = ready.session()
        for service in self.services:
            assert len(session.logs(service, 3)) == 3
            assert session.logs(service, 0) == []

    def test_restart_renews_every_service_and_keeps_the_data(self, ready: Subject) -> None:
        """The same cluster at the same addresses."""
        ready.put("restarted")
        before, up = ready.identities(), ready.up()
        found = restart(ready.session())
        assert (found.state, found.changed) == ("ready", True)
        assert found.cluster_id == up.cluster_id
        assert found.bootstrap_servers == up.bootstrap_servers
        now = ready.identities()
        assert [name for name in self.services if now[name] == before[name]] == []
        assert "restarted" in ready.kept()

    def test_restart_of_one_service_leaves_the_other(self, ready: Subject, service: str) -> None:
        """A new process or container for that one alone."""
        before = ready.identities()
        assert restart(ready.session(), service).state == "ready"
        now = ready.identities()
        assert [name for name in self.services if now[name] != before[name]] == [service]

    def test_restart_of_an_unknown_service_is_refused(self, ready: Subject) -> None:
        """Before anything is stopped."""
        before = ready.identities()
        with pytest.raises(InvalidInput, match="nope"):
            restart(ready.session(), "nope")
        assert ready.identities() == before

    def test_a_killed_service_is_seen_and_started_alone(self, ready: Subject, service: str) -> None:
        """`status` is degraded and names it; `up` leaves the other as it is, and loses nothing."""
        ready.put(f"before-{service}")
        before, up = ready.identities(), ready.up()
        ready.kill(service)
        seen = ready.status()
        assert seen.state == "degraded"
        assert alive(seen) == [name for name in self.services if name != service]
        assert next(s.state for s in seen.services if s.name == service) == "failed"
        with pytest.raises(NotReady):
            wait(ready.session(KAFKA_TASKS_TIMEOUT="0.3"))
        healed = ready.up()
        assert (healed.state, healed.changed) == ("ready", True)
        assert healed.cluster_id == up.cluster_id
        now = ready.identities()
        assert [name for name in self.services if now[name] != before[name]] == [service]
        assert f"before-{service}" in ready.kept()

    def test_a_killed_cluster_has_failed_and_is_started_again(self, ready: Subject) -> None:
        """With its data; after `down` in place of `up` it is stopped."""
        ready.put("both")
        cluster_id = ready.up().cluster_id
        for service in reversed(self.services):
            ready.kill(service)
        if ready.records:
            assert ready.status().state == "failed"
        assert alive(ready.status()) == []
        healed = ready.up()
        assert (healed.state, healed.cluster_id) == ("ready", cluster_id)
        assert "both" in ready.kept()

    def test_a_held_service_is_seen_and_goes_on(self, ready: Subject, service: str) -> None:
        """One that stands still is alive and not ready; `up` resumes it, with the same process."""
        before = ready.identities()
        ready.hold(service)
        seen = ready.status()
        assert seen.state == "degraded"
        assert [s.name for s in seen.services if s.suspended] == [service]
        found = ready.up()
        assert (found.state, alive(found)) == ("ready", self.services)
        assert ready.identities() == before

    def test_other_settings_are_refused_while_it_runs(self, ready: Subject) -> None:
        """By name; nothing is stopped or started for them."""
        if not ready.records:
            pytest.skip("what the cluster was started with is not written down")
        before = ready.identities()
        with pytest.raises(InvalidInput, match="KAFKA_TASKS_BROKERS"):
            lifecycle_start.up(ready.session(KAFKA_TASKS_BROKERS="2"))
        assert ready.identities() == before

    def test_a_wipe_is_refused_unless_confirmed(self, ready: Subject) -> None:
        """Nothing is stopped."""
        before = ready.identities()
        with pytest.raises(Refused):
            down(ready.session(), wipe=True)
        assert ready.identities() == before

    def test_down_and_a_failed_start_keep_the_data(self, ready: Subject) -> None:
        """The next `up` is the same cluster.

        `down` stops the broker first, and a second one has nothing to do. A start that is not ready
        in time is an error, and what it started is stopped again.
        """
        ready.put("stopped")
        cluster_id = ready.up().cluster_id
        assert down(ready.session()) == tuple(reversed(self.services))
        assert down(ready.session()) == ()
        assert ready.status().state == "stopped"
        assert alive(ready.status()) == []
        with pytest.raises(KafkaTasksError):
            lifecycle_start.up(ready.session(KAFKA_TASKS_TIMEOUT="0.05"))
        assert alive(ready.status()) == []
        again = ready.up()
        assert (again.state, again.changed, again.cluster_id) == ("ready", True, cluster_id)
        assert "stopped" in ready.kept()

    def test_a_wiped_cluster_is_forgotten(self, ready: Subject) -> None:
        """No service is left, and the next `up` starts with nothing."""
        ready.put("wiped")
        assert ready.wipe() == tuple(reversed(self.services))
        assert ready.status().services == ()
        assert ready.status().state == "stopped"
        assert ready.up().state == "ready"
        assert "wiped" not in ready.kept()
