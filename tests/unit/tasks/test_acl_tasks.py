from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kafka_tasks.clients.kafka import acls, authorized
from kafka_tasks.errors import NoAuthorizer, NotPermitted
from kafka_tasks.model.access import CLUSTER, Resource, Rule
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Topology, zookeeper_cluster
from kafka_tasks.render.views import whoami as view
from kafka_tasks.render.views.whoami import Identity
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.tasks import whoami
from kafka_tasks.testing import FakeRuntime
from tests.unit.fakes import FakeAdmin
from tests.unit.tasks.conftest import Run
from tests.unit.tasks.rules import ALLOWED, ORDERS, Rules


def test_a_right_is_granted_on_a_topic_and_a_group(ready: Run, there: Rules) -> None:
    """One command for consumers; each broker shows it."""
    ran = ready("acl.grant bob read orders --group billing")
    new = [Rule("User:bob", ORDERS, "read"), Rule("User:bob", Resource("group", "billing"), "read")]
    assert ran.out == "Granted: bob may read topic orders.\nGranted: bob may read group billing.\n"
    assert there.there[-2:] == new and there.asked == [(set(new), set())]


def test_what_is_granted_already_is_said(ready: Run, there: Rules) -> None:
    """Nothing is sent; exit 0."""
    ran = ready("acl.grant alice read orders -o json")
    assert ran.code == 0 and there.asked == []
    (rule,) = ran.document["unchanged"]
    assert (ran.document["granted"], rule["right"], rule["pattern"]) == ([], "read", "literal")


def test_a_denial_and_a_mistyped_user_are_told(ready: Run, there: Rules) -> None:
    """A right that is overruled, or for nobody, is granted all the same."""
    ran = ready("acl.grant alice write,describe orders")
    assert "Granted: alice may write topic orders.\n" in ran.out
    assert "! overruled: alice may not write topic orders.\n" in ran.out
    ran = ready("acl.grant alise read orders")
    assert "did you mean alice?" in ran.out and ran.code == 0
    assert "did you mean" not in ready("acl.grant CN=somebody read orders").out


def test_a_right_is_revoked_after_a_question(ready: Run, there: Rules) -> None:
    """What else allows it is told."""
    ran = ready("acl.revoke alice read orders")
    assert ran.code == 6 and ALLOWED in there.there
    assert "These rights would be revoked: alice may read topic orders." in ran.err
    assert "Hint: invoke kafka.acl.revoke alice read orders --yes" in ran.err
    ran = ready("acl.revoke alice read orders --yes")
    assert (
        ran.out == "Revoked: alice may read topic orders.\n! still allowed: * may all topic ord*.\n"
    )
    assert ALLOWED not in there.there and there.asked == [(set(), {ALLOWED})]


def test_a_remote_cluster_is_named_before_a_right_is_granted(
    ready: Run, there: Rules, runtime: FakeRuntime, admin: FakeAdmin
) -> None:
    """What is granted already changes nothing and needs no id."""
    runtime.abilities = Abilities()
    ran = ready("acl.grant bob read orders")
    assert ran.code == 6 and f"bob read orders --cluster-id {admin.cluster_id}" in ran.err
    assert ready("acl.grant alice read orders").code == 0 and there.asked == []
    assert ready(f"acl.grant bob read orders --cluster-id {admin.cluster_id}").code == 0
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("acl.grant alice raed orders", 3, "did you mean read?"),
        ("acl.grant alice write orders --group g", 3, "'write' is not a right on a group"),
        ("acl.grant alice read or/ders", 3, "or/ders"),
        ("acl.grant alice read tpic:orders", 3, "did you mean topic?"),
        ("acl.revoke alice describe orders --yes", 1, "allowed by: alice may read topic orders"),
        ("acl.revoke bob alter orders --yes", 1, "No rule of its own grants this: bob may alter"),
        ("acl.revoke alice read orders --yes --cluster-id x", 6, "--cluster-id is x"),
    ],
)
def test_mistakes_change_nothing(ready: Run, there: Rules, line: str, code: int, said: str) -> None:
    """Each has its sentence and hint."""
    before = list(there.there)
    ran = ready(line)
    assert ran.code == code and said in ran.err and "Hint: " in ran.err
    assert there.there == before


def test_dry_changes_nothing(ready: Run, there: Rules) -> None:
    """It says what would be."""
    before = list(there.there)
    assert "grant: bob may read topic orders" in ready("--dry acl.grant bob read orders").out
    assert "revoke: alice may read topic" in ready("--dry acl.revoke alice read orders").out
    assert there.there == before


def test_rights_are_listed_by_user_and_resource(ready: Run, there: Rules) -> None:
    """Rules for everybody apply to a user, too."""
    rows = ready("acl.list").out.splitlines()[2:]
    assert rows[0].split() == ["*", "allow", "all", "topic", "ord*", "*"]
    listed = ready("acl.list --user bob -o json").document["rules"]
    assert [(rule["user"], rule["permission"]) for rule in listed] == [("*", "allow")]
    assert ready("acl.list --topic payments").out == "No rights are granted.\n"


def test_whoami_shows_rights(ready: Run, there: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resources with the same rights share a row; a full set is `all`."""
    held = {
        CLUSTER: (),
        ORDERS: ("read", "describe"),
        Resource("topic", "pay"): ("read", "describe"),
        Resource("group", "g"): ("read", "describe", "delete"),
    }
    monkeypatch.setattr(authorized, "rights", lambda _: held)
    ran = ready("whoami")
    assert "  principal  User:ANONYMOUS\n" in ran.out
    rows = [line.split(maxsplit=1) for line in ran.out.splitlines()[-3:]]
    assert [kind for kind, _ in rows] == ["cluster", "topic", "group"]
    assert rows[1][1] == "read, describe   orders, pay" and rows[2][1].startswith("all ")
    found = ready("whoami -o json").document
    assert found["resources"][1] == {
        "resource": "topic",
        "name": "orders",
        "rights": ["read", "describe"],
    }


def test_whoami_names_the_super_user_of_its_own_cluster() -> None:
    """The certificate of a remote cluster may be mapped to any name."""
    client = {"security.protocol": "SSL", "ssl.certificate.location": "tool.crt"}
    shape = replace(zookeeper_cluster(1), security=Security("scram", acl=True))
    own = Cluster(Path(), "embedded", shape, (), 1, client=client)
    assert whoami._identity(own) == ("certificate tool.crt", "User:CN=kafka-tasks")
    remote = Cluster(Path(), "remote", Topology(), (), 1, client=client)
    assert whoami._identity(remote) == ("certificate tool.crt", None)
    found = Identity("id", "certificate", "User:CN=kafka-tasks", True, {CLUSTER: ()}, is_super=True)
    assert "User:CN=kafka-tasks, a super user" in view.text(found, width=80)
    assert view.document(found)["super_user"] is True


@pytest.mark.parametrize(
    ("error", "has"), [(NoAuthorizer("none"), False), (NotPermitted("hidden"), True)]
)
def test_whoami_knows_whether_rights_count(
    ready: Run, there: Rules, monkeypatch: pytest.MonkeyPatch, error: Exception, has: bool
) -> None:
    """Who may not list them meets an authorizer."""

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(acls, "rules", fail)
    monkeypatch.setattr(authorized, "rights", lambda _: {CLUSTER: ()})
    assert ready("whoami -o json").document["authorizer"] is has
    assert ("every client may do everything" in ready("whoami").out) is not has
