"""Snapshots of real clusters: whole, portable, and safe whatever interrupts them."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Sandbox, eventually
from tests.integration.test_interrupted_start import FAULTS, faulty
from tests.integration.test_records_in_and_out import TRICKY, new_topic, produced
from tests.tiers import telling

DATA = "kafka_tasks.runtimes.embedded.data_directory"


def shelf(sandbox: Sandbox) -> Path:
    """Where a project's snapshots lie."""
    return sandbox.path / ".kafka-tasks" / "snapshots"


def names(directory: Path) -> list[str]:
    """What is in a directory, the hidden too."""
    return sorted(path.name for path in directory.iterdir())


def hand_over(source: Sandbox, target: Sandbox, name: str) -> Path:
    """Copy a snapshot's file into another project, as a person would."""
    shelf(target).mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy2(shelf(source) / f"{name}.tar.gz", shelf(target)))


def tree(sandbox: Sandbox) -> dict[str, str]:
    """Every file of the data with the digest of its content, but a broker's own lock."""
    data = sandbox.path / ".kafka-tasks" / "data"
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def ran(sandbox: Sandbox, *arguments: str, timeout: float = 90) -> dict[str, Any]:
    """The document of a command that has to succeed."""
    done = sandbox.run(*arguments, "-o", "json", timeout=timeout)
    assert done.code == 0, f"{done.out}\n{done.err}"
    return done.document


def told(sandbox: Sandbox) -> tuple[str, str, list[Any]]:
    """What a client sees of the topic `orders`: its records, another's, and a group's offsets."""
    records = sandbox.run("consume", "orders", "--exit").out
    others = sandbox.run("consume", "tricky", "--exit").out
    group = ran(sandbox, "group.describe", "readers")["partitions"]
    return records, others, [(p["topic"], p["partition"], p["committed"]) for p in group]


@dataclass(frozen=True)
class Origin:
    """A running project with the snapshot `base`, and what clients saw before it was taken."""

    sandbox: Sandbox
    cluster_id: str
    seen: tuple[str, str, list[Any]]
    saved: dict[str, Any]


@pytest.fixture(scope="module")
def origin(new_project: Callable[..., Sandbox]) -> Origin:
    """Topics with records and a group with offsets, saved while the cluster runs."""
    sandbox = new_project("origin")
    cluster_id = sandbox.up()["cluster_id"]
    new_topic(sandbox, "orders", "--partitions", "3")
    new_topic(sandbox, "tricky")
    lines = "".join(f'{{"key":"{n}","value":"value {n}"}}\n' for n in range(2000))
    assert produced(sandbox, lines, "orders").code == 0
    assert produced(sandbox, "".join(json.dumps(r) + "\n" for r in TRICKY), "tricky").code == 0
    done = sandbox.run("group.reset", "readers", "--topic", "orders", "--to", "+100", "--execute")
    assert done.code == 0, done.err
    seen = told(sandbox)
    assert seen[0].count("\n") == 2000
    assert [committed for _, _, committed in seen[2]] == [100, 100, 100]
    return Origin(sandbox, cluster_id, seen, ran(sandbox, "snapshot.save", "base"))


@pytest.fixture(scope="module")
def stopped(origin: Origin, new_project: Callable[..., Sandbox]) -> Sandbox:
    """Another project, stopped, with data of its own and both its snapshot and the other's."""
    sandbox = new_project("stopped")
    sandbox.up()
    new_topic(sandbox, "mine")
    produced(sandbox, '{"value":"mine"}\n', "mine")
    assert sandbox.run("down").code == 0
    ran(sandbox, "snapshot.save", "mine")
    hand_over(origin.sandbox, sandbox, "base")
    return sandbox


@pytest.fixture(scope="module")
def _own(stopped: Sandbox) -> dict[str, str]:
    ran(stopped, "snapshot.restore", "mine", "--yes")
    return tree(stopped)


@pytest.fixture
def mine(stopped: Sandbox, _own: dict[str, str]) -> dict[str, str]:
    """The project's own data is in place; its files."""
    # What an interrupted restore leaves is undone by the next command: none may be pending.
    if tree(stopped) != _own or (stopped.path / ".kafka-tasks" / "restoring.json").exists():
        ran(stopped, "snapshot.restore", "mine", "--yes")
        assert tree(stopped) == _own
    return _own


