"""Rights in topics.yaml: read, planned, carried out, written again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from kafka_tasks.clients.kafka import acls
from kafka_tasks.errors import BrokerUnreachable, InvalidInput, KafkaTasksError, Refused
from kafka_tasks.model.access import CLUSTER, Resource, Rule
from kafka_tasks.topics import access_apply, access_plan, export, observe, plan_file, topics_yaml
from kafka_tasks.topics.model import WantedTopics
from kafka_tasks.topics.observe import Observed, planned
from kafka_tasks.topics.plan import Plan
from tests.unit.fakes import FakeAdmin, topic

ALICE = Rule("User:alice", Resource("topic", "billing.orders"), "read")
GROUP = Rule("User:alice", Resource("group", "billing.app"), "read")
BOB = Rule("User:bob", Resource("topic", "billing.", True), "write")
OTHER = Rule("User:bob", Resource("topic", "shop.carts"), "write")
DENIED = Rule("User:alice", Resource("topic", "billing.", True), "read", allows=False)
FILE = """\
owner: [billing.]
access:
  - {user: alice, may: [read], topic: billing.orders, group: billing.app}
"""


def _read(path: Path, text: str) -> WantedTopics:
    (path / "topics.yaml").write_text(text)
    return topics_yaml.read([path / "topics.yaml"], {}, kafka_line="3.9")


def _seen(*rules: Rule) -> Observed:
    return Observed("id-1", (1,), {}, rules=rules)


def _actions(wanted: WantedTopics, *there: Rule, prune: bool = False) -> dict[str, str]:
    found = planned(wanted, _seen(*there), prune=prune).access
    assert found is not None
    return {str(change.rule): change.action for change in found}


def test_an_entry_is_a_rule_for_each_right_and_resource(tmp_path: Path) -> None:
    """Lists and texts with commas; a prefix has a star; a file may have rights alone."""
    text = """\
access:
  - {user: "${WHO:-alice}", may: "read,describe", topic: [orders, "billing.*"], group: "*"}
  - {user: User:bob, may: [alter], cluster: true, host: 10.0.0.1}
  - {user: "*", may: [write], transactional_id: pay, state: absent}
"""
    found = _read(tmp_path, text)
    assert (found.specs, found.access_owner) == ((), ())
    assert [str(spec.rule) for spec in found.access] == [
        *("alice may read topic orders", "alice may describe topic orders"),
        *("alice may read topic billing.*", "alice may describe topic billing.*"),
        *("alice may read group *", "alice may describe group *"),
        *("bob may alter on the cluster from 10.0.0.1", "* may write transactional-id pay"),
    ]
    assert [spec.absent for spec in found.access] == [False] * 7 + [True]
    assert found.access[0].origin == f"{tmp_path}/topics.yaml:2"
    schema = json.loads(files("kafka_tasks.topics").joinpath("topics.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(text), schema)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{user: a, may: [raed], topic: t}", "'raed' is not a right on a topic"),
        ("{user: a, may: [raed], topic: t}", "did you mean read?"),
        ("{user: a, may: [write], topic: t, group: g}", "'write' is not a right on a group"),
        ("{user: a, may: [read], topic: or/ders}", "topic or/ders: The topic name"),
        ("{user: a, may: [read], group: 'a*b'}", "neither a name nor a prefix"),
        ("{may: [read], topic: t}", "user is missing; an example: {user: alice"),
        ("{user: a, topic: t}", "may is missing"),
        ("{user: a, may: [read]}", "topic is missing"),
        ("{user: a, may: [read], topics: t}", "no key 'topics'; did you mean topic?"),
        ("{user: ' ', may: [read], topic: t}", "' ' is not a user"),
        ("{user: a, may: [read], topic: t, state: gone}", "allowed: present, absent"),
        ("alice", "an entry of access should be a mapping, not 'alice'"),
    ],
)
def test_mistakes_are_problems_with_their_line(tmp_path: Path, entry: str, said: str) -> None:
    """Misspelt rights and keys with the nearest."""
    with pytest.raises(InvalidInput) as caught:
        _read(tmp_path, f"access:\n  - {entry}\n")
    problems = caught.value.evidence
    assert all(line.startswith(f"{tmp_path}/topics.yaml:2: ") for line in problems)
    assert said in "\n".join(problems)


def test_a_right_that_is_present_and_absent_is_a_problem(tmp_path: Path) -> None:
    """The same right twice is none: entries share groups."""
    entry = "  - {user: a, may: [read], topic: t}\n"
    assert len(_read(tmp_path, f"access:\n{entry}{entry}").access) == 2
    with pytest.raises(InvalidInput) as caught:
        _read(tmp_path, f"access:\n{entry}{entry.replace('}', ', state: absent}')}")
    at = f"{tmp_path}/topics.yaml"
    assert caught.value.evidence == (
        f"{at}:3: a may read topic t: declared present and absent, first at {at}:2",
    )


def test_only_what_is_declared_changes(tmp_path: Path) -> None:
    """Other rules are left alone, those below the owner's prefix too."""
    found = _actions(_read(tmp_path, FILE), ALICE, BOB, OTHER)
    assert found == {str(ALICE): "none", str(GROUP): "grant"}


