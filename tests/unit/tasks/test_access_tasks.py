"""Rights in topics.yaml, as a user plans and applies them."""

from __future__ import annotations

import pytest

from kafka_tasks.clients.kafka import acls
from kafka_tasks.errors import BrokerUnreachable, NoAuthorizer
from kafka_tasks.model.access import Rule
from kafka_tasks.project.directory import Project
from tests.unit.fakes import FakeAdmin, topic
from tests.unit.tasks.conftest import Run
from tests.unit.tasks.rules import ALLOWED, WIDER, Rules

FILE = """\
owner: [ord]
topics: [{name: orders}]
access:
  - {user: alice, may: [read, write], topic: orders}
  - {user: bob, may: [read], topic: carts}
"""


@pytest.fixture
def file(project: Project, admin: FakeAdmin) -> Project:
    """A topics.yaml with rights."""
    admin.there["orders"] = topic("orders")
    (project.path / "topics.yaml").write_text(FILE)
    return project


def test_a_plan_shows_rights_and_what_overrules_them(
    ready: Run, there: Rules, file: Project
) -> None:
    """Another owner's right is blocked; with --prune, an undeclared one is revoked."""
    ran = ready("topic.plan --detailed-exitcode --prune")
    assert ran.code == 2
    assert ran.out.splitlines() == [
        "- revoke * may all topic ord*",
        "+ grant alice may write topic orders",
        "! blocked bob may read topic carts",
        "    topic carts has another owner: this file owns ord; declare it in its owner's file, "
        "or add the prefix to owner",
        "",
        "1 unchanged; rights: 1 to grant, 1 to revoke, 1 unchanged, 1 blocked.",
    ]
    assert "warning: overruled: alice may not write topic orders" in ran.err
    assert "topics.yaml:5: there is no topic carts" in ran.err
    found = ready("topic.plan -o json").document["access"]
    assert found["summary"] == {"grant": 1, "revoke": 0, "unchanged": 1, "blocked": 1}
    assert [(c["user"], c["action"]) for c in found["changes"]] == [
        *(("alice", "none"), ("alice", "grant"), ("bob", "blocked")),
    ]


def test_apply_asks_before_it_revokes_and_keeps_an_undo_file(
    ready: Run, there: Rules, file: Project
) -> None:
    """A blocked right is exit code 1, and the others are applied."""
    ran = ready("topic.apply --prune")
    assert ran.code == 6 and WIDER in there.there
    assert "1 right would be revoked: * may all topic ord*. Not confirmed" in ran.err
    ran = ready("topic.apply --prune --yes")
    assert ran.code == 1 and ran.out.startswith("1 right granted, 1 right revoked.\n")
    assert "! bob may read topic carts is blocked: topic carts has another owner" in ran.out
    granted = Rule("User:alice", ALLOWED.resource, "write")
    assert granted in there.there and WIDER not in there.there
    assert there.asked == [({granted}, set()), (set(), {WIDER})]
    (undo,) = (file.state / "undo").iterdir()
    assert ready(f"topic.apply --file {undo}").code == 0 and WIDER in there.there
    (file.path / "topics.yaml").write_text(FILE.replace("carts", "orders"))
    again = ready("topic.apply -o json").document["access"]
    assert [(each["user"], each["action"]) for each in again["done"]] == [("bob", "grant")]
    assert ready("topic.plan").out == "Nothing to do: 1 topic and 3 rights are as declared.\n"


def test_a_kept_plan_with_rights_is_applied(ready: Run, there: Rules, file: Project) -> None:
    """And refused once a rule has changed."""
    assert ready("topic.plan --out plan.json").code == 0
    (file.path / "topics.yaml").unlink()
    there.there.remove(ALLOWED)
    ran = ready("topic.apply --plan plan.json")
    assert ran.code == 6 and "alice may read topic orders: granted then" in ran.err
    there.there.append(ALLOWED)
    assert "1 right granted." in ready("topic.apply --plan plan.json").out


@pytest.mark.parametrize("line", ["topic.plan", "topic.apply"])
def test_a_cluster_without_an_authorizer_is_a_sentence(
    ready: Run, there: Rules, file: Project, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Before anything changes; a file without rights needs none."""

    def fail(*_: object, **__: object) -> list[Rule]:
        raise NoAuthorizer("The cluster has no authorizer.", hint="invoke kafka.up --acl")

    monkeypatch.setattr(acls, "rules", fail)
    ran = ready(line)
    assert ran.code == 3 and "The cluster has no authorizer." in ran.err
    (file.path / "topics.yaml").write_text("topics: [{name: orders}]")
    assert ready(line).code == 0


def test_what_failed_is_told(
    ready: Run, there: Rules, file: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is revoked then."""

    def fail(*_: object, **__: object) -> None:
        raise BrokerUnreachable("No answer.", evidence=["late"])

    monkeypatch.setattr(acls, "grant", fail)
    ran = ready("topic.apply --prune --yes")
    assert ran.code == 1
    assert "! alice may write topic orders failed: No answer.\n    late\n" in ran.out
    assert "  not begun: 1 right (* may all topic ord*)\n" in ran.out and WIDER in there.there


def test_ctrl_c_tells_which_rights_are_granted(
    ready: Run, there: Rules, file: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster says what was done."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(acls, "until_known", interrupted)
    found = ready("topic.apply --prune --yes -o json")
    assert found.code == 130 and found.document["interrupted"]
    rights = found.document["access"]
    assert [each["right"] for each in rights["done"]] == ["write"]
    assert [each["name"] for each in rights["not_begun"]] == ["ord"]


def test_validate_and_export_have_rights(ready: Run, there: Rules, file: Project) -> None:
    """An export is a file whose plan is empty."""
    assert "1 topic and 3 rights, valid" in ready("topic.validate").out
    text = ready("topic.export --access").out
    assert "# Not in this file: alice may not write topic orders.\n" in text
    assert "user: '*'\n  may:\n  - all\n  topic: ord*\n" in text
    assert "access:" not in ready("topic.export").out
    assert "ord*" in ready("topic.export --access --names orders").out
    assert "user" not in ready("topic.export --access --owner x").out
    refused = ready("topic.export --access --format strimzi")
    assert refused.code == 3 and "--access is for topics.yaml" in refused.err
