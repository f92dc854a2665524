"""Up, down, restart, status, list, wait, logs, config, env on one real cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

LAYERS = ["process", "process", "zookeeper", "broker", "cluster", "advertised"]


def test_up_is_ready_with_addresses_timeline_and_pids(breakable: Sandbox) -> None:
    """The document of `up` on a ready cluster has what the contract lists."""
    found = breakable.up()
    assert found["project"] == str(breakable.path)
    assert found["runtime"] == "embedded"
    assert found["kafka_version"] == "3.9.2"
    assert len(found["cluster_id"]) == 22
    assert [mark["layer"] for mark in found["timeline"]] == LAYERS
    assert [service["name"] for service in found["services"]] == ["zookeeper", "kafka"]
    assert {s["name"]: s["pid"] for s in found["services"]} == breakable.pids()
    assert {service["state"] for service in found["services"]} == {"ready"}
    assert found["bootstrap_servers"] == found["services"][1]["address"]
    assert found["zookeeper"] == found["services"][0]["address"]


def test_threads_can_be_doubled_as_on_any_broker(
    breakable: Sandbox, until: Callable[..., Any]
) -> None:
    """A dynamic change at most doubles a number, so the numbers at the start are Kafka's."""
    names = ("num.io.threads", "num.network.threads", "log.cleaner.threads", "background.threads")
    admin = AdminClient({"bootstrap.servers": breakable.up()["bootstrap_servers"]})
    broker = ConfigResource(ConfigResource.Type.BROKER, "1")

    def configured() -> dict[str, int]:
        (answer,) = admin.describe_configs([broker]).values()
        return {
            name: int(entry.value) for name, entry in answer.result(15).items() if name in names
        }

    assert configured() == dict(zip(names, (8, 3, 1, 10), strict=True))
    for name, count in zip(names, (16, 6, 2, 20), strict=True):
        broker.add_incremental_config(
            ConfigEntry(name, str(count), incremental_operation=AlterConfigOpType.SET)
        )
    (changed,) = admin.incremental_alter_configs([broker]).values()
    changed.result(15)
    wanted = dict(zip(names, (16, 6, 2, 20), strict=True))
    until(lambda: configured() == wanted, "the broker has its new threads")


def test_second_up_changes_nothing(breakable: Sandbox) -> None:
    """`up` on a ready cluster says so and leaves processes and record as they are."""
    pids, record = breakable.pids(), breakable.state_file.read_bytes()
    done = breakable.run("up")
    assert done.code == 0
    assert "Already ready, nothing changed" in done.out
    assert breakable.pids() == pids
    assert breakable.state_file.read_bytes() == record


def test_servers_listen_on_loopback_alone(breakable: Sandbox) -> None:
    """No server of the cluster listens on an address that other machines can reach."""
    pids = set(breakable.pids().values())
    listening = [
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN and connection.laddr
    ]
    assert len(listening) == 2
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_state_is_private_and_ignored_by_git(breakable: Sandbox) -> None:
    """The state directory is its owner's alone and hides itself from git."""
    state = breakable.path / ".kafka-tasks"
    assert state.stat().st_mode & 0o077 == 0
    assert (state / ".gitignore").read_text() == "*\n"


def test_servers_are_detached_and_see_no_settings(breakable: Sandbox) -> None:
    """The servers are in sessions of their own and inherit no variable of ours."""
    for pid in breakable.pids().values():
        assert os.getsid(pid) == pid
        assert not [name for name in psutil.Process(pid).environ() if name.startswith("KAFKA_")]


def test_status_shows_each_service(breakable: Sandbox) -> None:
    """`status` of a ready cluster exits 0 and shows each service, as text and as JSON."""
    text = breakable.run("status")
    assert text.code == 0
    assert text.out.startswith("ready (embedded, ")
    assert str(breakable.pids()["kafka"]) in text.out
    found = breakable.run("status", "--output", "json").document
    assert found["state"] == "ready"
    assert {s["name"]: s["pid"] for s in found["services"]} == breakable.pids()
    assert all(service["uptime_s"] >= 0 for service in found["services"])


