from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.testing import FakeRuntime
from tests.unit.recorded import cluster_record
from tests.unit.tasks.conftest import Run

CONTRACT = ["up", "down", "restart", "status", "list", "pull", "wait", "logs", "config", "env"]


def _alive(runtime: FakeRuntime) -> list[str]:
    return [service.name for service in runtime.observe().services if service.alive]


def test_the_tasks_of_the_contract_are_there(run: Run) -> None:
    """The listing has each lifecycle and topic task by its name."""
    listed = run("--list").out
    topics = ["topic.create", "topic.list", "topic.describe", "topic.delete"]
    for name in (*CONTRACT, "verify", *topics):
        assert f"  {name} " in listed, name


def test_up_prints_data_on_stdout_and_progress_on_stderr(run: Run, runtime: FakeRuntime) -> None:
    """Addresses for people, a line a layer beside them; a second run says that nothing changed."""
    ran = run("up")
    assert ran.code == 0
    assert ran.out.startswith("Ready after ")
    assert "bootstrap servers  localhost:9092" in ran.out
    assert "ok process" in ran.err and "\x1b" not in ran.err


def test_up_in_json_is_one_document(run: Run, runtime: FakeRuntime, project: Project) -> None:
    """The contract's keys, for a start and for a cluster that was ready already."""
    document = run("up -o json").document
    assert (document["schema"], document["state"]) == (1, "ready")
    assert document["project"] == str(project.path)
    assert [entry["name"] for entry in document["services"]] == ["zookeeper", "kafka"]
    assert document["changed"] is True
    assert run("up --output json").document["changed"] is False


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("up --brokers abc", "--brokers is 'abc'; allowed: a number from 1 to 9."),
        ("up --brokers 10", "--brokers is '10'"),
        ("up --timeout soon", "--timeout is 'soon'; allowed: seconds, more than 0."),
        ("up --timeout 0", "--timeout is '0'"),
        ("up --runtime docker", "--runtime is 'docker'; allowed: auto, embedded, compose or rem"),
        ("logs --tail many", "--tail is 'many', which is not a whole number."),
        ("logs --tail=-1", "--tail is '-1'; it starts at 0."),
        ("env --format xml", "--format is 'xml'; allowed: env, json, python, librdkafka, java, "),
        ("env --user alice", "--user is alice, but this cluster has no users of kafka-tasks."),
        ("up --secure no", "--secure is 'no'; allowed: none, tls, mtls, plain or scram."),
        ("up --acl", "--acl is true, but KAFKA_TASKS_SECURE is none: clients have no names"),
        ("up --san kafka.test", "--san is kafka.test, but KAFKA_TASKS_SECURE is none: only a secu"),
        ("up --secure --san=", "--san is ''; allowed: host names, such as kafka.test or *.kafka.t"),
        ("up --secure --san a --san *.b", "--san is 'a,*.b'; allowed: host names"),
    ],
)
def test_bad_flags_are_sentences(run: Run, runtime: FakeRuntime, line: str, said: str) -> None:
    """A flag that cannot be meant is exit 3, one sentence, and nothing happens."""
    ran = run(line)
    assert (ran.code, ran.out, runtime.calls) == (3, "", [])
    assert ran.err.startswith(f"Error: {said}")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("line", "document"),
    [
        ("up --brokers 2 --dry", {"start": ["zookeeper", "kafka", "kafka-2"]}),
        ("restart --dry", {"restart": ["zookeeper", "kafka"]}),
        ("down --dry", {"stop": [], "wipe": False}),
        ("down --wipe --dry", {"stop": [], "wipe": True}),
        ("pull --dry", {}),
    ],
)
def test_dry_does_nothing_and_says_what_it_would(
    run: Run, runtime: FakeRuntime, line: str, document: dict[str, Any]
) -> None:
    """--dry, before or after the task, changes nothing and is a document of its own."""
    ran = run(f"{line} -o json")
    assert ran.code == 0
    assert ran.document | {"schema": 1, "dry": True, **document} == ran.document
    assert "would" in run(line).out
    assert run(f"--dry {line.removesuffix(' --dry')}").code == 0
    assert runtime.calls == []


def test_dry_on_a_ready_cluster_says_so(ready: Run, runtime: FakeRuntime) -> None:
    """What runs need not be started; what would be stopped is named."""
    assert ready("up --dry").out.startswith("would change nothing: every service is running")
    assert ready("down --dry").out == "would stop zookeeper, kafka\n"
    assert runtime.calls == []


