from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Completed
from kafka_tasks.errors import EngineMissing, InvalidInput, MachineError
from kafka_tasks.runtimes.compose import command, plugin


class Commands:
    """Every command that was run, and what the next ones answer."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.environ: Mapping[str, str] | None = None
        self.answer = Completed(0, "")
        self.version: Completed | None = None

    def run(self, arguments: Sequence[str], **options: Any) -> Completed:
        """In place of a process."""
        self.calls.append(list(arguments))
        self.environ = options.get("environ")
        return self.version if self.version and "version" in arguments else self.answer


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """A machine with `docker` on its PATH."""
    found = Commands()
    monkeypatch.setattr(processes, "run", found.run)
    monkeypatch.setattr(plugin, "words", lambda: ("docker", "compose"))
    _on_path(monkeypatch, "docker")
    return found


def _on_path(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name in names else None)


def _project(**changes: Any) -> command.Project:
    fields: dict[str, Any] = {
        "name": "shop",
        "directory": Path("/some/shop"),
        "files": (Path("/some/shop/compose.yml"), Path("/some/over.yml")),
        "variables": {"KAFKA_TASKS_PORT": "9092"},
        "profiles": ("brokers-3",),
    }
    return command.Project(**{**fields, **changes})


# -- which Compose --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("2.26.1\n", (2, 26, 1)),
        ("v2.24.0", (2, 24, 0)),
        ("2.26.1-4", (2, 26, 1)),
        ("2.40.3+ds1-0ubuntu1", (2, 40, 3)),
        ("5.0.1", (5, 0, 1)),
        ("WARNING: a plugin is broken\n2.30.0", (2, 30, 0)),
    ],
)
def test_the_version_of_compose(commands: Commands, said: str, version: tuple[int, ...]) -> None:
    """However a distribution writes it."""
    commands.answer = Completed(0, said)
    assert command.require_compose() == version
    assert commands.calls == [["docker", "compose", "version", "--short"]]


def test_a_build_of_somebodys_own_is_taken(commands: Commands) -> None:
    """One that calls itself dev works, or says itself what it lacks."""
    commands.answer = Completed(0, "dev\n")
    assert command.require_compose() == command.OLDEST


@pytest.mark.parametrize("version", ["2.23.3", "2.3.0", "1.29.2"])
def test_a_compose_that_is_too_old(commands: Commands, version: str) -> None:
    """Found and needed version are in the sentence."""
    commands.answer = Completed(0, version)
    with pytest.raises(EngineMissing, match=f"Compose {version} is too old; 2.24 or newer"):
        command.require_compose()


def test_no_docker_command(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is run, and the runtime that needs none is named."""
    _on_path(monkeypatch)
    with pytest.raises(EngineMissing, match="no `docker` command") as caught:
        command.require_compose()
    assert commands.calls == []
    assert caught.value.exit_code == 4
    assert caught.value.hint is not None and "--runtime embedded" in caught.value.hint


def test_docker_without_compose(commands: Commands) -> None:
    """What the docker command said is the evidence."""
    commands.answer = Completed(1, "docker: 'compose' is not a docker command.\n")
    with pytest.raises(EngineMissing, match="without its compose plugin") as caught:
        command.require_compose()
    assert caught.value.evidence == ("docker: 'compose' is not a docker command.",)