def test_yaml_is_the_same_document(breakable: Sandbox) -> None:
    """`--output yaml` says what `--output json` says."""
    import yaml

    found = yaml.safe_load(breakable.run("status", "-o", "yaml").out)
    assert found["services"] == [
        {**service, "uptime_s": found["services"][index]["uptime_s"]}
        for index, service in enumerate(breakable.run("status", "-o", "json").document["services"])
    ]


def test_list_shows_the_cluster(breakable: Sandbox) -> None:
    """`list`, from any directory, shows project, state and ports."""
    shown = breakable.run("list", "-o", "json", cwd=breakable.path.parent).document["clusters"]
    (mine,) = [entry for entry in shown if entry["project"] == str(breakable.path)]
    status = breakable.run("status", "-o", "json").document
    for key in ("runtime", "state", "bootstrap_servers", "zookeeper"):
        assert mine[key] == status[key]
    assert str(breakable.path) in breakable.run("list").out


def test_wait_on_a_ready_cluster_returns(breakable: Sandbox) -> None:
    """`wait` on a ready cluster exits 0 with the same document as `up`."""
    done = breakable.run("wait", "-o", "json")
    assert done.code == 0
    assert done.document["state"] == "ready"
    assert [mark["layer"] for mark in done.document["timeline"]] == LAYERS


def test_logs_of_each_service(breakable: Sandbox) -> None:
    """`logs` shows both services, one on demand, and as many lines as asked for."""
    both = breakable.run("logs")
    assert both.code == 0
    assert "zookeeper | " in both.out and "kafka     | " in both.out
    one = breakable.run("logs", "--service", "kafka", "--tail", "3")
    assert one.out.count("\n") == 3
    found = breakable.run("logs", "--tail", "2", "-o", "json").document["logs"]
    assert {name: len(lines) for name, lines in found.items()} == {"zookeeper": 2, "kafka": 2}


def test_logs_refuse_what_is_not_there(breakable: Sandbox) -> None:
    """An unknown service and a bad number of lines are invalid input."""
    for follow in ((), ("--follow",)):
        unknown = breakable.run("logs", "--service", "kafka-7", *follow)
        unknown.refused(3, "kafka-7", "zookeeper, kafka")
    breakable.run("logs", "--tail", "abc").refused(3, "--tail", "abc")
    breakable.run("logs", "--tail=-1").refused(3, "--tail")


def test_following_logs_ends_with_ctrl_c(breakable: Sandbox, until: Callable[..., object]) -> None:
    """`logs --follow` shows new lines as they come, until Ctrl-C, which is no error."""
    process = breakable.begin("logs", "--follow", "--service", "kafka", "--tail", "1")
    assert process.stdout is not None
    process.stdout.readline()
    breakable.run("topic.create", "followed")
    assert until(lambda: "followed" in process.stdout.readline(), "a line on the new topic")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert breakable.run("topic.delete", "followed", "--yes").code == 0


def test_config_shows_value_and_origin(breakable: Sandbox) -> None:
    """`config` says which value is in effect and where it came from, and which Java is used."""
    (breakable.path / ".env").write_text("# mine\nKAFKA_TASKS_HEAP=300m\n")
    try:
        found = breakable.run("config", "-o", "json").document
        text = breakable.run("config").out
    finally:
        (breakable.path / ".env").unlink()
    settings = {entry["name"]: entry for entry in found["settings"]}
    assert settings["KAFKA_TASKS_HEAP"]["value"] == "300m"
    assert settings["KAFKA_TASKS_HEAP"]["place"] == ".env:2"
    assert settings["KAFKA_TASKS_PORT"]["origin"] == "environment"
    assert settings["KAFKA_TASKS_TIMEOUT"]["origin"] == "default"
    assert found["java"]["home"] and found["java"]["why"]
    assert "KAFKA_TASKS_HEAP" in text and ".env:2" in text


