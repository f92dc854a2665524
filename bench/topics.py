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

MANY = 10_000
FEW = 1_000
# Making ten thousand topics takes a controller some minutes.
PATIENCE_S = 900.0

# The alternative of a plan: the same questions, by the bare client.
BARE_LOOK = """\
import sys
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
client = AdminClient({"bootstrap.servers": sys.argv[1]})
names = [n for n in client.list_topics(timeout=60).topics if not n.startswith("__")]
asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
for future in client.describe_configs(asked, request_timeout=120).values():
    future.result()
assert len(names) == int(sys.argv[2]), len(names)
"""

# The alternative of an apply: one call with all of them, to the last leader.
BARE_CREATE = """\
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


def declare(path: Path, count: int, prefix: str = "ours.") -> None:
    """Write topics.yaml with so many topics, each with a setting of its own."""
    lines = ["defaults: {partitions: 1, replication_factor: 1}", "topics:"]
    lines += [
        f"- {{name: {prefix}{number:05}, config: {{retention.ms: 86400000}}}}"
        for number in range(count)
    ]
    (path / "topics.yaml").write_text("\n".join(lines) + "\n")


def crowded(surroundings: Surroundings, count: int) -> Workspace:
    """A ready broker with so many topics, as topics.yaml declares them; rows share it."""
    return surroundings.kept(f"{count} topics", _crowded(surroundings, count))


@contextlib.contextmanager
def _crowded(surroundings: Surroundings, count: int) -> Iterator[Workspace]:
    # With 512 MB, ten thousand topics leave a broker little room for anything else.
    roomy = {"KAFKA_TASKS_TIMEOUT": "300", "KAFKA_TASKS_HEAP": "1g"}
    with surroundings.workspace(roomy) as ours:
        ours.command("up")
        declare(ours.path, count)
        arguments = [console("kafka-tasks"), "topic.apply"]
        timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=PATIENCE_S)
        yield ours


def _plan(ours: Workspace, count: int) -> float:
    arguments = [console("kafka-tasks"), "topic.plan"]
    done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=PATIENCE_S)
    if f"{count} topics are as declared" not in done.output:
        raise Unmeasured(f"the plan is not empty: {done.output[-200:]}")
    return done.seconds


def _bare(ours: Workspace, program: str, count: int) -> float:
    arguments = [sys.executable, "-c", program, f"127.0.0.1:{ours.port}", str(count)]
    done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=PATIENCE_S)
    return done.seconds


@row(
    "plan-10000",
    what="kafka-tasks topic.plan of 10,000 unchanged topics",
    against="list_topics and describe_configs of the same, bare AdminClient",
    limit=1.3,
)
def plan_many(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Whole processes against the same broker."""
    ours = crowded(surroundings, MANY)
    for _ in range(pairs):
        yield Pair(_plan(ours, MANY), _bare(ours, BARE_LOOK, MANY))


@row(
    "plan-growth",
    what="kafka-tasks topic.plan of 10,000 topics, a tenth of its time",
    against="kafka-tasks topic.plan of 1,000 topics",
    limit=1.0,
)
def plan_growth(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """At most linear: ten times the topics, at most ten times the time."""
    few, many = crowded(surroundings, FEW), crowded(surroundings, MANY)
    for _ in range(pairs):
        yield Pair(_plan(many, MANY) / (MANY / FEW), _plan(few, FEW))


@row(
    "plan-memory",
    what="memory of kafka-tasks topic.plan of 10,000 topics at its largest",
    against="300 MB",
    unit="MB",
    limit=1.0,
)
def plan_memory(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """The resident memory is looked at until the process ends."""
    ours = crowded(surroundings, MANY)
    for _ in range(pairs):
        yield Pair(_largest(ours), 300.0)


def _largest(ours: Workspace) -> float:
    arguments = [console("kafka-tasks"), "topic.plan"]
    output = ours.path / "plan.txt"
    child = spawn(arguments, cwd=ours.path, environ=ours.environ, output=output)
    most = 0.0
    try:
        while child.poll() is None:
            with contextlib.suppress(psutil.Error):
                most = max(most, psutil.Process(child.pid).memory_info().rss / 1e6)
            with contextlib.suppress(Exception):
                child.wait(0.02)
    finally:
        stop(child)
    if child.returncode != 0:
        raise Unmeasured(f"topic.plan ended with {child.returncode}")
    return most


@row(
    "apply-1000",
    what="kafka-tasks topic.apply that creates 1,000 topics",
    against="one bare create_topics call with all of them, to the last leader",
    limit=1.1,
)
def apply_thousand(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Each on a fresh broker of its own: a fuller one is slower."""
    for _ in range(pairs):
        with _fresh(surroundings) as ours:
            declare(ours.path, FEW)
            arguments = [console("kafka-tasks"), "topic.apply"]
            done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=PATIENCE_S)
        with _fresh(surroundings) as theirs:
            yield Pair(done.seconds, _bare(theirs, BARE_CREATE, FEW))


@contextlib.contextmanager
def _fresh(surroundings: Surroundings) -> Iterator[Workspace]:
    with surroundings.workspace({"KAFKA_TASKS_TIMEOUT": "300"}) as ours:
        ours.command("up")
        ours.command("topic")
        yield ours
