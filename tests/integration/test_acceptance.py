"""The acceptance suite on real clusters: it passes where it should, and fails where it should."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import psutil
import pytest

from kafka_tasks.acceptance.criteria import CRITERIA

if TYPE_CHECKING:
    from tests.integration.conftest import Done, Sandbox

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--pyargs")
FULL_RUN = (sys.executable, "-m", "kafka_tasks.acceptance")
OWN = "kafka-tasks-acceptance-"
VERIFIED = [each.id for each in CRITERIA if each.phase == "verify" and each.applies("zookeeper")]

BROKEN_OFF = """
from kafka_tasks.acceptance import suite
from kafka_tasks.acceptance.readiness import current_session
from kafka_tasks.clients import processes
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka import changes
from kafka_tasks.clients.kafka.changes import NewTopicRequest

def broken_off(arguments, *, cwd, **_):
    config = open(arguments[arguments.index("-c") + 1]).read()
    run = config.rpartition("= ")[2].strip()
    session = current_session()
    with Admin(session.cluster()) as admin:
        for name in (run + "-1", run + "-2", "of-another-run-1"):
            new = NewTopicRequest("kafka-tasks-acceptance-" + name, 1, 1)
            changes.require(changes.create(admin, [new]))
    raise KeyboardInterrupt

processes.run = broken_off
suite.verify(current_session())
"""


def results(done: Done) -> dict[str, str]:
    """Criterion to result, from the document of `verify`."""
    return {entry["id"]: entry["result"] for entry in done.document["criteria"]}


def test_verify_passes_and_leaves_no_topic(running: Sandbox) -> None:
    """On a healthy cluster every criterion that needs no restart holds, twice in a row."""
    before = running.topics()
    done = running.run("verify", "-o", "json")
    assert done.code == 0, done.out + done.err
    assert done.document["passed"] is True
    assert results(done) == dict.fromkeys(VERIFIED, "passed")
    assert running.topics() == before
    shown = running.run("verify").out
    assert f"{len(VERIFIED)} of {len(VERIFIED)} criteria passed" in shown
    assert running.topics() == before


@pytest.fixture
def own_tests(running: Sandbox) -> Iterator[Sandbox]:
    """The project has a pytest configuration, a conftest and modules that break every run."""
    texts = {
        "pytest.ini": "[pytest]\naddopts = --nonsense\n",
        "conftest.py": "raise RuntimeError('not for the suite')\n",
        "json.py": "raise RuntimeError('not for the suite')\n",
    }
    for name, text in texts.items():
        (running.path / name).write_text(text)
    yield running
    for name in texts:
        (running.path / name).unlink()


@pytest.mark.release
def test_verify_is_not_disturbed_by_the_project(own_tests: Sandbox) -> None:
    """The project's own pytest configuration, conftest, plugins and modules have no effect."""
    env: dict[str, str | None] = {
        "PYTEST_ADDOPTS": "--nonsense",
        "PYTEST_PLUGINS": "no_such_plugin",
    }
    done = own_tests.run("verify", "-o", "json", env=env)
    assert done.code == 0, done.out + done.err
    assert results(done) == dict.fromkeys(VERIFIED, "passed")


def test_verify_works_on_a_cluster_of_somebody_else(
    running: Sandbox, new_project: Callable[..., Sandbox]
) -> None:
    """Attached, what only a coordinator tells is skipped in words, and the rest holds."""
    guest = new_project("guest")
    guest.environ["KAFKA_TASKS_RUNTIME"] = "remote"
    guest.environ["KAFKA_TASKS_BOOTSTRAP_SERVERS"] = running.up()["bootstrap_servers"]
    done = guest.run("verify", "-o", "json")
    assert done.code == 0, done.out + done.err
    skipped = {"zookeeper-running", "zookeeper-reachable", "services-connected"}
    assert results(done) == {id_: "skipped" if id_ in skipped else "passed" for id_ in VERIFIED}
    messages = {entry["message"] for entry in done.document["criteria"] if entry["message"]}
    assert messages == {"what coordinates a remote cluster is unknown"}


