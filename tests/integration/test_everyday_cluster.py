"""Up, down, restart, status, list, wait, logs, config, env on one real cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from conftest import Sandbox

LAYERS = ["process", "process", "zookeeper", "broker", "cluster", "advertised"]


def test_up_is_ready_with_addresses_timeline_and_pids(running: Sandbox) -> None:
    """The document of `up` on a ready cluster has what the contract lists."""
    found = running.up()
    assert found["project"] == str(running.path)
    assert found["runtime"] == "embedded"
    assert found["kafka_version"] == "3.9.1"
    assert len(found["cluster_id"]) == 22
    assert [mark["layer"] for mark in found["timeline"]] == LAYERS
    assert [service["name"] for service in found["services"]] == ["zookeeper", "kafka"]
    assert {s["name"]: s["pid"] for s in found["services"]} == running.pids()
    assert {service["state"] for service in found["services"]} == {"ready"}
    assert found["bootstrap_servers"] == found["services"][1]["address"]
    assert found["zookeeper"] == found["services"][0]["address"]


def test_second_up_changes_nothing(running: Sandbox) -> None:
    """`up` on a ready cluster says so and leaves processes and record as they are."""
    pids, record = running.pids(), running.state_file.read_bytes()
    done = running.run("up")
    assert done.code == 0
    assert "Already ready, nothing changed" in done.out
    assert running.pids() == pids
    assert running.state_file.read_bytes() == record


def test_servers_listen_on_loopback_alone(running: Sandbox) -> None:
    """No server of the cluster listens on an address that other machines can reach."""
    pids = set(running.pids().values())
    listening = [
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) == 2
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_state_is_private_and_ignored_by_git(running: Sandbox) -> None:
    """The state directory is its owner's alone and hides itself from git."""
    state = running.path / ".kafka-tasks"
    assert state.stat().st_mode & 0o077 == 0
    assert (state / ".gitignore").read_text() == "*\n"


def test_servers_are_detached_and_see_no_settings(running: Sandbox) -> None:
    """The servers are in sessions of their own and inherit no variable of ours."""
    for pid in running.pids().values():
        assert os.getsid(pid) == pid
        assert not [name for name in psutil.Process(pid).environ() if name.startswith("KAFKA_")]


def test_status_shows_each_service(running: Sandbox) -> None:
    """`status` of a ready cluster exits 0 and shows each service, as text and as JSON."""
    text = running.run("status")
    assert text.code == 0
    assert text.out.startswith("ready (embedded, ")
    assert str(running.pids()["kafka"]) in text.out
    found = running.run("status", "--output", "json").document
    assert found["state"] == "ready"
    assert {s["name"]: s["pid"] for s in found["services"]} == running.pids()
    assert all(service["uptime_s"] >= 0 for service in found["services"])


def test_yaml_is_the_same_document(running: Sandbox) -> None:
    """`--output yaml` says what `--output json` says."""
    import yaml

    found = yaml.safe_load(running.run("status", "-o", "yaml").out)
    assert found["services"] == [
        {**service, "uptime_s": found["services"][index]["uptime_s"]}
        for index, service in enumerate(running.run("status", "-o", "json").document["services"])
    ]


def test_list_shows_the_cluster(running: Sandbox) -> None:
    """`list`, from any directory, shows project, state and ports."""
    shown = running.run("list", "-o", "json", cwd=running.path.parent).document["clusters"]
    (mine,) = [entry for entry in shown if entry["project"] == str(running.path)]
    status = running.run("status", "-o", "json").document
    for key in ("runtime", "state", "bootstrap_servers", "zookeeper"):
        assert mine[key] == status[key]
    assert str(running.path) in running.run("list").out


def test_wait_on_a_ready_cluster_returns(running: Sandbox) -> None:
    """`wait` on a ready cluster exits 0 with the same document as `up`."""
    done = running.run("wait", "-o", "json")
    assert done.code == 0
    assert done.document["state"] == "ready"
    assert [mark["layer"] for mark in done.document["timeline"]] == LAYERS


def test_logs_of_each_service(running: Sandbox) -> None:
    """`logs` shows both services, one on demand, and as many lines as asked for."""
    both = running.run("logs")
    assert both.code == 0
    assert "zookeeper | " in both.out and "kafka     | " in both.out
    one = running.run("logs", "--service", "kafka", "--tail", "3")
    assert one.out.count("\n") == 3
    found = running.run("logs", "--tail", "2", "-o", "json").document["logs"]
    assert {name: len(lines) for name, lines in found.items()} == {"zookeeper": 2, "kafka": 2}