@pytest.fixture(scope="module")
def theirs(stopped: Sandbox, origin: Origin) -> dict[str, str]:
    """The files as they are after the other snapshot is restored."""
    ran(stopped, "snapshot.restore", "base", "--yes")
    return tree(stopped)


def test_a_saved_cluster_runs_again(origin: Origin) -> None:
    """`save` of a running cluster says what it did, and the same cluster is ready afterwards."""
    saved, snapshot = origin.saved, origin.saved["snapshot"]
    assert saved["restarted"] is True
    assert snapshot["cluster_id"] == origin.cluster_id
    assert (snapshot["brokers"], snapshot["kafka_version"]) == (1, "3.9.2")
    assert snapshot["bytes"] == Path(snapshot["path"]).stat().st_size < snapshot["data_bytes"] / 10
    assert ran(origin.sandbox, "status")["state"] == "ready"
    assert told(origin.sandbox) == origin.seen


def test_files_are_their_owners_alone(origin: Origin) -> None:
    """Directory and file can be read by nobody else, and no draft is left."""
    assert shelf(origin.sandbox).stat().st_mode & 0o777 == 0o700
    assert names(shelf(origin.sandbox)) == ["base.tar.gz"]
    assert (shelf(origin.sandbox) / "base.tar.gz").stat().st_mode & 0o777 == 0o600


def test_another_project_gets_the_same_cluster(
    origin: Origin, new_project: Callable[..., Sandbox]
) -> None:
    """Restored elsewhere, on other ports: cluster id, records byte for byte, committed offsets."""
    other = new_project("other")
    file = shutil.copy(shelf(origin.sandbox) / "base.tar.gz", other.path / "carried.tar.gz")
    restored = ran(other, "snapshot.restore", str(file))
    assert (restored["replaced"], restored["restarted"]) == (False, False)
    assert ran_status(other) == "stopped"
    started = other.up()
    assert started["cluster_id"] == origin.cluster_id
    before = origin.sandbox.recorded()
    pairs = zip(other.recorded()["services"], before["services"], strict=True)
    assert all(mine["port"] != theirs["port"] for mine, theirs in pairs)
    assert told(other) == origin.seen
    assert other.run("topic", "--name", "orders", "--prove").code == 0
    assert ran_status(origin.sandbox) == "ready"


def ran_status(sandbox: Sandbox) -> str:
    """The state that `status` tells, whatever its exit code."""
    return str(sandbox.run("status", "-o", "json").document["state"])


@pytest.mark.release
def test_wiped_and_restored(new_project: Callable[..., Sandbox], origin: Origin) -> None:
    """`down --wipe` keeps snapshots and says so; what is restored goes on where it was."""
    sandbox = new_project("wiped")
    hand_over(origin.sandbox, sandbox, "base")
    ran(sandbox, "snapshot.restore", "base")
    sandbox.up()
    done = sandbox.run("down", "--wipe", "--yes")
    assert "Data deleted; the snapshots are kept." in done.out
    assert tree(sandbox) == {}
    ran(sandbox, "snapshot.restore", "base")
    assert sandbox.up()["cluster_id"] == origin.cluster_id
    assert told(sandbox) == origin.seen


@pytest.mark.release
def test_restore_over_a_running_cluster(
    new_project: Callable[..., Sandbox], origin: Origin
) -> None:
    """A cluster that runs is stopped, given the other data, and ready again."""
    sandbox = new_project("busy")
    hand_over(origin.sandbox, sandbox, "base")
    before = sandbox.up()
    new_topic(sandbox, "gone")
    sandbox.run("snapshot.restore", "base").refused(6, "would be replaced", "--yes")
    assert sandbox.topics() == ["gone"]
    done = sandbox.run("snapshot.restore", "base", "--yes")
    assert done.code == 0, done.err
    assert "stopping the cluster to restore base; it is started again afterwards" in done.err
    after = sandbox.up()
    assert (after["changed"], after["cluster_id"]) == (False, origin.cluster_id)
    assert after["bootstrap_servers"] == before["bootstrap_servers"]
    assert told(sandbox) == origin.seen