def test_a_run_that_is_broken_off_leaves_no_topic(running: Sandbox) -> None:
    """After Ctrl-C the topics of that run are deleted, and those of another run are not."""
    done = running.run("-c", BROKEN_OFF, command=(sys.executable,))
    assert done.code != 0 and "KeyboardInterrupt" in done.err
    left = [name for name in running.topics() if name.startswith(OWN)]
    assert left == [f"{OWN}of-another-run-1"]
    assert running.run("topic.delete", left[0], "--yes").code == 0


def test_verify_of_a_cluster_that_is_not_ready(project: Sandbox) -> None:
    """Never started, or with a killed broker: exit 5, a sentence and a hint, no test failures."""
    project.run("verify").refused(5, "No cluster is running", "invoke kafka.up")
    by_hand = project.run("kafka_tasks.acceptance", command=PYTEST)
    assert by_hand.code == 5 and "No cluster is running" in by_hand.out + by_hand.err
    project.up()
    project.kill("kafka")
    project.run("verify").refused(5, "degraded", "layer process", "invoke kafka.up")
    assert project.run("verify", "-o", "json").error["code"] == "not-ready"


def planted_by_hand(sandbox: Sandbox) -> dict[str, Any]:
    """Run `before_restart`; returns the ledger."""
    done = sandbox.run("kafka_tasks.acceptance.before_restart", command=PYTEST)
    assert done.code == 0, done.out
    return dict(json.loads((sandbox.path / ".kafka-tasks/acceptance.json").read_bytes()))


def looked_for(sandbox: Sandbox) -> tuple[int, set[str], str]:
    """Run `after_restart`; returns the exit code, the criteria that failed, and the output."""
    xml = sandbox.path / "after.xml"
    target = ("kafka_tasks.acceptance.after_restart", f"--junitxml={xml}")
    done = sandbox.run(*target, command=PYTEST)
    failed = set()
    for case in ElementTree.parse(xml).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            values = (entry.get("value", "") for entry in case.iter("property"))
            failed |= set(values)
    return done.code, failed, done.out


@pytest.mark.release
def test_what_was_planted_is_gone_after_it_was_found(running: Sandbox) -> None:
    """Records, offsets, cluster id and test-topic survive; then all that was planted is gone."""
    assert running.run("reset", "--yes").code == 0
    planted = planted_by_hand(running)
    assert sum(planted["counts"].values()) == 10_000
    assert running.run("restart").code == 0
    code, failed, out = looked_for(running)
    assert (code, failed) == (0, set()), out
    assert running.topics() == []
    assert not (running.path / ".kafka-tasks/acceptance.json").exists()
    code, failed, out = looked_for(running)
    assert code == 1 and "has no data to check" in out


@pytest.mark.release
def test_a_cluster_that_was_not_restarted_proves_nothing(running: Sandbox) -> None:
    """Without a restart in between the suite fails, and says of which services."""
    assert running.run("reset", "--yes").code == 0
    assert running.run("topic").code == 0
    planted_by_hand(running)
    assert running.run("restart", "--service", "kafka").code == 0
    code, failed, out = looked_for(running)
    assert (code, failed) == (1, {"restarted"})
    assert "zookeeper was not restarted" in out
    assert running.topics() == ["test-topic"], "a test-topic that was there before is kept"


@pytest.mark.release
def test_lost_data_is_noticed(project: Sandbox) -> None:
    """A cluster whose data was wiped in between fails in everything that was to survive."""
    project.up()
    planted_by_hand(project)
    assert project.run("down", "--wipe", "--yes").code == 0
    project.up()
    code, failed, _ = looked_for(project)
    assert code == 1
    assert failed == {"cluster-id-kept", "test-topic-kept", "records-kept", "offset-kept"}


