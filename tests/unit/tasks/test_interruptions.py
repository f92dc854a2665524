from __future__ import annotations

from typing import Any

import pytest
from invoke.program import Program

from kafka_tasks.__main__ import main
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.group import GroupState, ListedGroup
from kafka_tasks.program import KafkaTasks
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.tasks import kafka
from kafka_tasks.testing import FakeRuntime
from kafka_tasks.topics import altering, one_topic
from tests.unit.fakes import FakeAdmin, FakeChanges, topic
from tests.unit.tasks.conftest import Run


def _interrupt_after(verb: str, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes with the next request of this kind but so many."""
    plain = FakeAdmin.called
    left = [times]

    def called(self: FakeAdmin, what: str) -> None:
        plain(self, what)
        if what.startswith(verb):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

    monkeypatch.setattr(FakeAdmin, "called", called)


@pytest.mark.parametrize("line", ["topic.delete t* --yes", "reset --yes"])
def test_a_deletion_says_what_is_gone_and_what_is_not(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Exit 130, and the cluster is as the account says."""
    admin.there = {name: topic(name) for name in ("t1", "t2", "t3")}
    _interrupt_after("delete", 1, monkeypatch)
    ran = ready(line)
    assert ran.code == 130
    assert ran.out == ""
    assert "  | gone: 1 topic (t1)\n  | not gone yet: 2 topics (t2, t3)\n" in ran.err
    assert sorted(admin.there) == ["t2", "t3"]


def test_an_account_in_json_is_one_document(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What became of it is the evidence."""
    admin.there = {"t1": topic("t1")}
    _interrupt_after("delete", 0, monkeypatch)
    error = ready("topic.delete t1 --yes -o json").document["error"]
    assert (error["code"], error["exit_code"]) == ("interrupted", 130)
    assert error["evidence"] == ["not gone yet: 1 topic (t1)"]


@pytest.mark.parametrize(("made", "said"), [(False, "t does not exist"), (True, "t exists")])
def test_a_creation_says_whether_the_topic_is_there(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch, made: bool, said: str
) -> None:
    """Whether Ctrl-C came before or after the broker had made it."""

    def cut(*_: Any, **__: Any) -> None:
        if made:
            admin.there["t"] = topic("t")
        raise KeyboardInterrupt

    monkeypatch.setattr(one_topic, "create", cut)
    ran = ready("topic.create t")
    assert ran.code == 130
    assert f"  | {said}\n" in ran.err


def test_a_change_says_which_fields_are_changed(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partitions come first: a change that is cut in two has them, and not the settings."""
    admin.there = {"t": topic("t", 1, config={"retention.ms": "1"})}
    monkeypatch.setattr(altering, "require_possible", lambda *_: None)
    monkeypatch.setattr(altering, "changes", FakeChanges)

    def cut_in_two(*_: Any) -> None:
        admin.there["t"] = topic("t", 3, config={"retention.ms": "1"})
        raise KeyboardInterrupt

    monkeypatch.setattr(altering, "carry_out", cut_in_two)
    ran = ready("topic.alter t --partitions 3 --set retention.ms=2")
    assert ran.code == 130
    assert "  | partitions is changed\n  | config.retention.ms is not changed\n" in ran.err


def test_a_cluster_that_cannot_be_asked_leaves_it_open(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is claimed that nobody knows."""
    admin.there = {"t": topic("t", config={"retention.ms": "1"})}
    monkeypatch.setattr(altering, "require_possible", lambda *_: None)

    def cut(*_: Any) -> None:
        admin.errors["describe"] = [BrokerUnreachable("No broker answered.")]
        raise KeyboardInterrupt

    monkeypatch.setattr(altering, "carry_out", cut)
    ran = ready("topic.alter t --set retention.ms=2")
    assert "the outcome is not known: No broker answered." in ran.err


def test_groups_are_accounted_for_too(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are gone and those that are not."""
    left = ["g1", "g2"]
    monkeypatch.setattr(group_admin, "names", lambda *_, **__: list(left))

    def cut(*_: Any) -> None:
        left.remove("g1")
        raise KeyboardInterrupt

    monkeypatch.setattr(group_admin, "delete", cut)
    ran = ready("group.delete g* --yes")
    assert ran.code == 130
    assert "  | gone: 1 group (g1)\n  | not gone yet: 1 group (g2)\n" in ran.err


def test_a_group_that_is_reset_says_where_it_is(
    ready: Run, runtime: FakeRuntime, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each partition with where it is and where it should be; a remote cluster has to be named."""
    from kafka_tasks.groups import reset as resetting
    from kafka_tasks.model.topic import Offsets

    admin.there = {"t": topic("t", 2)}
    at = {("t", 0): 1, ("t", 1): 1}
    listed = ListedGroup("g", state="empty")
    monkeypatch.setattr(group_admin, "listed", lambda *_, **__: {"g": listed})
    idle = GroupState(listed)
    monkeypatch.setattr(group_admin, "describe", lambda *_, **__: {"g": idle})
    monkeypatch.setattr(group_admin, "committed", lambda *_, **__: {"g": dict(at)})
    logs = {place: Offsets(0, 5) for place in at}
    monkeypatch.setattr(resetting, "logs_of", lambda *_: logs)

    def cut(*_: Any) -> None:
        at["t", 0] = 5
        raise KeyboardInterrupt

    monkeypatch.setattr(resetting, "carry_out", cut)
    dry = ready("group.reset g --to end --execute --dry -o json").document
    assert (dry["dry"], dry["executed"], at["t", 0]) == (True, False, 1)
    runtime.abilities = Abilities()
    ran = ready("group.reset g --to end --execute")
    assert ran.code == 6 and f"--execute --cluster-id {admin.cluster_id}" in ran.err
    ran = ready(f"group.reset g --to end --execute --cluster-id {admin.cluster_id}")
    assert ran.code == 130
    assert "  | t-0 is at 5; 5 was requested\n  | t-1 is at 1; 5 was requested\n" in ran.err


def test_ctrl_c_while_the_command_is_loaded_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was begun, and nothing is claimed to be stopped."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kafka_tasks.program.main", interrupt)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit, match="130"):
        main()
    assert capsys.readouterr().err == "Error: Interrupted.\n"


def test_ctrl_c_between_invokes_own_steps_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoke would make it exit 1; what the command line itself refuses stays 1."""

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
    with pytest.raises(SystemExit, match="1"):
        program.run(["kafka-tasks", "no-such-task"])
    monkeypatch.setattr(Program, "parse_tasks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        program.run(["kafka-tasks", "topic.list"])


def test_a_trim_says_where_each_partition_begins(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those partitions from which something was to go."""
    from kafka_tasks.model.topic import Trim
    from kafka_tasks.topics import deletion

    admin.there = {"t": topic("t", 2)}
    admin.records = 4
    monkeypatch.setattr(
        deletion, "plan_trim", lambda *_, **__: [Trim(0, 0, 3, 4), Trim(1, 4, 4, 4)]
    )
    monkeypatch.setattr("kafka_tasks.tasks.topic_changes.keep_undo", lambda *_: None)

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deletion, "trim", cut)
    ran = ready("topic.trim t --before 3 --yes")
    assert ran.code == 130
    assert "  | t-0 begins at 0; 3 was requested\n" in ran.err
    assert "t-1" not in ran.err
