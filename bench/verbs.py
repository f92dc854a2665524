"""Rows about topic commands on a warm broker."""

from __future__ import annotations

from collections.abc import Iterator

from bench.children import timed
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace

_TOPICS = 50


@row(
    "topic-create",
    what="kafka-tasks topic --name X: created and proven",
    against="kafka-topics --create, the plain JVM command",
    limit=0.5,
    repeats=3,
)
def topic_create(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes; kafka-tasks also writes a record and reads it back."""
    with surroundings.workspace() as ours:
        ours.command("up")
        ours.command("topic")
        for number in range(pairs):
            seconds = ours.command("topic", "--name", f"ours-{number}").seconds
            yield Pair(seconds, _by_java(surroundings, ours, f"theirs-{number}"))


def _by_java(surroundings: Surroundings, ours: Workspace, name: str) -> float:
    servers = surroundings.servers
    arguments = [
        *(str(servers.java.executable), "-cp", servers.class_path),
        *("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", f"127.0.0.1:{ours.port}"),
        *("--create", "--topic", name, "--partitions", "1", "--replication-factor", "1"),
    ]
    return timed(arguments, cwd=ours.path, environ=ours.environ).seconds


@row(
    "reset-50",
    what="kafka-tasks reset with 50 topics",
    against="kafka-tasks down --wipe and up",
    limit=0.5,
)
def reset_fifty(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both until an empty cluster is ready."""
    with surroundings.workspace() as ours:
        ours.command("up")
        for round_ in range(pairs):
            _declare(ours, round_)
            reset_s = ours.command("reset", "--yes").seconds
            _declare(ours, round_)
            recreate_s = (
                ours.command("down", "--wipe", "--yes").seconds + ours.command("up").seconds
            )
            yield Pair(reset_s, recreate_s)


def _declare(ours: Workspace, round_: int) -> None:
    lines = [f"- {{name: t{round_}-{number}, partitions: 1}}" for number in range(_TOPICS)]
    (ours.path / "topics.yaml").write_text("topics:\n" + "\n".join(lines) + "\n")
    ours.command("topic.apply")