@pytest.mark.release
def test_changed_records_are_noticed(running: Sandbox) -> None:
    """One record that is not the one that was sent is found among the 10,000."""
    planted = planted_by_hand(running)
    ledger = running.path / ".kafka-tasks/acceptance.json"
    planted["digests"]["1"] = planted["digests"]["0"]
    planted["committed"]["2"] += 1
    ledger.write_text(json.dumps(planted))
    assert running.run("restart").code == 0
    code, failed, out = looked_for(running)
    assert (code, failed) == (1, {"records-kept", "offset-kept"})
    assert "partition 1 " in out


@pytest.fixture
def scratch(project: Sandbox, tmp_path: Path) -> Path:
    """Where a full run makes its project; nothing may be left in it."""
    path = tmp_path.resolve() / "scratch"
    path.mkdir()
    project.environ["TMPDIR"] = str(path)
    return path


def left_behind(scratch: Path) -> list[object]:
    """Files and servers of a full run that are still there."""
    found: list[object] = list(scratch.iterdir())
    for process in psutil.process_iter(["cmdline"]):
        arguments = process.info["cmdline"] or []
        found += [process for argument in arguments if f"project={scratch}" in argument]
    return found


def reported(sandbox: Sandbox) -> dict[str, Any]:
    """The report of a full run."""
    return dict(json.loads((sandbox.path / "out/report.json").read_bytes()))


def test_full_run_that_fails_says_why_and_leaves_nothing(project: Sandbox, scratch: Path) -> None:
    """A broker that cannot start: the exit code of that, its log on screen and in the report."""
    properties = project.path / "broker.properties"
    properties.write_text("num.io.threads=many\n")
    project.environ["KAFKA_TASKS_BROKER_PROPERTIES"] = str(properties)
    files = ("--report=out/report.json", "--junit=out/junit.xml")
    done = project.run(*files, command=FULL_RUN)
    assert done.code == 5, done.out + done.err
    report = reported(project)
    assert report["passed"] is False and report["error"]["code"] == "died"
    assert "num.io.threads" in "\n".join(report["logs"]["kafka"])
    assert "num.io.threads" in done.out and "Acceptance FAILED" in done.out
    tree = ElementTree.parse(project.path / "out/junit.xml")
    assert [case.find("error") is not None for case in tree.iter("testcase")] == [True]
    assert left_behind(scratch) == []


BROKEN = """
message.max.bytes=500000
group.min.session.timeout.ms=300000
transaction.max.timeout.ms=1000
"""


@pytest.mark.release
def test_what_is_broken_fails_alone_and_by_its_name(project: Sandbox) -> None:
    """Large records, native codecs, groups and transactions that the broker does not take."""
    properties = project.path / "broker.properties"
    properties.write_text(BROKEN)
    project.environ["KAFKA_TASKS_BROKER_PROPERTIES"] = str(properties)
    project.up()
    # The broker unpacks native libraries here when it needs them first.
    unpacked = project.path / ".kafka-tasks/run/kafka.tmp"
    unpacked.rmdir()
    unpacked.write_text("no directory")
    done = project.run("verify", "-o", "json")
    assert done.code == 1, done.out + done.err
    assert done.document["passed"] is False
    messages = {each["id"]: each["message"] for each in done.document["criteria"]}
    found = results(done)
    codecs = {"compression-snappy", "compression-zstd"}
    wanted = {"large-records", "group-resumes", "transaction", *codecs}
    assert {id_ for id_, result in found.items() if result == "failed"} == wanted
    assert "INVALID_SESSION_TIMEOUT" in messages["group-resumes"]
    assert "INVALID_TRANSACTION_TIMEOUT" in messages["transaction"]
    assert all(f"produce with {id_[12:]}" in messages[id_] for id_ in codecs)


@pytest.mark.release
def test_full_run_that_is_interrupted_leaves_nothing(project: Sandbox, scratch: Path) -> None:
    """Ctrl-C in the middle: exit 130, a report that says so, nothing left."""
    process = project.begin("--report=out/report.json", command=FULL_RUN)
    assert process.stdout is not None
    for line in process.stdout:
        if "criteria passed" in line:
            break
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    report = reported(project)
    assert report["passed"] is False and report["error"]["code"] == "interrupted"
    assert left_behind(scratch) == []