def test_dry_refuses_what_a_run_would_refuse(ready: Run, runtime: FakeRuntime) -> None:
    """A service that is not there cannot be restarted, and `--dry` says so."""
    for line in ("restart --service nope", "restart --service nope --dry"):
        ran = ready(f"{line} -o json")
        assert ran.code == 3, line
        assert "'nope'" in ran.document["error"]["message"]
    assert ready("restart --service kafka --dry -o json").document["restart"] == ["kafka"]
    assert runtime.calls == []


def test_down_stops_and_says_that_data_is_kept(ready: Run, runtime: FakeRuntime) -> None:
    """A second down has nothing to do, which is no failure."""
    assert ready("down").out == "Stopped kafka, zookeeper. Data kept.\n"
    again = ready("down")
    assert (again.code, again.out) == (0, "Nothing was running.\n")


def test_wipe_needs_a_yes(ready: Run, runtime: FakeRuntime) -> None:
    """Without a terminal and without --yes nothing is stopped or deleted: exit 6."""
    ran = ready("down --wipe -o json")
    assert (ran.code, ran.document["error"]["code"]) == (6, "refused")
    assert runtime.calls == [] and _alive(runtime) == ["zookeeper", "kafka"]
    assert ready("down --wipe --yes").out == "Stopped kafka, zookeeper. Data deleted.\n"
    assert runtime.calls == ["stop wipe"]


