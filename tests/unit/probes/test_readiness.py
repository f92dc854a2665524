from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from kafka_tasks.errors import NotReady, ServiceDied
from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.model.topology import Topology, zookeeper_cluster
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Context, Held, Probe
from kafka_tasks.probes.readiness import Watch, glance, ladder, wait_until_ready
from kafka_tasks.retry import NotYet
from kafka_tasks.settings import Settings
from kafka_tasks.testing import FakeClock, FakeRuntime

LOGS = {"zookeeper": ["zk one", "zk two"], "kafka": [f"line {n}" for n in range(30)]}


class _Layer:
    """A layer that holds after some looks and can do something at each."""

    def __init__(
        self, layer: str, looks: int = 1, at_each: Callable[[int], None] = lambda _: None
    ) -> None:
        self.layer = layer
        self.looks = looks
        self.seen = 0
        self.at_each = at_each

    def check(self, context: Context) -> list[Held]:
        """Count down."""
        self.seen += 1
        self.at_each(self.seen)
        if self.seen < self.looks:
            raise NotYet(f"look {self.seen}")
        context.findings[self.layer] = str(self.seen)
        return [Held("kafka", "fine")]


@pytest.fixture
def runtime(settings: Settings) -> FakeRuntime:
    """A cluster whose two services live."""
    found = FakeRuntime(settings.project, logs=LOGS)
    found.start(settings)
    return found


def _watch(runtime: FakeRuntime, *, fail_on_death: bool = True) -> Watch:
    return Watch(lambda: runtime.observe().services, runtime.logs, fail_on_death)


def test_the_ladder_has_the_layers_of_up_in_order() -> None:
    """`up` climbs process, zookeeper, broker, cluster, advertised."""
    assert [probe.layer for probe in ladder(zookeeper_cluster(1))] == [
        "process",
        "zookeeper",
        "broker",
        "cluster",
        "advertised",
    ]