def test_logs_refuse_what_is_not_there(running: Sandbox) -> None:
    """An unknown service and a bad number of lines are invalid input."""
    for follow in ((), ("--follow",)):
        unknown = running.run("logs", "--service", "kafka-7", *follow)
        unknown.refused(3, "kafka-7", "zookeeper, kafka")
    running.run("logs", "--tail", "abc").refused(3, "--tail", "abc")
    running.run("logs", "--tail=-1").refused(3, "--tail")


def test_following_logs_ends_with_ctrl_c(running: Sandbox, until: Callable[..., object]) -> None:
    """`logs --follow` shows new lines as they come, until Ctrl-C, which is no error."""
    process = running.begin("logs", "--follow", "--service", "kafka", "--tail", "1")
    assert process.stdout is not None
    process.stdout.readline()
    running.run("topic.create", "followed")
    assert until(lambda: "followed" in process.stdout.readline(), "a line on the new topic")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert running.run("topic.delete", "followed", "--yes").code == 0


def test_config_shows_value_and_origin(running: Sandbox) -> None:
    """`config` says which value is in effect and where it came from, and which Java is used."""
    (running.path / ".env").write_text("# mine\nKAFKA_TASKS_HEAP=300m\n")
    try:
        found = running.run("config", "-o", "json").document
        text = running.run("config").out
    finally:
        (running.path / ".env").unlink()
    settings = {entry["name"]: entry for entry in found["settings"]}
    assert settings["KAFKA_TASKS_HEAP"]["value"] == "300m"
    assert settings["KAFKA_TASKS_HEAP"]["place"] == ".env:2"
    assert settings["KAFKA_TASKS_PORT"]["origin"] == "environment"
    assert settings["KAFKA_TASKS_TIMEOUT"]["origin"] == "default"
    assert found["java"]["home"] and found["java"]["why"]
    assert "KAFKA_TASKS_HEAP" in text and ".env:2" in text


@pytest.mark.parametrize("form", ["env", "properties", "json", "python"])
def test_env_in_every_form(running: Sandbox, form: str) -> None:
    """`env` prints the addresses in each form that a client reads."""
    import json

    status = running.run("status", "-o", "json").document
    done = running.run("env", "--format", form)
    assert done.code == 0
    assert status["bootstrap_servers"] in done.out
    if form == "env":
        assert f"ZOOKEEPER_CONNECT={status['zookeeper']}" in done.out
    if form == "json":
        assert json.loads(done.out)["bootstrap.servers"] == status["bootstrap_servers"]
    if form == "python":
        names: dict[str, object] = {}
        exec(done.out, names)
        assert names["config"] == {"bootstrap.servers": status["bootstrap_servers"]}


def test_env_refuses_an_unknown_form(running: Sandbox) -> None:
    """An unknown form is invalid input that names the known ones."""
    running.run("env", "--format", "toml").refused(3, "toml", "properties")


def test_other_settings_on_a_running_cluster_are_refused(running: Sandbox) -> None:
    """`up` with settings that the running cluster does not have says which, and changes nothing."""
    pids = running.pids()
    done = running.run("up", env={"KAFKA_TASKS_HEAP": "600m"})
    done.refused(3, "KAFKA_TASKS_HEAP is 600m", "512m", "kafka.down")
    running.run("up", "--brokers", "2").refused(3, "KAFKA_TASKS_BROKERS is 2")
    assert running.pids() == pids


def test_dry_run_changes_nothing(running: Sandbox) -> None:
    """`--dry` says what would happen and leaves cluster and record alone."""
    pids, record = running.pids(), running.state_file.read_bytes()
    for arguments, words in (
        (["up"], "would change nothing"),
        (["down"], "would stop"),
        (["down", "--wipe"], "would delete"),
        (["restart"], "would restart zookeeper, kafka"),
        (["restart", "--service", "kafka"], "would restart kafka"),
        (["pull"], "would fetch"),
    ):
        done = running.run(*arguments, "--dry")
        assert (done.code, words in done.out) == (0, True), (arguments, done)
        assert running.run(*arguments, "--dry", "-o", "json").document["dry"] is True
    assert running.pids() == pids
    assert running.state_file.read_bytes() == record


