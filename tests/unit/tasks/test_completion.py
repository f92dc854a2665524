from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from invoke.context import Context

from kafka_tasks.clients.kafka import admin as admin_module
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.clients.kafka.answers import ClusterView
from kafka_tasks.model.access import RIGHTS
from kafka_tasks.program import KafkaTasks
from kafka_tasks.project.directory import Project
from kafka_tasks.tasks import completion, kafka
from kafka_tasks.testing import FakeRuntime
from tests.unit.fakes import FakeAdmin
from tests.unit.tasks.conftest import Run

TOPICS = ["orders", "orders-eu", "payments"]
GROUPS = ["audit", "readers"]
USERS = ["alice", "bob"]
SNAPSHOTS = ["base", "before-upgrade"]


def _names(kind: str) -> Sequence[str]:
    return {
        "rights": RIGHTS,
        "contexts": ["staging"],
        "topics": TOPICS,
        "groups": GROUPS,
        "users": USERS,
        "snapshots": SNAPSHOTS,
    }[kind]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("topic.describe", TOPICS),
        ("topic.describe or", ["orders", "orders-eu"]),
        ("topic.describe orders", ["orders-eu"]),
        ("topic.describe nothing-like-it", []),
        ("topic.delete orders,pay", ["orders,payments"]),
        ("topic.delete --yes", TOPICS),
        ("topic.delete --yes pay", ["payments"]),
        ("topic.trim --before end", TOPICS),
        ("topic.alter", TOPICS),
        ("topic.list --name", TOPICS),
        ("topic --name pay", ["payments"]),
        ("produce", TOPICS),
        ("consume --from start pay", ["payments"]),
        ("group.describe", GROUPS),
        ("group.delete a", ["audit"]),
        ("group.reset re", ["readers"]),
        ("group.reset readers --to start --topic", TOPICS),
        ("group.reset readers --topic = pay", ["payments"]),
        ("context.show", ["staging"]),
        ("topic.list --context st", ["staging"]),
        ("user.delete", USERS),
        ("acl.grant al", ["alice"]),
        ("acl.grant alice re", ["read"]),
        ("acl.grant alice read pay", ["payments"]),
        ("acl.revoke alice read orders --group", GROUPS),
        ("acl.list --user b", ["bob"]),
        ("user.password --yes a", ["alice"]),
        ("snapshot.restore", SNAPSHOTS),
        ("snapshot.restore --yes bef", ["before-upgrade"]),
        ("snapshot.delete ba", ["base"]),
        ("topic.describe orders group.describe", GROUPS),
        ("--echo topic.describe pay", ["payments"]),
    ],
)
def test_names_stand_where_a_task_takes_them(typed: str, offered: list[str]) -> None:
    """Topics where a topic is expected, groups where a group is, after a comma too."""
    assert completion.fitting(typed.split(), kafka, _names) == offered


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "top",
        "topic.create",
        "topic.create new",
        "topic.describe payments",
        "topic.delete --ye",
        "topic.delete -",
        "up --brokers 3",
        "topic.validate",
        "snapshot.save",
    ],
)
def test_the_rest_is_invokes(typed: str) -> None:
    """Tasks, flags, and what follows a name that is complete."""
    assert completion.fitting(typed.split(), kafka, _names) is None


def test_every_name_that_completes_belongs_to_a_parameter() -> None:
    """A parameter that was renamed would silently complete no more."""
    for name in kafka.task_names:
        task = kafka[name]
        given = {str(a.attr_name or a.name) for a in task.get_arguments()}
        assert set(task.completes) <= given, name
        assert set(task.completes.values()) <= {
            "topics",
            "groups",
            "users",
            "rights",
            "contexts",
            "snapshots",
        }


def test_what_a_shell_would_expand_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody on a cluster can name a group, and bash runs $(…) in what it is offered."""
    there = ["good.one", "$(touch x)", "`x`", "a b", "a;b", "a\nb", ""]
    monkeypatch.setattr(completion, "_asked", lambda *_: there)
    assert completion.known("groups", Context()) == ["good.one"]


def test_what_goes_wrong_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """No error reaches the shell."""

    def fail(*_: Any) -> list[str]:
        raise RuntimeError

    monkeypatch.setattr(completion, "_asked", fail)
    assert completion.known("topics", Context()) == []


def test_a_cluster_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the patience there are no names."""
    hanging = threading.Event()
    monkeypatch.setattr(completion, "_asked", lambda *_: [str(hanging.wait(30))])
    monkeypatch.setattr(completion, "_ANSWER_S", 0.0)
    assert completion.known("topics", Context()) == []
    hanging.set()


@pytest.fixture
def cluster(
    project: Project, runtime: FakeRuntime, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> FakeAdmin:
    """A project with a running cluster of some topics and groups."""
    monkeypatch.chdir(project.path)
    seen = ClusterView("id", 1, {}, frozenset([*TOPICS, "__consumer_offsets"]))
    monkeypatch.setattr(FakeAdmin, "look", lambda *_: seen)
    monkeypatch.setattr(admin_module, "Admin", lambda *_, **__: admin)
    monkeypatch.setattr(group_admin, "names", lambda *_, **__: list(GROUPS))
    return admin


def _complete(*typed: str) -> None:
    program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
    with pytest.raises(SystemExit, match="0"):
        program.run(["kafka-tasks", "--complete", "--", *typed])


def test_a_stopped_cluster_has_no_names(
    cluster: FakeAdmin, runtime: FakeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said, asked or started."""
    _complete("kafka-tasks", "topic.describe")
    assert capsys.readouterr() == ("", "")
    assert "start" not in runtime.calls


def test_a_running_cluster_is_asked(
    ready: Run, cluster: FakeAdmin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its topics, but for Kafka's own, and its groups; by a path to the command as well."""
    capsys.readouterr()
    _complete("kafka-tasks", "topic.describe")
    assert capsys.readouterr().out.split() == TOPICS
    _complete(".venv/bin/kafka-tasks", "group.delete")
    assert capsys.readouterr().out.split() == GROUPS


def test_snapshots_need_no_cluster(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are files; drafts and what else lies there are not offered."""
    monkeypatch.chdir(project.path)
    _complete("kafka-tasks", "snapshot.restore")
    assert capsys.readouterr() == ("", "")
    folder = project.state / "snapshots"
    folder.mkdir()
    for name in ("base.tar.gz", "old.tar.gz", ".new.tar.gz.draft", "notes.txt"):
        (folder / name).touch()
    _complete("kafka-tasks", "snapshot.restore")
    assert capsys.readouterr().out.split() == ["base", "old"]
    _complete("kafka-tasks", "snapshot.delete", "o")
    assert capsys.readouterr().out.split() == ["old"]


def test_zsh_has_a_script_of_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Invoke's finds no command with a hyphen in its name; bash and fish have Invoke's."""
    for shell, word in (("zsh", "compdef"), ("bash", "complete -F"), ("fish", "--command")):
        program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
        with pytest.raises(SystemExit, match="0"):
            program.run(["kafka-tasks", "--print-completion-script", shell])
        assert word in capsys.readouterr().out


def test_tasks_and_flags_complete_as_invoke_does_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is left to Invoke."""
    monkeypatch.chdir(project.path)
    _complete("kafka-tasks", "topic.delete", "--")
    assert "--cluster-id" in capsys.readouterr().out.split()
    _complete("kafka-tasks", "to")
    assert "topic.describe" in capsys.readouterr().out.split()
    _complete("kafka-tasks", "'unclosed")
    assert capsys.readouterr().out == ""
