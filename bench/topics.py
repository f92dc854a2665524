"""Rows about topics as code: thousands of topics on one real broker."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.children import Unmeasured, spawn, stop, timed
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace, console

_MANY = 10_000
_FEW = 1_000
# A controller creates ten thousand topics in some minutes.
_TIMEOUT_S = 900.0

# The alternative to a plan: the same requests with the plain client.
_BARE_DESCRIBE = """\
import sys
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
client = AdminClient({"bootstrap.servers": sys.argv[1]})
names = [n for n in client.list_topics(timeout=60).topics if not n.startswith("__")]
asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
for future in client.describe_configs(asked, request_timeout=120).values():
    future.result()
assert len(names) == int(sys.argv[2]), len(names)
"""

# The alternative to an apply: one call with all topics, until every partition has a leader.
_BARE_CREATE = """\
import sys, time
from confluent_kafka.admin import AdminClient, NewTopic
client = AdminClient({"bootstrap.servers": sys.argv[1]})
names = {f"bare.{n:05}" for n in range(int(sys.argv[2]))}
new = [NewTopic(name, 1, 1, config={"retention.ms": "86400000"}) for name in sorted(names)]
for future in client.create_topics(new, request_timeout=300, operation_timeout=300).values():
    future.result()
while True:
    seen = client.list_topics(timeout=60).topics
    if all(n in seen and all(p.leader >= 0 for p in seen[n].partitions.values()) for n in names):
        break
    time.sleep(0.05)
"""


def _declare(path: Path, count: int, prefix: str = "ours.") -> None:
    """Write topics.yaml with `count` topics, each with a setting."""
    lines = ["defaults: {partitions: 1, replication_factor: 1}", "topics:"]
    lines += [
        f"- {{name: {prefix}{number:05}, config: {{retention.ms: 86400000}}}}"
        for number in range(count)
    ]
    (path / "topics.yaml").write_text("\n".join(lines) + "\n")


def _with_topics(surroundings: Surroundings, count: int) -> Workspace:
    """Return a ready broker with the `count` topics of its topics.yaml; rows share it."""
    return surroundings.shared(f"{count} topics", _filled(surroundings, count))


@contextlib.contextmanager
def _filled(surroundings: Surroundings, count: int) -> Iterator[Workspace]:
    # Ten thousand topics fill most of a 512 MB heap.
    larger = {"KAFKA_TASKS_TIMEOUT": "300", "KAFKA_TASKS_HEAP": "1g"}
    with surroundings.workspace(larger) as ours:
        ours.command("up")
        _declare(ours.path, count)
        arguments = [console("kafka-tasks"), "topic.apply"]
        timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=_TIMEOUT_S)
        yield ours


def _plan(ours: Workspace, count: int) -> float:
    arguments = [console("kafka-tasks"), "topic.plan"]
    done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=_TIMEOUT_S)
    if f"{count} topics are as declared" not in done.output:
        raise Unmeasured(f"the plan is not empty: {done.output[-200:]}")
    return done.seconds


def _bare(ours: Workspace, program: str, count: int) -> float:
    arguments = [sys.executable, "-c", program, f"127.0.0.1:{ours.port}", str(count)]
    done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=_TIMEOUT_S)
    return done.seconds


@row(
    "plan-10000",
    what="kafka-tasks topic.plan of 10,000 unchanged topics",
    against="list_topics and describe_configs of the same, bare AdminClient",
    limit=1.3,
)
def plan_many(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes against the same broker."""
    ours = _with_topics(surroundings, _MANY)
    for _ in range(pairs):
        yield Pair(_plan(ours, _MANY), _bare(ours, _BARE_DESCRIBE, _MANY))


@row(
    "plan-growth",
    what="kafka-tasks topic.plan of 10,000 topics, a tenth of its time",
    against="kafka-tasks topic.plan of 1,000 topics",
    limit=1.0,
)
def plan_growth(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure linear growth: ten times the topics in at most ten times the time."""
    few, many = _with_topics(surroundings, _FEW), _with_topics(surroundings, _MANY)
    for _ in range(pairs):
        yield Pair(_plan(many, _MANY) / (_MANY / _FEW), _plan(few, _FEW))


@row(
    "plan-memory",
    what="peak memory of kafka-tasks topic.plan of 10,000 topics",
    against="300 MB",
    unit="MB",
    limit=1.0,
)
def plan_memory(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the resident memory until the process exits."""
    ours = _with_topics(surroundings, _MANY)
    for _ in range(pairs):
        yield Pair(_peak_mb(ours), 300.0)


def _peak_mb(ours: Workspace) -> float:
    arguments = [console("kafka-tasks"), "topic.plan"]
    output = ours.path / "plan.txt"
    child = spawn(arguments, cwd=ours.path, environ=ours.environ, output=output)
    peak = 0.0
    try:
        while child.poll() is None:
            with contextlib.suppress(psutil.Error):
                peak = max(peak, psutil.Process(child.pid).memory_info().rss / 1e6)
            with contextlib.suppress(Exception):
                child.wait(0.02)
    finally:
        stop(child)
    if child.returncode != 0:
        raise Unmeasured(f"topic.plan exited with {child.returncode}")
    return peak


@row(
    "apply-1000",
    what="kafka-tasks topic.apply that creates 1,000 topics",
    against="one bare create_topics call with all of them, until all have leaders",
    limit=1.1,
)
def apply_thousand(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure each on a new broker, because topics slow a broker down."""
    for _ in range(pairs):
        with _new_broker(surroundings) as ours:
            _declare(ours.path, _FEW)
            arguments = [console("kafka-tasks"), "topic.apply"]
            done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=_TIMEOUT_S)
        with _new_broker(surroundings) as theirs:
            yield Pair(done.seconds, _bare(theirs, _BARE_CREATE, _FEW))


@contextlib.contextmanager
def _new_broker(surroundings: Surroundings) -> Iterator[Workspace]:
    with surroundings.workspace({"KAFKA_TASKS_TIMEOUT": "300"}) as ours:
        ours.command("up")
        ours.command("topic")
        yield ours