def test_wipe_is_refused_without_confirmation(running: Sandbox) -> None:
    """`down --wipe` without a terminal and without --yes deletes and stops nothing."""
    pids = running.pids()
    running.run("down", "--wipe").refused(6, "--yes")
    assert running.run("down", "--wipe", "-o", "json").error["code"] == "refused"
    assert running.pids() == pids


def test_restart_keeps_topics_and_cluster_id(running: Sandbox) -> None:
    """`restart` gives new processes, the same cluster, the same ports, and the data."""
    assert running.run("topic").code == 0
    before, pids = running.up(), running.pids()
    done = running.run("restart", "-o", "json")
    assert done.code == 0, done.out + done.err
    after = done.document
    assert after["changed"] is True
    for key in ("cluster_id", "bootstrap_servers", "zookeeper"):
        assert after[key] == before[key]
    assert not set(pids.values()) & set(running.pids().values())
    assert "test-topic" in running.topics()


@pytest.mark.parametrize("service", ["zookeeper", "kafka"])
def test_restart_of_one_service_leaves_the_other(running: Sandbox, service: str) -> None:
    """`restart --service` gives that service a new process and leaves the other alone."""
    before = running.pids()
    done = running.run("restart", "--service", service)
    assert done.code == 0, done.out + done.err
    after = running.pids()
    assert [name for name in before if before[name] != after[name]] == [service]


def test_restart_of_an_unknown_service_is_refused(running: Sandbox) -> None:
    """A service that is not there is invalid input that names those that are."""
    pids = running.pids()
    running.run("restart", "--service", "nope").refused(3, "nope", "zookeeper, kafka")
    assert running.run("restart", "--service", "nope", "-o", "json").error["code"] == "invalid"
    assert running.pids() == pids


def test_life_of_a_cluster_from_nothing_to_wiped(project: Sandbox) -> None:
    """Nothing, dry, up, down, up with the data kept, wiped: each step says the truth."""
    assert project.run("up", "--dry").out.startswith("would start zookeeper, kafka")
    assert project.run("down").out == "Nothing was running.\n"
    assert list(project.path.iterdir()) == []
    stopped = project.run("status", "-o", "json")
    assert (stopped.code, stopped.document["state"]) == (5, "stopped")
    assert project.run("wait", "--timeout", "0.3", "-o", "json").error["code"] == "not-ready"
    project.run("topic").refused(5, "No cluster is running", "invoke kafka.up")
    assert "no logs" in project.run("logs").out

    first = project.up()
    assert project.run("topic.create", "kept").code == 0
    down = project.run("down", "-o", "json")
    assert down.document["stopped"] == ["kafka", "zookeeper"]
    assert project.processes() == {}
    assert project.run("status", "-o", "json").document["state"] == "stopped"
    listed = project.run("list", "-o", "json").document["clusters"]
    assert [c["state"] for c in listed if c["project"] == str(project.path)] == ["stopped"]

    second = project.up()
    assert second["cluster_id"] == first["cluster_id"]
    assert second["bootstrap_servers"] == first["bootstrap_servers"]
    assert "kept" in project.topics()
    wiped = project.run("down", "--wipe", "--yes", "-o", "json")
    assert wiped.document == {"schema": 1, "stopped": ["kafka", "zookeeper"], "wiped": True}
    assert not (project.path / ".kafka-tasks" / "data").exists()
    listed = project.run("list", "-o", "json").document["clusters"]
    assert str(project.path) not in [entry["project"] for entry in listed]


def test_ports_are_not_invented_before_a_start(project: Sandbox) -> None:
    """With ports on `auto` and no start yet, no address is claimed."""
    assert project.run("status", "-o", "json").document["bootstrap_servers"] is None
    project.run("env").refused(5, "auto", "invoke kafka.up")


def test_wait_follows_a_start_elsewhere(project: Sandbox) -> None:
    """`wait` that began before anything ran returns when another command's start is ready."""
    waiting = project.begin("wait", "-o", "json")
    project.up()
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert '"state": "ready"' in out


def test_timeout_of_a_start_is_an_error_that_leaves_nothing(project: Sandbox) -> None:
    """A start that is not ready in time exits 5, names the layer, and stops what it started."""
    done = project.run("up", "--timeout", "0.2", "-o", "json")
    assert done.error["code"] == "not-ready"
    assert "layer" in done.error["message"]
    assert "stopping again: zookeeper, kafka" in done.err
    assert project.processes() == {}