def test_prune_revokes_below_the_owners_prefix(tmp_path: Path) -> None:
    """Never rules that deny, those of another owner, or those of a file without `access`."""
    wider = Rule("User:bob", Resource("topic", "*"), "read")
    wanted = _read(tmp_path, FILE)
    there = (ALICE, GROUP, BOB, OTHER, DENIED, wider, Rule("User:x", CLUSTER, "alter"))
    assert _actions(wanted, *there, prune=True) == {
        str(ALICE): "none",
        str(GROUP): "none",
        str(BOB): "revoke",
    }
    assert planned(_read(tmp_path, "owner: [billing.]\ntopics: []"), _seen(BOB), prune=True) == (
        Plan(())
    )


def test_absent_revokes_from_all_hosts_and_all_every_right(tmp_path: Path) -> None:
    """Except what the file declares itself."""
    entry = "  - {user: bob, may: [all], topic: t, state: absent}\n"
    kept = "  - {user: bob, may: [read], topic: t}\n"
    on = Resource("topic", "t")
    there = [Rule("User:bob", on, "write"), Rule("User:bob", on, "read", host="10.0.0.1")]
    wanted = _read(tmp_path, f"access:\n{entry}")
    assert set(_actions(wanted, *there).values()) == {"revoke"}
    assert _actions(wanted) == {"bob may all topic t": "none"}
    wanted = _read(tmp_path, f"access:\n{entry}{kept}")
    found = _actions(wanted, *there, replace(there[1], host="*"))
    assert found["bob may read topic t"] == "none" and found["bob may write topic t"] == "revoke"


def test_another_owners_right_is_blocked(tmp_path: Path) -> None:
    """The reason says what would work; a file that owns it too may change it."""
    text = FILE + "  - {user: bob, may: [write], topic: shop.carts}\n"
    text += "  - {user: bob, may: [alter], cluster: true}\n"
    text += "  - {user: bob, may: [read], topic: shop.gone, state: absent}\n"
    found = planned(_read(tmp_path, text), _seen()).rights("blocked")
    assert [str(change.rule) for change in found] == ["bob may alter on the cluster", str(OTHER)]
    assert "declare it in a file without owner" in str(found[0].reason)
    assert "topic shop.carts has another owner: this file owns billing." in str(found[1].reason)
    one = _read(tmp_path, text)
    shop = replace(one, access=(*one.access, replace(one.access[2], owner=("shop.",))))
    assert _actions(shop)[str(OTHER)] == "grant"


def test_remarks_name_what_may_be_mistyped(tmp_path: Path) -> None:
    """Users, topics, and rules that overrule."""
    text = """\
topics: [{name: new}]
access:
  - {user: alise, may: [read], topic: [ordrs, new, "*"]}
  - {user: CN=far, may: [read], topic: zzz}
"""
    wanted = _read(tmp_path, text)
    deny = Rule("User:*", Resource("topic", "new"), "read", allows=False)
    users = {"alice": 1}
    said = list(access_plan.remarks(wanted, [deny], topics=["orders"], users=users))
    at = f"{tmp_path}/topics.yaml"
    assert said == [
        f"{at}:3: no user alise has a password; did you mean alice?",
        f"{at}:3: there is no topic ordrs; did you mean orders?",
        f"{at}:4: there is no topic zzz; the right takes effect once it is created",
        "overruled: * may not read topic new",
    ]
    silent = access_plan.remarks(wanted, [], topics=["ordrs", "zzz"], users=None)
    assert list(silent) == []


class _Rules:
    """`clients.kafka.acls` in memory; `fails` are verbs that raise, with how many rules first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *there: Rule, **fails: int) -> None:
        self.there, self.fails = list(there), fails
        self.calls: list[str] = []
        monkeypatch.setattr(acls, "rules", lambda *_, **__: sorted(self.there))
        for name in ("grant", "revoke", "until_known"):
            monkeypatch.setattr(acls, name, getattr(self, name))

    def _taken(self, verb: str, rules: Collection[Rule]) -> list[Rule]:
        self.calls.append(verb)
        return list(rules)[: self.fails.get(verb)]

    def _raise(self, verb: str) -> None:
        if verb in self.fails:
            raise BrokerUnreachable("No answer.")

    def grant(self, _: object, wanted: Collection[Rule], **__: object) -> None:
        """Add rules."""
        self.there += self._taken("grant", wanted)
        self._raise("grant")

    def revoke(self, _: object, unwanted: Collection[Rule], **__: object) -> None:
        """Remove rules."""
        gone = self._taken("revoke", unwanted)
        self.there = [rule for rule in self.there if rule not in gone]
        self._raise("revoke")

    def until_known(
        self, _: object, *, present: Iterable[Rule] = (), absent: Iterable[Rule] = (), **__: object
    ) -> int:
        """Return the number of brokers."""
        self.calls.append("until_known")
        self._raise("until_known")
        return 1


def _plan(tmp_path: Path, *there: Rule) -> Plan:
    return planned(_read(tmp_path, FILE), _seen(*there), prune=True)


def _carried_out(plan: Plan) -> access_apply.AccessProgress:
    admin: Any = FakeAdmin()
    return access_apply.apply(plan, admin)


def test_rights_are_granted_before_others_are_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change returns when every broker shows it; a second plan is empty."""
    rules = _Rules(monkeypatch, BOB, OTHER)
    done = _carried_out(_plan(tmp_path, BOB, OTHER))
    assert rules.calls == ["grant", "until_known", "revoke", "until_known"]
    assert set(done.having("done")) == {ALICE, GROUP, BOB} and not done.failures
    assert set(rules.there) == {ALICE, GROUP, OTHER}
    assert _plan(tmp_path, *rules.there).pending_rights == ()


