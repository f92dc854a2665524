"""Project paths, homes, locales and disks that are not what one expects."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tiers import telling

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

COMMAND = Path(sys.executable).with_name("kafka-tasks")
# The kernel lets nobody create anything there, root neither.
NOWHERE = "/proc/no-such-home"


@pytest.mark.parametrize("locale", telling(["POSIX", "C.UTF-8"], "POSIX"))
def test_path_with_spaces_letters_and_commas(
    new_project: Callable[..., Sandbox], locale: str
) -> None:
    """A project whose path has spaces, non-ASCII letters, a comma and quotes works as any other."""
    sandbox = new_project("Prüf, 'ein' \"Weg\" – 漢字 $HOME %41")
    sandbox.environ |= {"LANG": "C", "LC_ALL": locale}
    found = sandbox.up()
    assert found["project"] == str(sandbox.path)
    assert sandbox.run("topic").code == 0
    assert sandbox.run("up").out.startswith("Already ready")
    assert str(sandbox.path) in sandbox.run("list").out
    assert sandbox.run("logs", "--service", "kafka", "--tail", "1").out
    assert sandbox.run("down").code == 0
    assert sandbox.processes() == {}


def test_a_terminal_that_cannot_show_letters(project: Sandbox) -> None:
    """Where the output's encoding lacks a letter it is replaced, and nothing fails."""
    odd = project.path / "Prüf"
    odd.mkdir()
    for arguments in (["status"], ["config"], ["down"], ["status", "-o", "json"]):
        (odd / "tasks.py").touch()
        done = project.run(*arguments, cwd=odd, env={"PYTHONIOENCODING": "ascii"})
        assert done.code in (0, 5) and "Traceback" not in done.err, done.err
        assert done.out.isascii()
    assert done.document["project"] == str(odd)


def test_subdirectory_belongs_to_the_project(running: Sandbox) -> None:
    """From a subdirectory the same cluster is seen, and no state is made there."""
    below = running.path / "src" / "deep"
    below.mkdir(parents=True)
    found = running.run("up", "-o", "json", cwd=below).document
    assert found["project"] == str(running.path)
    assert {s["name"]: s["pid"] for s in found["services"]} == running.pids()
    assert list(below.iterdir()) == []


def test_symbolic_link_to_the_project_is_the_project(running: Sandbox) -> None:
    """Through a symbolic link the same cluster is seen."""
    link = running.path.parent / "link"
    link.symlink_to(running.path)
    assert running.run("status", "-o", "json", cwd=link).document["state"] == "ready"


@pytest.mark.release
def test_two_checkouts_are_two_clusters(new_project: Callable[..., Sandbox]) -> None:
    """Two projects run side by side on ports of their own, and one's `down` is not the other's."""
    one, other = new_project("one"), new_project("other")
    starts = [sandbox.begin("up", "-o", "json") for sandbox in (one, other)]
    for start in starts:
        out, err = start.communicate(timeout=90)
        assert start.returncode == 0, out + err
    assert one.up()["bootstrap_servers"] != other.up()["bootstrap_servers"]
    assert one.up()["cluster_id"] != other.up()["cluster_id"]
    assert one.run("topic.create", "mine").code == 0
    assert "mine" not in other.topics()
    pids = other.pids()
    assert one.run("down", "--wipe", "--yes").code == 0
    assert other.pids() == pids
    assert other.run("status").code == 0


@pytest.mark.release
def test_home_that_cannot_be_written(project: Sandbox) -> None:
    """With a warm cache elsewhere, a home that cannot be written is no obstacle."""
    project.environ |= {"HOME": NOWHERE}
    del project.environ["XDG_STATE_HOME"]
    project.up()
    assert project.run("topic").code == 0
    listed = project.run("list", "-o", "json").document["clusters"]
    assert str(project.path) in [entry["project"] for entry in listed]
    assert project.run("down").code == 0


def test_home_that_cannot_be_written_and_no_cache(project: Sandbox) -> None:
    """Without a cache anywhere it is said that there is no place for one, and how to give one."""
    project.environ["HOME"] = NOWHERE
    del project.environ["KAFKA_TASKS_CACHE"]
    project.environ.pop("XDG_CACHE_HOME", None)
    project.run("up").refused(4, f"{NOWHERE}/.cache", "KAFKA_TASKS_CACHE")
    assert project.processes() == {}