def test_status_is_0_only_when_ready(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped and degraded are exit 5, with a document all the same."""
    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", lambda *_, **__: "standalone")
    stopped = run("status -o json")
    assert (stopped.code, stopped.document["state"]) == (5, "stopped")
    assert run("status").out.splitlines()[-1] == "Hint: invoke kafka.up"
    run("up")
    assert run("status").code == 0
    runtime.kill("kafka")
    ran = run("status")
    assert ran.code == 5
    assert "layer process: kafka not running" in ran.out


def test_restart_of_one_service(ready: Run, runtime: FakeRuntime) -> None:
    """--service restarts that one; an unknown one is exit 3."""
    assert ready("restart --service kafka").code == 0
    assert runtime.calls[0] == "stop kafka"
    assert ready("restart --service nonsense").code == 3


def test_wait_without_a_cluster_is_5(run: Run, runtime: FakeRuntime) -> None:
    """Nothing is started, and the sentence says what to do."""
    ran = run("wait --timeout 2")
    assert ran.code == 5
    assert "nothing has been started" in ran.err and "Hint: invoke kafka.up" in ran.err
    assert runtime.calls == []


def test_logs_are_of_all_services_or_one(ready: Run) -> None:
    """Several services are told apart; --tail counts lines of each."""
    assert ready("logs --tail 2").out.splitlines() == [
        "zookeeper | z",
        "kafka     | two",
        "kafka     | three",
    ]
    assert ready("logs --service kafka --tail 1").out == "three\n"
    document = ready("logs --tail 1 -o json").document
    assert document == {"schema": 1, "logs": {"zookeeper": ["z"], "kafka": ["three"]}}


def test_env_is_what_a_client_needs(ready: Run) -> None:
    """The default is for a shell; JSON has the addresses."""
    assert ready("env").out.splitlines()[0] == "export KAFKA_BOOTSTRAP_SERVERS=localhost:9092"
    assert ready("env -o json").document["bootstrap_servers"] == "localhost:9092"


@pytest.mark.parametrize("flag", ["", " --show-secrets"])
def test_secrets_are_shown_only_on_demand(
    run: Run, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    """A password appears with --show-secrets and nowhere else."""
    monkeypatch.setenv("KAFKA_TASKS_BOOTSTRAP_SERVERS", "a.example:9092")
    monkeypatch.setenv("KAFKA_TASKS_SASL_PASSWORD", "hunter2")
    ran = run(f"env --format properties{flag}")
    assert ran.code == 0
    assert ("hunter2" in ran.out) == bool(flag)
    assert "hunter2" not in run("config").out + run("config -o json").out


def test_config_shows_where_values_come_from(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment, .env and the defaults are told apart."""
    (project.path / ".env").write_text("KAFKA_TASKS_HEAP=1g\n")
    monkeypatch.setenv("KAFKA_TASKS_TIMEOUT", "9")
    rows = {entry["name"]: entry for entry in run("config -o json").document["settings"]}
    assert rows["KAFKA_TASKS_HEAP"]["place"] == ".env:1"
    assert rows["KAFKA_TASKS_TIMEOUT"]["origin"] == "environment"
    assert rows["KAFKA_TASKS_LAUNCH"]["origin"] == "default"


def test_a_bad_setting_is_exit_3_in_every_task(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped variable is said by whatever task comes first."""
    monkeypatch.setenv("KAFKA_TASKS_PROT", "1")
    for line in ("up", "down", "restart", "status", "wait", "logs", "config", "env", "topic"):
        ran = run(f"{line} -o json")
        assert ran.code == 3, line
        assert ran.document["error"]["hint"] == "did you mean KAFKA_TASKS_PORT?"
    assert runtime.calls == []


def test_the_number_of_brokers_is_remembered(
    run: Run, runtime: FakeRuntime, project: Project
) -> None:
    """A cluster of three stays one of three without the flag."""
    state.write(project, cluster_record(runtime="fake", wanted="stopped", brokers=3))
    assert run("up --dry -o json").document["start"][-1] == "kafka-3"
    assert run("up --brokers 2 --dry -o json").document["start"][-1] == "kafka-2"


def test_list_shows_the_clusters_of_the_machine(
    ready: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with project, state and ports, whatever remote cluster it uses; none is in words."""
    other = Project(project.path.parent / "other")
    other.path.mkdir()
    for each in (project, other):
        each.make_state()
        state.write(each, cluster_record(runtime="embedded", wanted="running", brokers=1))
    (other.path / ".env").write_text("KAFKA_TASKS_CONTEXT=declared-there\n")
    monkeypatch.setattr(registry, "projects_here", lambda: iter([project, other]))
    rows = ready("list -o json").document["clusters"]
    assert [row["state"] for row in rows] == ["ready", "ready"]
    monkeypatch.setattr(registry, "projects_here", lambda: iter([project]))
    (found,) = ready("list -o json").document["clusters"]
    assert (found["project"], found["state"]) == (str(project.path), "ready")
    monkeypatch.setattr(registry, "projects_here", lambda: iter(()))
    assert ready("list").out.startswith("There is no cluster on this machine.")


def test_a_subdirectory_belongs_to_the_project(
    ready: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From below, the same cluster is seen."""
    deep = project.path / "src" / "pkg"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert ready("status -o json").document["project"] == str(project.path)
    assert not (deep / ".kafka-tasks").exists()


@pytest.mark.parametrize("line", ["up", "restart", "down", "down --wipe --yes"])
def test_a_remote_cluster_declines(
    run: Run, monkeypatch: pytest.MonkeyPatch, line: str, tmp_path: Path
) -> None:
    """What starts or stops is exit 3 in words."""
    monkeypatch.setenv("KAFKA_TASKS_BOOTSTRAP_SERVERS", "a.example:9092")
    ran = run(f"{line} -o json")
    assert ran.code == 3
    assert "is a remote cluster" in ran.document["error"]["message"]


@pytest.mark.parametrize(
    ("line", "named", "said"),
    [
        (
            "up --runtime embedded",
            None,
            "-- the embedded runtime, set by --runtime, wins over "
            "KAFKA_TASKS_BOOTSTRAP_SERVERS; later tasks use the remote cluster a.example:9092 "
            "unless KAFKA_TASKS_RUNTIME=embedded is set\n",
        ),
        (
            "up",
            "embedded",
            "-- the embedded runtime, set by KAFKA_TASKS_RUNTIME, wins over "
            "KAFKA_TASKS_BOOTSTRAP_SERVERS; later tasks use this local cluster, not the remote "
            "cluster a.example:9092\n",
        ),
    ],
)
def test_a_named_runtime_wins_over_a_remote_cluster_and_says_so(
    run: Run,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    named: str | None,
    said: str,
) -> None:
    """The notice says which cluster later tasks mean."""
    assert "wins over" not in run("up").err
    monkeypatch.delenv("KAFKA_TASKS_RUNTIME")
    if named:
        monkeypatch.setenv("KAFKA_TASKS_RUNTIME", named)
    monkeypatch.setenv("KAFKA_TASKS_BOOTSTRAP_SERVERS", "a.example:9092")
    ran = run(line)
    assert (ran.code, said in ran.err) == (0, True), ran.err
    assert run(f"{line} -o json").document["state"] == "ready"


def test_later_tasks_mean_the_cluster_that_the_notice_names(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the name they mean the remote cluster, with it in the environment the local one."""
    monkeypatch.setenv("KAFKA_TASKS_BOOTSTRAP_SERVERS", "a.example:9092")
    assert run("env -o json").document["bootstrap_servers"] == "a.example:9092"
    monkeypatch.setenv("KAFKA_TASKS_RUNTIME", "embedded")
    assert run("env -o json").document["bootstrap_servers"] == "localhost:9092"


def test_following_ends_where_every_log_does(ready: Run, runtime: FakeRuntime) -> None:
    """Each line once, with its service; a log that has no more lines keeps nobody waiting."""
    done = ready("logs --follow --tail 2")
    assert done.code == 0
    assert sorted(done.out.splitlines()) == [
        "kafka     | three",
        "kafka     | two",
        "zookeeper | z",
    ]
