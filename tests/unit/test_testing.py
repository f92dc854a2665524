from __future__ import annotations

import pytest

from kafka_tasks.errors import MachineError
from kafka_tasks.retry import NotYet, OutOfTime
from kafka_tasks.runtimes.protocol import Runtime
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeClock, FakeRuntime, instant_policy


def test_a_fake_runtime_lives_as_a_real_one(settings: Settings) -> None:
    """Started, killed, started again and stopped: services, pids and calls tell the story."""
    fake = FakeRuntime(settings.project, dies=["kafka"])
    runtime: Runtime = fake
    assert runtime.plan(settings).bootstrap_servers == "localhost:9092"
    fake.start(settings)
    assert [(entry.name, entry.alive) for entry in runtime.observe().services] == [
        ("zookeeper", True),
        ("kafka", False),
    ]
    fake.dies.clear()
    fake.start(settings)
    fake.kill("kafka")
    assert fake.unclean(fake.observe())
    fake.start(settings, ["kafka"])
    assert not fake.unclean(fake.observe())
    assert fake.stop(["kafka"]) == ("kafka",)
    assert fake.stop(wipe=True) == ("zookeeper",)
    assert runtime.observe().services == ()
    assert fake.calls == ["start", "start", "start kafka", "stop kafka", "stop wipe"]


def test_a_fake_runtime_has_as_many_brokers_as_asked(settings: Settings) -> None:
    """The settings' number, each at the port of its own."""
    three = load(settings.project, environ={"KAFKA_TASKS_BROKERS": "3"})
    runtime = FakeRuntime(settings.project)
    assert runtime.start(three).brokers == 3
    assert [str(entry.address) for entry in runtime.observe().services] == [
        "localhost:2181",
        "localhost:9092",
        "localhost:9093",
        "localhost:9094",
    ]


def test_a_fake_runtime_refuses_and_logs_as_told(settings: Settings) -> None:
    """What it is given to raise is raised, and its logs are the lines it was given."""
    runtime = FakeRuntime(
        settings.project, refuses=MachineError("no"), logs={"kafka": ["a", "b"]}, strays=["kafka"]
    )
    with pytest.raises(MachineError):
        runtime.start(settings)
    assert runtime.logs("kafka", 1) == ["b"]
    assert runtime.logs("kafka", 0) == []
    assert list(runtime.follow("kafka", 9)) == ["a", "b"]
    assert [runtime.recover().adopted, runtime.recover().adopted] == [("kafka",), ()]


def test_an_instant_policy_lets_time_pass_without_waiting() -> None:
    """A minute of retries is over at once, and the clock shows the minute."""
    time = FakeClock()

    def never() -> None:
        raise NotYet("no")

    with pytest.raises(OutOfTime):
        instant_policy(time).until(never, time.deadline(60))
    assert time.now == pytest.approx(60)
    assert sum(time.sleeps) == pytest.approx(60)