def test_v1_alone_is_refused(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """docker-compose is not taken in place of the plugin."""
    _on_path(monkeypatch, "docker", "docker-compose")
    commands.answer = Completed(125, "unknown flag: --short")
    with pytest.raises(EngineMissing, match="Only docker-compose v1 is here"):
        command.require_compose()


# -- what it is told ------------------------------------------------------------------------------


def test_name_directory_and_files_are_always_given(commands: Commands) -> None:
    """Nothing is left to what Compose would guess from where it runs."""
    _project().run("ps", "--all")
    assert commands.calls == [
        [
            *("docker", "compose", "--ansi", "never", "--progress", "plain"),
            *("--project-name", "shop", "--project-directory", "/some/shop"),
            *("--file", "/some/shop/compose.yml", "--file", "/some/over.yml"),
            *("--profile", "brokers-3", "ps", "--all"),
        ]
    ]


def test_no_variable_of_the_caller_decides(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KAFKA_*, COMPOSE_* and the like stay outside; what Docker itself needs is handed on."""
    for name in (
        "KAFKA_PORT",
        "KAFKA_HEAP_OPTS",
        "KAFKA_TASKS_SASL_PASSWORD",
        "KAFKA_TASKS_PORT",
        "ZOOKEEPER_HEAP_OPTS",
        "COMPOSE_FILE",
        "COMPOSE_PROFILES",
        "COMPOSE_PROJECT_NAME",
        "BROKER_2_PORT",
    ):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    _project().run("ps")
    found = dict(commands.environ or {})
    assert [name for name, value in found.items() if value == "theirs"] == []
    assert found["KAFKA_TASKS_PORT"] == "9092"
    assert found["DOCKER_HOST"] == "unix:///run/user/1000/docker.sock"
    assert "PATH" in found


def test_replication_of_the_caller_does_not_decide(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided here wins over a variable of the same name."""
    monkeypatch.setenv("INTERNAL_MIN_ISR", "7")
    _project(variables={"INTERNAL_MIN_ISR": "1"}).run("ps")
    assert (commands.environ or {})["INTERNAL_MIN_ISR"] == "1"


def test_up_starts_the_named_services(commands: Commands) -> None:
    """In the background, without a bar for pulls that were done before."""
    _project().up(["zookeeper", "kafka"], timeout_s=60)
    assert commands.calls[0][-5:] == ["up", "--detach", "--quiet-pull", "zookeeper", "kafka"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"wipe": True, "at_once": True}, ["down", "--volumes", "--timeout", "0"]),
        ({"wipe": True}, ["down", "--volumes"]),
        ({"wipe": False}, ["down"]),
    ],
)
def test_down_reaches_every_profile(
    commands: Commands, asked: dict[str, bool], words: list[str]
) -> None:
    """A broker of an earlier, larger cluster is removed too; volumes only if asked for."""
    _project().down(**asked)
    (call,) = commands.calls
    assert call[call.index("--profile") :] == ["--profile", "*", *words]


def test_stop_keeps_the_containers(commands: Commands) -> None:
    """`stop` and the services, nothing else."""
    _project().stop(["kafka"])
    assert commands.calls[0][-2:] == ["stop", "kafka"]


def test_what_fails_is_exit_4_with_its_last_words(commands: Commands) -> None:
    """Exit code and the last five lines."""
    commands.answer = Completed(17, "\n".join(f"line {number}" for number in range(9)) + "\n")
    with pytest.raises(MachineError, match=r"docker compose stop failed \(exit code 17\)") as got:
        _project().stop(["kafka"])
    assert got.value.evidence == tuple(f"line {number}" for number in range(4, 9))


# -- the file as Compose reads it -----------------------------------------------------------------


@pytest.mark.parametrize(
    "before", ["", 'time="…" level=warning msg="the \\"X\\" variable is not set"\n', "a {b} c\n"]
)
def test_the_config_is_read_past_warnings(commands: Commands, before: str) -> None:
    """Compose warns before its document, with braces even."""
    document = {"services": {"kafka": {"environment": {"A": "{"}}}}
    commands.answer = Completed(0, before + json.dumps(document, indent=2) + "\na warning {\n")
    assert _project().config() == document
    assert commands.calls[0][-3:] == ["config", "--format", "json"]


def test_what_was_asked_ahead_is_not_asked_again(commands: Commands) -> None:
    """One answer for both; for other variables, another one."""
    commands.answer = Completed(0, '{"services": {}}')
    asked = _project(name="ahead")
    asked.ask_ahead()
    asked.ask_ahead()
    assert asked.config() == {"services": {}}
    assert len(commands.calls) == 1
    _project(name="ahead", variables={}).config()
    assert len(commands.calls) == 2


def test_what_fails_ahead_fails_where_it_is_asked_for(commands: Commands) -> None:
    """And the next time, Compose is asked again."""
    commands.version = Completed(0, "2.26.1")
    commands.answer = Completed(15, "services.kafka.ports must be a list\n")
    asked = _project(name="refused")
    asked.ask_ahead()
    for _ in range(2):
        with pytest.raises(InvalidInput, match=r"does not accept /some/shop/compose\.yml"):
            asked.config()
    assert [call[-1] for call in commands.calls] == ["json", "--short"] * 2


def test_a_file_that_compose_refuses(commands: Commands) -> None:
    """Exit 3, with Compose's own words and the command that shows them."""
    commands.version = Completed(0, "2.26.1")
    commands.answer = Completed(15, "services.kafka.ports must be a list\n")
    with pytest.raises(InvalidInput, match=r"does not accept /some/shop/compose\.yml") as caught:
        _project().config()
    assert caught.value.evidence == ("services.kafka.ports must be a list",)
    assert caught.value.hint == 'docker compose -f "/some/shop/compose.yml" config'