def test_after_a_failure_the_cluster_says_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is revoked where a grant failed."""
    rules = _Rules(monkeypatch, BOB, grant=1)
    done = _carried_out(_plan(tmp_path, BOB))
    assert rules.calls == ["grant"]
    assert len(done.having("done")) == 1 and len(done.failures) == 1
    assert done.having("waiting") == (BOB,)


@pytest.mark.parametrize("verb", ["until_known", "revoke"])
def test_what_brokers_do_not_show_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Whether it was sent or not."""
    _Rules(monkeypatch, BOB, **{verb: 0})
    done = _carried_out(_plan(tmp_path, BOB))
    assert set(done.failures) == ({BOB} if verb == "revoke" else {ALICE, GROUP})


def test_a_look_that_fails_too_leaves_all_of_them_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reason is the one that is told."""
    rules = _Rules(monkeypatch, grant=2)

    def silent(*_: object, **__: object) -> list[Rule]:
        raise BrokerUnreachable("Silent.")

    monkeypatch.setattr(acls, "rules", silent)
    done = _carried_out(_plan(tmp_path))
    assert rules.calls == ["grant"]
    assert {str(error) for error in done.failures.values()} == {"No answer."}


def test_a_kept_plan_knows_the_rules(tmp_path: Path) -> None:
    """It comes back from its file, and is refused once one of its rules has changed."""
    wanted, path = _read(tmp_path, FILE), tmp_path / "plan.json"

    def kept(*there: Rule, at: WantedTopics = wanted) -> plan_file.KeptPlan:
        seen = _seen(*there)
        return plan_file.kept(at, seen, planned(at, seen), prune=False)

    before = kept(ALICE)
    plan_file.write(before, path)
    again = plan_file.read(path)
    assert (again, again.wanted.access) == (before, wanted.access)
    plan_file.require_same(again, kept(ALICE, OTHER))
    with pytest.raises(Refused) as caught:
        plan_file.require_same(again, kept(GROUP))
    assert caught.value.evidence == (
        f"{ALICE}: granted then, not granted now",
        f"{GROUP}: not granted then, granted now",
    )
    odd = replace(wanted.access[0], rule=replace(ALICE, right="fly"))
    plan_file.write(msgspec.structs.replace(before, access=(odd,)), path)
    with pytest.raises(InvalidInput, match="is not a plan"):
        plan_file.read(path)


def test_an_undo_file_grants_what_was_revoked(tmp_path: Path) -> None:
    """With hosts; a dollar stays one; rules that deny cannot be in it."""
    odd = Rule("User:CN=$x", Resource("group", "g"), "read", host="10.0.0.1")
    every = Rule("User:bob", CLUSTER, "alter")
    revoked = [ALICE, replace(ALICE, right="write"), BOB, odd, every, DENIED]
    path = export.write_undo(tmp_path, "id-1", [], {}, revoked=revoked)
    text = path.read_text()
    assert "# Rights of cluster id-1" in text and "# they were revoked." in text
    assert {spec.rule for spec in _read(tmp_path, text).access} == set(revoked) - {DENIED}
    both = export.write_undo(tmp_path, "id-1", [topic("t")], {}, revoked=[BOB]).read_text()
    assert "Topics and rights" in both and list(yaml.safe_load(both)) == ["topics", "access"]


def test_an_export_has_rights_and_names_those_that_it_cannot_have(tmp_path: Path) -> None:
    """A plan of the file is empty."""
    text = export.topics_yaml([], cluster_id="id", owner=(), rules=[ALICE, BOB, DENIED])
    assert "# Topics and rights of cluster id.\n" in text
    assert f"# Not in this file: {DENIED}.\n" in text
    found = planned(_read(tmp_path, text), _seen(ALICE, BOB, DENIED))
    assert found.pending_rights == () and len(found.access or ()) == 2
    assert "access" not in export.topics_yaml([], cluster_id="id", owner=())


def test_rules_are_looked_at_only_where_a_file_declares_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topics file needs no right to list rules."""

    def fail(*_: object, **__: object) -> list[Rule]:
        raise KafkaTasksError("listed")

    monkeypatch.setattr(acls, "rules", fail)
    admin: Any = FakeAdmin()
    assert observe.observe(admin, _read(tmp_path, "topics: []")).rules is None
    with pytest.raises(KafkaTasksError, match="listed"):
        observe.observe(admin, _read(tmp_path, "access: []"))
