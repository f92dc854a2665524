"""Snapshots of a cluster in containers."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from kafka_tasks import settings
from kafka_tasks.lifecycle.session import open_session
from kafka_tasks.project.directory import Project
from tests.compose.conftest import Bench, make_project, named

FAULTS = Path(__file__).parent.parent / "integration" / "faults.py"
DATA = "kafka_tasks.runtimes.compose.volumes"
PLACES = (
    ("zookeeper", "/var/lib/zookeeper/data"),
    ("zookeeper", "/var/lib/zookeeper/log"),
    ("kafka", "/var/lib/kafka/data"),
)


def ran(bench: Bench, *arguments: str, **environ: Any) -> Any:
    """The document of a command that has to succeed."""
    done = bench.run(*arguments, "-o", "json", **environ)
    assert done.code == 0, done.out + done.err
    return done.json


def faulty(bench: Bench, fault: str, where: str, *arguments: str) -> tuple[int, str]:
    """Run `kafka-tasks` with a fault in it; returns exit code and stderr."""
    done = subprocess.run(
        [sys.executable, str(FAULTS), fault, where, *arguments],
        cwd=bench.path,
        env=bench.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


def produce(bench: Bench, topic: str, count: int) -> None:
    """Make a topic with so many records, and a group that has read ten of them."""
    assert bench.run("topic.create", topic).code == 0
    lines = bench.path / "lines"
    lines.write_text("".join(f'{{"key":"{n}","value":"{topic} {n}"}}\n' for n in range(count)))
    assert bench.run("produce", topic, "--file", str(lines)).code == 0
    reset = ("group.reset", "readers", "--topic", topic, "--to", "+10", "--execute")
    assert bench.run(*reset).code == 0


def told(bench: Bench, topic: str) -> tuple[str, list[Any]]:
    """A topic's records, and what its group has committed."""
    group = ran(bench, "group.describe", "readers")["partitions"]
    records = bench.run("consume", topic, "--exit").out
    return records, [(p["topic"], p["committed"]) for p in group]


def leftovers(bench: Bench) -> list[str]:
    """What is in the volumes of the containers and is no server's."""
    found = []
    for service, place in PLACES:
        listed = bench.containers[service].exec_run(["ls", "-A", place])
        assert listed.exit_code == 0, listed.output
        found += [name for name in listed.output.decode().split() if "kafka-tasks" in name]
    return found


def volumes(bench: Bench) -> list[str]:
    """The names of the project's volumes."""
    label = f"com.docker.compose.project={bench.path.name}"
    return sorted(v.name for v in bench.engine.volumes.list(filters={"label": label}))


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A project in containers with the snapshot `mine`, which is in place."""
    bench = make_project(tmp_path_factory.mktemp(named("saved")), engine)
    try:
        assert bench.run("up").code == 0
        produce(bench, "mine", 50)
        ran(bench, "snapshot.save", "mine")
        yield bench
    finally:
        bench.clean()


@pytest.fixture(scope="module")
def orders(saved: Bench) -> tuple[str, list[Any]]:
    """What `told` of the topic in the snapshot `orders`, which is in place now."""
    ran(saved, "up")
    assert saved.run("reset", "--yes").code == 0
    produce(saved, "orders", 500)
    seen = told(saved, "orders")
    ran(saved, "snapshot.save", "orders")
    return seen


def test_wiped_and_restored_with_nothing_left_over(saved: Bench) -> None:
    """Save, wipe, restore: id, records and offsets are the same, and no container is left."""
    before = ran(saved, "status")["cluster_id"]
    seen = told(saved, "mine")
    kept = volumes(saved)
    assert seen[0].count("\n") == 50
    assert saved.run("down", "--wipe", "--yes").out.endswith("the snapshots are kept.\n")
    restored = ran(saved, "snapshot.restore", "mine")
    assert (restored["replaced"], restored["restarted"]) == (False, False)
    assert saved.containers == {}
    assert ran(saved, "up")["cluster_id"] == before
    assert told(saved, "mine") == seen
    assert leftovers(saved) == []
    assert volumes(saved) == kept
    for service, place in PLACES:
        owners = saved.containers[service].exec_run(["stat", "-c", "%U", f"{place}/."]).output
        assert owners == b"appuser\n"


@pytest.mark.release
def test_both_runtimes_restore_what_the_other_saved(
    saved: Bench, orders: tuple[str, list[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Containers → processes → containers: the records and offsets are the same each time."""
    seen = orders
    assert seen[0].count("\n") == 500
    embedded = make_project(tmp_path_factory.mktemp(named("embedded")), saved.engine)
    embedded.environ["KAFKA_TASKS_RUNTIME"] = "embedded"
    file = saved.path / ".kafka-tasks" / "snapshots" / "orders.tar.gz"
    try:
        ran(embedded, "snapshot.restore", str(file))
        ran(embedded, "up")
        assert told(embedded, "orders") == seen
        assert embedded.run("down").code == 0
        back = ran(embedded, "snapshot.save", "back")["snapshot"]["path"]
    finally:
        embedded.run("down")
    ran(saved, "snapshot.restore", "mine", "--yes")
    assert in_place(saved) == "mine"
    ran(saved, "snapshot.restore", back, "--yes")
    assert told(saved, "orders") == seen
    assert embedded.run("down", "--wipe", "--yes").code == 0