def test_each_layer_is_timed_into_the_timeline(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """Layers are climbed in order, each with the time at which it held, and findings are kept."""
    layers: list[Probe] = [_Layer("process"), _Layer("broker", looks=3)]
    recorder = Recorder(clock=clock)
    found = wait_until_ready(cluster, _watch(runtime), clock.deadline(60), recorder, layers=layers)
    assert found == {"process": "1", "broker": "3"}
    assert [(mark.layer, mark.service, mark.ready_s) for mark in recorder.timeline] == [
        ("process", "kafka", 0.0),
        ("broker", "kafka", 0.03),
    ]


def test_looks_for_the_dead_take_a_twentieth_of_the_wait(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """An engine that needs 50 ms to tell is asked every second, and not at each attempt."""
    looks = []

    def services() -> tuple[ServiceState, ...]:
        looks.append(clock())
        clock.sleep(0.05)
        return runtime.observe().services

    watch = Watch(services, runtime.logs)
    layers: list[Probe] = [_Layer("broker", looks=85)]
    wait_until_ready(cluster, watch, clock.deadline(60), Recorder(clock=clock), layers=layers)
    pauses = [after - before for before, after in pairwise(looks)]
    assert len(looks) > 3
    assert min(pauses) == pytest.approx(1.0)


def test_of_the_processes_of_a_remote_cluster_nothing_is_said() -> None:
    """Its ladder begins with its brokers."""
    layers = [probe.layer for probe in ladder(Topology())]
    assert layers == ["broker", "cluster", "advertised"]


@pytest.mark.parametrize(
    ("layer", "service"),
    [
        ("process", "zookeeper"),
        ("zookeeper", "zookeeper"),
        ("broker", "kafka"),
        ("cluster", "kafka"),
        ("advertised", "kafka"),
    ],
)
def test_a_layer_that_does_not_hold_in_time_is_named_with_its_log(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock, layer: str, service: str
) -> None:
    """At the deadline the error has the layer, what was seen last, and that service's log."""
    probe = _Layer(layer, looks=10**6)
    with pytest.raises(NotReady) as caught:
        wait_until_ready(
            cluster, _watch(runtime), clock.deadline(1), Recorder(clock=clock), layers=[probe]
        )
    error = caught.value
    assert (error.layer, error.service, error.exit_code) == (layer, service, 5)
    assert error.message == (f"Not ready in time: layer {layer} does not hold: look {probe.seen}.")
    assert error.evidence == tuple(LOGS[service][-12:])
    assert f"kafka.logs --service {service}" in (error.hint or "")
    assert clock.now == pytest.approx(1)


def test_a_remote_cluster_that_is_not_ready_in_time_gets_more(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """It has no logs and no start here: the hint waits longer."""
    remote = replace(cluster, topology=Topology())
    with pytest.raises(NotReady) as caught:
        wait_until_ready(
            *(remote, _watch(runtime), clock.deadline(1), Recorder(clock=clock)),
            layers=[_Layer("broker", looks=10**6)],
        )
    assert caught.value.hint == "invoke kafka.wait --timeout 120"


def test_one_deadline_is_for_all_layers(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """What the first layer used up is missing for the second."""
    slow: list[Probe] = [_Layer("process", looks=20), _Layer("broker", looks=20)]
    with pytest.raises(NotReady, match="layer broker"):
        wait_until_ready(
            cluster, _watch(runtime), clock.deadline(1.2), Recorder(clock=clock), layers=slow
        )


def test_a_service_that_dies_ends_the_wait_at_once(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """No further look, no sleep: the error names the dead service and has its last lines."""
    probe = _Layer("broker", 10**6, lambda look: runtime.kill("kafka") if look == 3 else None)
    with pytest.raises(ServiceDied) as caught:
        wait_until_ready(
            cluster, _watch(runtime), clock.deadline(60), Recorder(clock=clock), layers=[probe]
        )
    assert probe.seen == 3
    assert clock.sleeps == pytest.approx([0.01, 0.02])
    error = caught.value
    assert error.message == "kafka exited while it was waited for (layer broker)."
    assert (error.layer, error.service, error.exit_code) == ("broker", "kafka", 5)
    assert error.evidence == tuple(LOGS["kafka"][-12:])


def test_a_patient_wait_outlasts_a_death_and_shows_the_dead_ones_log(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """Who only waits goes on to the deadline, and is then shown the log of what is dead."""
    runtime.kill("kafka")
    probe = _Layer("process", looks=10**6)
    with pytest.raises(NotReady) as caught:
        wait_until_ready(
            cluster,
            _watch(runtime, fail_on_death=False),
            clock.deadline(1),
            Recorder(clock=clock),
            layers=[probe],
        )
    assert not isinstance(caught.value, ServiceDied)
    assert (caught.value.layer, caught.value.service) == ("process", "kafka")
    assert caught.value.evidence[-1] == "line 29"


def test_a_slow_layer_shows_log_lines_every_few_seconds(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """Waiting longer than usual shows what was seen and the service's last three lines."""
    seen: list[Event] = []
    probe = _Layer("broker", looks=10**6)
    with pytest.raises(NotReady):
        wait_until_ready(
            cluster,
            _watch(runtime),
            clock.deadline(11.5),
            Recorder(seen.append, clock),
            layers=[probe],
        )
    waiting = [event for event in seen if event.kind == "waiting"]
    assert [round(event.at_s) for event in waiting] == [5, 10]
    assert (waiting[0].layer, waiting[0].service) == ("broker", "kafka")
    assert waiting[0].text.startswith("look ")
    assert waiting[0].lines == ("line 27", "line 28", "line 29")


def test_a_quick_layer_shows_no_log_lines(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock
) -> None:
    """What holds soon is announced and passed, nothing more."""
    seen: list[Event] = []
    layers: list[Probe] = [_Layer("broker", looks=50)]
    wait_until_ready(
        cluster, _watch(runtime), clock.deadline(60), Recorder(seen.append, clock), layers=layers
    )
    assert [event.kind for event in seen] == ["started", "passed"]


def test_a_glance_stops_at_the_first_layer_that_does_not_hold(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers above the first failing one are not asked."""
    above = _Layer("cluster")
    layers = (_Layer("process"), _Layer("zookeeper", looks=2), above)
    monkeypatch.setattr(readiness, "ladder", lambda _: layers)
    recorder = Recorder(clock=clock)
    found = glance(cluster, _watch(runtime), recorder)
    assert (found.failed, found.reason) == ("zookeeper", "look 1")
    assert found.findings == {"process": "1"}
    assert above.seen == 0
    assert [mark.layer for mark in recorder.timeline] == ["process"]
    assert clock.sleeps == []


def test_a_glance_gives_a_broker_two_seconds(
    runtime: FakeRuntime, cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first connection takes a moment, so the broker is asked more than once."""
    monkeypatch.setattr(readiness, "ladder", lambda _: (_Layer("broker", looks=5),))
    assert glance(cluster, _watch(runtime), Recorder(clock=clock)).failed is None
    monkeypatch.setattr(readiness, "ladder", lambda _: (_Layer("broker", looks=10**6),))
    clock.now = 0.0
    assert glance(cluster, _watch(runtime), Recorder(clock=clock)).failed == "broker"
    assert clock.now == pytest.approx(2.0)


@pytest.mark.parametrize(("limit_s", "ends_s"), [(0.5, 0.5), (60.0, 2.0)])
def test_a_glance_ends_within_its_limit(
    runtime: FakeRuntime,
    cluster: Cluster,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    limit_s: float,
    ends_s: float,
) -> None:
    """A remote cluster that is silent takes no longer than the time-out."""
    remote = replace(cluster, topology=Topology())
    monkeypatch.setattr(readiness, "ladder", lambda _: (_Layer("broker", looks=10**6),))
    found = glance(remote, _watch(runtime), Recorder(clock=clock), limit_s=limit_s)
    assert found.failed == "broker"
    assert clock.now == pytest.approx(ends_s, abs=0.1)