@pytest.mark.parametrize(
    ("version", "said"),
    [(Completed(0, "2.10.2"), "too old"), (Completed(1, "unknown command"), "without its compose")],
)
def test_a_compose_that_cannot_read_the_file(
    commands: Commands, version: Completed, said: str
) -> None:
    """The reason is the Compose that is here, and not the file."""
    commands.version = version
    commands.answer = Completed(15, "additional properties 'start_interval' not allowed\n")
    with pytest.raises(EngineMissing, match=said):
        _project().config()


def test_a_file_without_a_docker_command(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is run."""
    _on_path(monkeypatch)
    with pytest.raises(EngineMissing, match="no `docker` command"):
        _project().config()
    assert commands.calls == []


def test_a_container_is_removed_with_its_volumes(commands: Commands) -> None:
    """By its id, also while it runs."""
    command.remove_container("abc")
    assert commands.calls == [["docker", "rm", "--force", "--volumes", "abc"]]


def test_a_script_runs_with_the_volumes_of_a_container(commands: Commands) -> None:
    """As its user, without network, and not beside one that an interrupted call left."""
    command.run_beside("abc", "cp-kafka:7.9.6", "appuser", "shop-kafka-restore", "true", "/data")
    removed, run = commands.calls
    assert removed == ["docker", "rm", "--force", "--volumes", "shop-kafka-restore"]
    assert run[:3] == ["docker", "run", "--rm"]
    assert run[-6:] == ["bash", "cp-kafka:7.9.6", "-c", "true", "bash", "/data"]
    text = " ".join(run)
    for words in ("--network none", "--volumes-from abc", "--user appuser", "--pull never"):
        assert words in text


def test_a_script_that_fails_is_exit_4(commands: Commands) -> None:
    """With its last words."""
    commands.answer = Completed(1, "mv: cannot move\n")
    with pytest.raises(MachineError) as failed:
        command.run_beside("abc", "image", "", "name", "false")
    assert failed.value.evidence == ("mv: cannot move",)


def test_a_script_that_is_asked_cannot_write(commands: Commands) -> None:
    """Its lines come back, or None where it failed: there is nothing to be said about that."""
    commands.answer = Completed(0, "1\n2\n")
    assert command.ask_beside("abc", "image", "", "name", "true", "/data") == ["1", "2"]
    assert "--volumes-from abc:ro" in " ".join(commands.calls[-1])
    commands.answer = Completed(1, "bash: not found\n")
    assert command.ask_beside("abc", "image", "", "name", "true") is None


def test_create_starts_nothing(commands: Commands) -> None:
    """Containers and their volumes are made."""
    _project().create(["zookeeper", "kafka"])
    assert commands.calls[-1][-3:] == ["create", "zookeeper", "kafka"]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"services": null}',
        '{"services": {"kafka": {"ports": [5]}}}',
        '{"services": {"kafka": {"environment": ["A=1"]}}}',
        '{"services": ' + "[" * 100_000,
    ],
)
def test_what_is_no_config_is_exit_4(commands: Commands, said: str) -> None:
    """Another shape than Compose's own is said, and read no further."""
    commands.answer = Completed(0, said)
    with pytest.raises(MachineError, match="config printed what kafka-tasks cannot read"):
        _project().config()


def test_compose_is_asked_once_for_the_same(tmp_path: Path, commands: Commands) -> None:
    """It is asked again about a file that was written again, other variables, other profiles."""
    commands.answer = Completed(0, '{"services": {}}')
    file = tmp_path / "compose.yaml"
    file.write_text("services: {}")
    same = {"directory": tmp_path, "files": (file,)}
    others = (
        _project(**same),
        _project(**same, variables={"A": "2"}),
        _project(**same, profiles=("two",)),
        _project(directory=tmp_path, files=(file, tmp_path / "missing.yaml")),
    )
    for count, each in enumerate(others, start=1):
        for _ in range(2):
            assert each.config() == {"services": {}}
        assert len(commands.calls) == count
    others[0].config(profile="*")
    os.utime(file, ns=(1, 1))
    others[0].config()
    (tmp_path / ".env").write_text("A=3")
    others[0].config()
    assert len(commands.calls) == 7