@pytest.mark.release
def test_several_brokers(new_project: Callable[..., Sandbox]) -> None:
    """Every broker's data goes along; a project with another number of brokers is refused."""
    sandbox = new_project("two")
    sandbox.up("--brokers", "2")
    new_topic(sandbox, "wide", "--partitions", "4", "--replication-factor", "2")
    lines = "".join(f'{{"key":"{n}","value":"{n}"}}\n' for n in range(300))
    assert produced(sandbox, lines, "wide").code == 0
    seen = sandbox.run("consume", "wide", "--exit").out
    saved = ran(sandbox, "snapshot.save", "two", timeout=180)
    assert (saved["restarted"], saved["snapshot"]["brokers"]) == (True, 2)
    sandbox.run("down")
    other = new_project("other-two")
    hand_over(sandbox, other, "two")
    refused = other.run("snapshot.restore", "two")
    refused.refused(3, "has 2 brokers, and this project has 1 broker", "--brokers 2")
    ran(other, "snapshot.restore", "two", "--brokers", "2")
    assert len(other.up()["services"]) == 3
    assert sorted(other.run("consume", "wide", "--exit").out.splitlines()) == sorted(
        seen.splitlines()
    )

    def in_sync() -> bool:
        partitions = ran(other, "topic.describe", "wide")["partitions"]
        return all(sorted(partition["isr"]) == [1, 2] for partition in partitions)

    # Followers of a restored leader catch up after the cluster is ready.
    eventually(in_sync, "every replica is in sync")
    other.run("down")


@pytest.mark.release
def test_another_version_is_refused(stopped: Sandbox, mine: dict[str, str]) -> None:
    """Data of one Kafka line is not given to another."""
    done = stopped.run("snapshot.restore", "base", "--yes", env={"KAFKA_TASKS_VERSION": "7.7.1"})
    done.refused(3, "has Kafka 3.9 (", "this project has Kafka 3.7 (", "KAFKA_TASKS_VERSION=7.9.11")
    assert tree(stopped) == mine


def test_names_that_are_none_are_refused(stopped: Sandbox) -> None:
    """Neither paths nor hidden files can be saved, deleted or restored as names."""
    for name in ("../evil", ".hidden", "a b", "x" * 101, "a.tar.gz", "ä"):
        stopped.run("snapshot.save", name).refused(3, "not a name for a snapshot")
        stopped.run("snapshot.delete", name, "--yes").refused(3, "not a name for a snapshot")
    stopped.run("snapshot.restore", "bases").refused(1, "no snapshot bases", "did you mean base?")


def test_an_existing_name_is_kept_unless_confirmed(stopped: Sandbox, mine: dict[str, str]) -> None:
    """A second snapshot of a name needs --yes; then it is the new one."""
    path = shelf(stopped) / "mine.tar.gz"
    before = path.read_bytes()
    stopped.run("snapshot.save", "mine").refused(6, "would be replaced", "--yes")
    assert path.read_bytes() == before
    ran(stopped, "snapshot.save", "mine", "--yes")
    assert path.read_bytes() != before
    ran(stopped, "snapshot.restore", "mine", "--yes")
    assert tree(stopped) == mine