@pytest.mark.parametrize("kind", ["file", "link into nowhere", "link to the kernel's"])
def test_state_directory_that_cannot_be_written(project: Sandbox, kind: str) -> None:
    """Where no state can be kept, `up` exits 4 with the path, and other verbs say no more."""
    state = project.path / ".kafka-tasks"
    if kind == "file":
        state.write_text("mine")
    else:
        state.symlink_to(NOWHERE if "nowhere" in kind else "/proc/sys")
    project.run("up").refused(4, str(state), "cannot be written")
    assert project.run("up", "-o", "json").error["code"] == "machine"
    assert project.run("status").code == 5
    project.run("topic").refused(5, "No cluster is running")
    assert project.processes() == {}
    state.unlink()


def test_a_directory_in_the_place_of_the_record_is_set_aside(project: Sandbox) -> None:
    """Like a damaged one, with all that is in it."""
    below = project.path / ".kafka-tasks" / "state.json" / "below"
    below.mkdir(parents=True)
    assert project.run("status").code == 5
    done = project.run("up")
    assert done.code == 0, done.err
    assert "it was moved to" in done.err
    assert (project.path / ".kafka-tasks" / "state.json.corrupt" / "below").is_dir()


@pytest.mark.parametrize("name", ["logs", "conf", "data"])
def test_part_of_the_state_that_is_in_the_way(project: Sandbox, name: str) -> None:
    """Something else in the place of a part of the state is an error in words, and nothing runs."""
    state = project.path / ".kafka-tasks"
    state.mkdir()
    (state / name).write_text("mine")
    project.run("up").refused(4, str(state), "cannot be written")
    assert project.processes() == {}
    shutil.rmtree(state)


def mounting(size: str, at: Path, *command: str) -> list[str] | None:
    """A command that runs with a small disk of its own at `at`, or None where nobody may mount."""
    own = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    script = 'mount -t tmpfs -o "size=$1" none "$2" && shift 2 && cd "$0" && exec "$@"'
    shell = [*own, "sh", "-c", script, str(at), size, str(at)]
    try:
        works = subprocess.run([*shell, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        works = False
    return [*shell, *command] if works else None


def test_full_disk(project: Sandbox) -> None:
    """On a full disk `up` exits 4 with how much is left and how much it takes; nothing runs.

    Where nobody may mount a small disk, a limit on the size of files stands in for it.
    """
    command = mounting("8m", project.path, str(COMMAND))
    if command is None:
        command = ["sh", "-c", 'ulimit -f 0; exec "$0" "$@"', str(COMMAND)]
        done = project.run("up", command=tuple(command))
    else:
        done = project.run("up", command=tuple(command))
        assert "The disk of " in done.err
    done.refused(4, str(project.path))
    assert project.processes() == {}


def test_disk_that_is_full_to_the_last_byte(project: Sandbox) -> None:
    """Where not even the state directory fits, that is one sentence too."""
    done = project.run("up", command=("sh", "-c", 'ulimit -f 0; exec "$0" "$@"', str(COMMAND)))
    done.refused(4, str(project.path))
    assert project.processes() == {}


def test_deleted_current_directory(project: Sandbox) -> None:
    """From a directory that has been deleted, the command says so."""
    gone = project.path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && exec "$0" status'
    done = project.run(command=("sh", "-c", script, str(COMMAND), str(gone)))
    done.refused(4, "deleted")


@pytest.mark.release
def test_cache_and_java_by_relative_paths(project: Sandbox, own_cache: Path) -> None:
    """A cache and a Java given relative to the project are found by the servers too."""
    java = json.loads(project.run("config", "-o", "json").out)["java"]
    (project.path / "jre").symlink_to(java["home"])
    project.environ["KAFKA_TASKS_JAVA_HOME"] = "jre"
    project.environ["KAFKA_TASKS_CACHE"] = "../cache"
    below = project.path / "below"
    below.mkdir()
    (project.path / "tasks.py").touch()
    done = project.run("up", cwd=below)
    assert done.code == 0, done.err
