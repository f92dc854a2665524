from __future__ import annotations

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.access import (
    CLUSTER,
    Resource,
    Rule,
    applying,
    deciding,
    in_order,
    principal,
    removed_by,
    resource,
    rights,
)

ORDERS, ORD = Resource("topic", "orders"), Resource("topic", "ord", True)
EVERY = Resource("topic", "*")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("orders", ORDERS),
        ("topic:orders", ORDERS),
        ("billing.*", Resource("topic", "billing.", True)),
        ("*", EVERY),
        ("group:readers", Resource("group", "readers")),
        ("group:*", Resource("group", "*")),
        ("transactional-id:pay*", Resource("transactional-id", "pay", True)),
        ("cluster:", CLUSTER),
        ("cluster:kafka-cluster", CLUSTER),
        ("cluster", Resource("topic", "cluster")),
    ],
)
def test_resources_are_typed(typed: str, found: Resource) -> None:
    """A topic without a colon; a star at the end is a prefix."""
    assert resource(typed) == found


@pytest.mark.parametrize(
    ("typed", "said", "hint"),
    [
        (
            "gruop:readers",
            "gruop in gruop:readers is not a kind of resource",
            "did you mean group?",
        ),
        ("cluster:other", "a cluster has no name", "write cluster:"),
        ("bil*ing", "neither a name nor a prefix", "write orders, billing.* or '*'"),
        ("**", "neither a name nor a prefix", "write orders, billing.* or '*'"),
        ("group:", "neither a name nor a prefix", "write orders, billing.* or '*'"),
    ],
)
def test_other_resources_are_refused(typed: str, said: str, hint: str) -> None:
    """With what would be right."""
    with pytest.raises(InvalidInput, match=said) as caught:
        resource(typed)
    assert caught.value.hint == hint


def test_rights_belong_to_a_kind() -> None:
    """Several with commas, in any case; a mistyped one has the nearest as its hint."""
    assert rights("Read, write,read", "topic") == ("read", "write")
    assert rights("ALTER_CONFIGS", "cluster") == ("alter-configs",)
    assert rights("all", "transactional-id") == ("all",)
    with pytest.raises(InvalidInput, match="'raed' is not a right on a topic") as caught:
        rights("raed", "topic")
    assert caught.value.hint == "did you mean read?"
    with pytest.raises(InvalidInput, match="'write' is not a right on a group; allowed: all, read"):
        rights("write", "group")


def test_principals_are_users() -> None:
    """With or without their kind."""
    assert principal("alice") == principal("User:alice") == "User:alice"
    assert principal("CN=alice,O=us") == "User:CN=alice,O=us"
    with pytest.raises(InvalidInput, match="'' is not a user"):
        principal("")


def _rule(
    right: str, on: Resource = ORDERS, user: str = "alice", allows: bool = True, host: str = "*"
) -> Rule:
    return Rule(f"User:{user}", on, right, allows, host)


@pytest.mark.parametrize(
    ("there", "wanted", "decides"),
    [
        (_rule("read"), _rule("read"), True),
        (_rule("all"), _rule("read"), True),
        (_rule("read"), _rule("describe"), True),
        (_rule("describe"), _rule("read"), False),
        (_rule("alter-configs"), _rule("describe-configs"), True),
        (_rule("read", ORD), _rule("read"), True),
        (_rule("read", EVERY), _rule("read", ORD), True),
        (_rule("read", ORD), _rule("read", EVERY), False),
        (_rule("read"), _rule("read", ORD), False),
        (_rule("read", Resource("topic", "o", True)), _rule("read", ORD), True),
        (_rule("read", Resource("group", "orders")), _rule("read"), False),
        (_rule("read", user="*"), _rule("read"), True),
        (_rule("read", user="bob"), _rule("read"), False),
        (_rule("read", host="10.0.0.1"), _rule("read"), False),
    ],
)
def test_what_allows_a_right(there: Rule, wanted: Rule, decides: bool) -> None:
    """As Kafka's authorizers decide it: wider resources, everybody, and rights that imply it."""
    assert deciding([there], wanted, allows=True) == ([there] if decides else [])


def test_what_denies_a_right() -> None:
    """Denied reading does not deny describing."""
    denied = _rule("read", EVERY, user="*", allows=False)
    assert deciding([denied], _rule("read"), allows=False) == [denied]
    assert deciding([denied], _rule("describe"), allows=False) == []
    assert deciding([denied], _rule("read"), allows=True) == []


def test_a_revocation_removes_rules_of_the_same_resource() -> None:
    """From every host; `all` is every right; what is denied stays."""
    read, here, write = _rule("read"), _rule("read", host="10.0.0.1"), _rule("write")
    there = [read, here, write, _rule("read", ORD), _rule("read", allows=False)]
    assert removed_by(there, _rule("read")) == [read, here]
    assert removed_by(there, _rule("all")) == [read, here, write]


def test_rules_apply_to_parts_and_to_wholes() -> None:
    """A prefix shows what is for parts of it, too."""
    there = [_rule("read"), _rule("read", EVERY, user="*"), _rule("read", ORD, user="bob")]
    assert applying(there, principal="User:alice") == there[:2]
    assert applying(there, on=ORDERS) == there
    assert applying(there, on=Resource("topic", "pay", True)) == there[1:2]
    assert applying(there, principal="User:bob", on=ORD) == there[1:]


def test_rules_read_as_sentences() -> None:
    """As tasks print them."""
    assert str(_rule("read", ORD)) == "alice may read topic ord*"
    assert str(_rule("create", CLUSTER)) == "alice may create on the cluster"
    assert str(_rule("all", host="h", allows=False)) == "alice may not all topic orders from h"
    assert in_order(["describe", "new-one", "read"]) == ("read", "describe", "new-one")