def test_one_flipped_byte_is_noticed(stopped: Sandbox, mine: dict[str, str]) -> None:
    """Wherever a byte is wrong or the end is missing, `list` says so and `restore` refuses."""
    good = (shelf(stopped) / "base.tar.gz").read_bytes()
    bad = shelf(stopped) / "bad.tar.gz"
    try:
        for place in (1, 400, len(good) // 2, len(good) - 20):
            bad.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            assert_damaged(stopped)
        for length in (0, 30, len(good) // 2, len(good) - 1):
            bad.write_bytes(good[:length])
            assert_damaged(stopped)
    finally:
        bad.unlink()
    assert tree(stopped) == mine


def assert_damaged(sandbox: Sandbox) -> None:
    """`bad` is shown as damaged, the others are not, and it is not restored."""
    listed = ran(sandbox, "snapshot.list")["snapshots"]
    assert [s["name"] for s in listed if s["problem"]] == ["bad"], listed
    sandbox.run("snapshot.restore", "bad", "--yes").refused(3, "The snapshot bad is damaged")


# Where a restore may be killed: whether the old data counts afterwards, or the new.
RESTORE = [
    ("kafka_tasks.project.restoring:write@1", "old"),
    (f"{DATA}:EmbeddedData.discard@1", "old"),
    (f"{DATA}:_write@1", "old"),
    (f"{DATA}:_write@8", "old"),
    (f"{DATA}:EmbeddedData.stage@1", "old"),
    ("kafka_tasks.project.restoring:write@2", "new"),
    ("pathlib:Path.rename@1", "new"),
    ("pathlib:Path.rename@2", "new"),
    (f"{DATA}:EmbeddedData.swap@1", "new"),
    (f"{DATA}:EmbeddedDataAccess.expect@1", "new"),
    ("kafka_tasks.project.restoring:forget@1", "new"),
]


@pytest.mark.parametrize(("place", "wins"), telling(RESTORE, RESTORE[3], RESTORE[6]))
def test_a_killed_restore_leaves_old_or_new(
    stopped: Sandbox, theirs: dict[str, str], mine: dict[str, str], place: str, wins: str
) -> None:
    """After SIGKILL anywhere, the next command has all of the old data or all of the new."""
    code, _, err = faulty(stopped, "kill-call", place, "snapshot.restore", "base", "--yes")
    assert code == -signal.SIGKILL, err
    assert stopped.run("down").code == 0
    assert tree(stopped) == (mine if wins == "old" else theirs)
    left = names(stopped.path / ".kafka-tasks")
    assert not {"restoring.json", "data.new", "data.old"} & set(left)


@pytest.mark.parametrize(
    "place", telling([place for place, wins in RESTORE if wins == "old"], RESTORE[4][0])
)
def test_ctrl_c_in_a_restore_keeps_the_old_data(
    stopped: Sandbox, mine: dict[str, str], place: str
) -> None:
    """It ends with exit 130 and says so, and nothing is left over."""
    code, out, err = faulty(stopped, "int-call", place, "snapshot.restore", "base", "--yes")
    assert (code, out) == (130, "")
    assert "Error: Interrupted; the old data is unchanged, and the cluster is stopped." in err
    assert tree(stopped) == mine
    assert not {"data.new", "data.old"} & set(names(stopped.path / ".kafka-tasks"))


def test_ctrl_c_in_the_swap_comes_too_late(
    stopped: Sandbox, theirs: dict[str, str], mine: dict[str, str]
) -> None:
    """Once the new data is complete, its few renames are not interrupted any more."""
    place = RESTORE[6][0]
    code, out, _ = faulty(stopped, "int-call", place, "snapshot.restore", "base", "--yes")
    assert (code, out.startswith("Restored base")) == (0, True)
    assert tree(stopped) == theirs


@pytest.mark.release
@pytest.mark.parametrize(
    ("fault", "place", "topics"),
    [
        ("kill-call", f"{DATA}:_write@8", ["mine"]),
        ("kill-call", "pathlib:Path.rename@1", ["orders", "tricky"]),
        ("int-call", f"{DATA}:_write@8", ["mine"]),
    ],
)
def test_up_after_an_interrupted_restore_of_a_running_cluster(
    stopped: Sandbox, mine: dict[str, str], fault: str, place: str, topics: list[str]
) -> None:
    """`up` has a ready cluster with the old or the new topics; after Ctrl-C it runs already."""
    try:
        stopped.up()
        code, _, err = faulty(stopped, fault, place, "snapshot.restore", "base", "--yes")
        if fault == "int-call":
            assert code == 130, err
            assert "the old data is unchanged, and the cluster runs." in err
            assert ran_status(stopped) == "ready"
        else:
            assert code == -signal.SIGKILL, err
        stopped.up()
        assert stopped.topics() == topics
    finally:
        stopped.run("down")


SAVE = [
    "kafka_tasks.snapshots.snapshot_file:_info@1",
    "kafka_tasks.snapshots.snapshot_file:_info@10",
    "kafka_tasks.snapshots.snapshot_file:_digest@1",
    "os:fsync@1",
]


@pytest.mark.parametrize("place", telling(SAVE, SAVE[1]))
def test_a_killed_save_leaves_no_snapshot(
    stopped: Sandbox, mine: dict[str, str], place: str
) -> None:
    """After SIGKILL there is no new snapshot and the old data; the next save clears up."""
    code, _, err = faulty(stopped, "kill-call", place, "snapshot.save", "half")
    assert code == -signal.SIGKILL, err
    listed = ran(stopped, "snapshot.list")["snapshots"]
    assert [snapshot["name"] for snapshot in listed] == ["base", "mine"]
    assert tree(stopped) == mine
    ran(stopped, "snapshot.save", "whole")
    assert names(shelf(stopped)) == ["base.tar.gz", "mine.tar.gz", "whole.tar.gz"]
    assert stopped.run("snapshot.delete", "whole", "--yes").code == 0


@pytest.mark.release
def test_ctrl_c_in_a_save_starts_the_cluster_again(stopped: Sandbox, mine: dict[str, str]) -> None:
    """Nothing is saved, the cluster is as ready as before, and nothing is left over."""
    try:
        stopped.up()
        done = stopped.run(
            "int-call", SAVE[1], "snapshot.save", "half", "-o", "json", command=FAULTS
        )
        assert done.code == 130
        assert done.error["message"] == "Interrupted; nothing was saved, and the cluster runs."
        assert ran_status(stopped) == "ready"
        assert stopped.topics() == ["mine"]
        assert names(shelf(stopped)) == ["base.tar.gz", "mine.tar.gz"]
    finally:
        stopped.run("down")


@pytest.mark.release
def test_what_was_killed_is_repaired_before_it_is_saved(
    stopped: Sandbox, mine: dict[str, str]
) -> None:
    """A cluster whose broker was killed has to start once; then it is saved."""
    try:
        stopped.up()
        stopped.kill("kafka")
        done = stopped.run("snapshot.save", "unclean")
        assert (done.code, done.out) == (5, "")
        assert "kafka is not running: its data on the disk may be incomplete" in done.err
        assert stopped.run("down").code == 0
        done = stopped.run("snapshot.save", "unclean")
        assert (done.code, done.out) == (5, "")
        assert "A broker was killed" in done.err and "kafka.up" in done.err
        stopped.up()
        ran(stopped, "snapshot.save", "clean")
        assert stopped.topics() == ["mine"]
    finally:
        stopped.run("down")
        stopped.run("snapshot.delete", "clean", "--yes")


def test_an_empty_project_has_nothing_to_save(project: Sandbox) -> None:
    """Where no cluster ever ran, `save` says so, and `list` is empty."""
    done = project.run("snapshot.save", "empty")
    assert (done.code, done.out) == (5, "")
    assert "no cluster was ever ready" in done.err
    assert ran(project, "snapshot.list")["snapshots"] == []


def test_dry_changes_nothing(stopped: Sandbox, mine: dict[str, str]) -> None:
    """--dry says what would be saved, replaced and deleted."""
    for line, words in (
        (("snapshot.save", "dry"), "would write"),
        (("snapshot.restore", "base"), "would replace the data"),
        (("snapshot.delete", "base"), "would delete"),
    ):
        done = stopped.run("--dry", *line)
        assert (done.code, words in done.out) == (0, True), done.out + done.err
    assert tree(stopped) == mine
    assert names(shelf(stopped)) == ["base.tar.gz", "mine.tar.gz"]


def test_delete_asks_first(stopped: Sandbox) -> None:
    """Without --yes and without a terminal nothing is deleted."""
    stopped.run("snapshot.save", "short-lived")
    done = stopped.run("snapshot.delete", "short-lived")
    done.refused(6, "Snapshot short-lived would be deleted", "--yes")
    assert ran(stopped, "snapshot.delete", "short-lived", "--yes")["deleted"] == "short-lived"
    stopped.run("snapshot.delete", "short-lived", "--yes").refused(1, "no snapshot short-lived")


def test_somebody_elses_cluster_is_neither_saved_nor_restored(stopped: Sandbox) -> None:
    """On a remote cluster both are exit 3, as `up` and `down` are."""
    remote: dict[str, str | None] = {
        "KAFKA_TASKS_RUNTIME": None,
        "KAFKA_TASKS_BOOTSTRAP_SERVERS": "localhost:1",
    }
    stopped.run("snapshot.save", "theirs", env=remote).refused(3, "is a remote cluster")
    stopped.run("snapshot.restore", "base", env=remote).refused(3, "is a remote cluster")