def in_place(bench: Bench) -> str:
    """The snapshot whose data the running cluster has: its one topic."""
    (topic,) = ran(bench, "topic.list")["topics"]
    return str(topic["name"])


@pytest.mark.release
@pytest.mark.parametrize(
    ("fault", "place", "restored"),
    [
        ("kill-call", f"{DATA}:ComposeData._stage@2", False),
        ("kill-call", "kafka_tasks.project.restoring:write@2", True),
        ("kill-call", "kafka_tasks.runtimes.compose.command:run_beside@3", True),
        ("int-call", f"{DATA}:ComposeData._stage@3", False),
    ],
)
def test_an_interrupted_restore_leaves_old_or_new(
    saved: Bench, orders: object, fault: str, place: str, restored: bool
) -> None:
    """After SIGKILL or Ctrl-C, `up` has all of the old data or all of the new."""
    counts = {"mine": 50, "orders": 500}
    ran(saved, "up")
    old = in_place(saved)
    (new,) = counts.keys() - {old}
    code, err = faulty(saved, fault, place, "snapshot.restore", new, "--yes")
    assert code == (-signal.SIGKILL if fault == "kill-call" else 130), err
    ran(saved, "up")
    found = in_place(saved)
    assert found == (new if restored else old)
    assert saved.run("consume", found, "--exit").out.count("\n") == counts[found]
    assert leftovers(saved) == []


def test_a_swap_can_be_killed_between_any_two_steps(saved: Bench) -> None:
    """The script that swaps, ended at each of its commands and run again, has the new data."""
    from kafka_tasks.runtimes.compose.volumes import _SWAP, STAGING

    image = saved.environ["KAFKA_TASKS_KAFKA_IMAGE"]
    build = (
        f"rm -rf /tmp/place; mkdir -p /tmp/place/{STAGING}/new /tmp/place/a-0 /tmp/place/b-0; "
        f"cd /tmp/place; touch .old same a-0/x; mkdir {STAGING}/new/b-0 {STAGING}/new/c-0; "
        f"touch {STAGING}/new/.new {STAGING}/new/same {STAGING}/new/b-0/y; "
    )
    check = (
        "found=$(cd /tmp/place; find . | sort | tr '\\n' ' '); "
        '[ "$found" = ". ./.new ./b-0 ./b-0/y ./c-0 ./same " ] || '
        '{ echo "after step $n: $found"; exit 1; }; '
    )
    # A trap on DEBUG ends the script right before its n-th command.
    stop = "i=0; step() { i=$((i + 1)); [ $i -lt $n ] || exit 9; }; trap step DEBUG; "
    script = (
        f"for n in $(seq 200); do {build}"
        'n=$n bash -c "$STOP$SWAP" swap /tmp/place && code=0 || code=$?; '
        f'bash -c "$SWAP" swap /tmp/place; {check}'
        '[ $code = 9 ] || { echo "whole after $n"; exit 0; }; done; exit 1'
    )
    done = saved.engine.containers.run(
        image,
        ["bash", "-c", script],
        environment={"STOP": stop, "SWAP": _SWAP},
        network_mode="none",
        remove=True,
    )
    steps = int(done.decode().split()[-1])
    assert steps > 20


@pytest.mark.release
def test_the_volumes_are_measured(saved: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running or not, and nothing of that is left."""
    for name, value in saved.environ.items():
        monkeypatch.setenv(name, value)
    project = Project(saved.path)
    session = open_session(project, settings.load(project.path))
    for _ in range(2):
        with session.data().data(session.settings) as data:
            used, free = data.allocated(), data.room()
        assert used is not None and 10_000 < used < 1_000_000_000
        assert free is not None and free > 0
        assert saved.run("down").code == 0
    ran(saved, "up")
    ours = f"name={saved.path.name}.*-measure"
    left = saved.docker("ps", "--all", "--filter", ours, "--quiet")
    assert (left.code, left.out) == (0, "")