@pytest.mark.parametrize("form", ["env", "properties", "json", "python"])
def test_env_in_every_form(breakable: Sandbox, form: str) -> None:
    """`env` prints the addresses in each form that a client reads."""
    import json

    status = breakable.run("status", "-o", "json").document
    done = breakable.run("env", "--format", form)
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


def test_env_refuses_an_unknown_form(breakable: Sandbox) -> None:
    """An unknown form is invalid input that names the known ones."""
    breakable.run("env", "--format", "toml").refused(3, "toml", "properties")


def test_other_settings_on_a_running_cluster_are_refused(breakable: Sandbox) -> None:
    """`up` with settings that the running cluster does not have says which, and changes nothing."""
    pids = breakable.pids()
    done = breakable.run("up", env={"KAFKA_TASKS_HEAP": "600m"})
    done.refused(3, "KAFKA_TASKS_HEAP is 600m", "512m", "kafka.down")
    breakable.run("up", "--brokers", "2").refused(3, "KAFKA_TASKS_BROKERS is 2")
    assert breakable.pids() == pids


def test_dry_run_changes_nothing(breakable: Sandbox) -> None:
    """`--dry` says what would happen and leaves cluster and record alone."""
    pids, record = breakable.pids(), breakable.state_file.read_bytes()
    for arguments, words in (
        (["up"], "would change nothing"),
        (["down"], "would stop"),
        (["down", "--wipe"], "would delete"),
        (["restart"], "would restart zookeeper, kafka"),
        (["restart", "--service", "kafka"], "would restart kafka"),
        (["pull"], "would fetch"),
    ):
        done = breakable.run(*arguments, "--dry")
        assert (done.code, words in done.out) == (0, True), (arguments, done)
        assert breakable.run(*arguments, "--dry", "-o", "json").document["dry"] is True
    assert breakable.pids() == pids
    assert breakable.state_file.read_bytes() == record


def test_wipe_is_refused_without_confirmation(breakable: Sandbox) -> None:
    """`down --wipe` without a terminal and without --yes deletes and stops nothing."""
    pids = breakable.pids()
    breakable.run("down", "--wipe").refused(6, "--yes")
    assert breakable.run("down", "--wipe", "-o", "json").error["code"] == "refused"
    assert breakable.pids() == pids


def test_restart_reports_the_cluster_that_it_was(breakable: Sandbox) -> None:
    """The document of `restart` has the same cluster at the same addresses, and new pids."""
    before = breakable.up()
    done = breakable.run("restart", "-o", "json")
    assert done.code == 0, done.out + done.err
    after = done.document
    assert after["changed"] is True
    for key in ("cluster_id", "bootstrap_servers", "zookeeper"):
        assert after[key] == before[key]
    assert {s["name"]: s["pid"] for s in after["services"]} == breakable.pids()


def test_restart_of_an_unknown_service_is_refused(breakable: Sandbox) -> None:
    """A service that is not there is invalid input that names those that are."""
    pids = breakable.pids()
    breakable.run("restart", "--service", "nope").refused(3, "nope", "zookeeper, kafka")
    assert breakable.run("restart", "--service", "nope", "-o", "json").error["code"] == "invalid"
    assert breakable.pids() == pids


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


def test_the_servers_unpack_libraries_in_the_project(running: Sandbox) -> None:
    """A /tmp that is mounted noexec would break snappy and zstd."""
    running.up()
    folders = [
        Path(word.partition("=")[2])
        for pid in running.pids().values()
        for word in psutil.Process(pid).cmdline()
        if word.startswith("-Djava.io.tmpdir=")
    ]
    assert len(folders) == len(running.pids())
    assert all(folder.is_relative_to(running.path / ".kafka-tasks") for folder in folders)
