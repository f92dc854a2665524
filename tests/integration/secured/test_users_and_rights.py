"""Users and rights of a secured cluster: the least that each task needs, and every change."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, NewTopic, ResourceType

from tests.integration.answers import asked, call
from tests.integration.conftest import Sandbox, eventually
from tests.integration.secured.cluster import PASSWORDS, Secured
from tests.integration.secured.connection_faults import way
from tests.integration.secured.rights import LEAST, REFUSED, Rights, acting

pytestmark = pytest.mark.timeout(300)


def test_tasks_need_no_more_rights_than_documented(secured: Secured, guest: Sandbox) -> None:
    """A user with exactly these rights carries out each task."""
    rights = Rights(secured)
    rights.prepare()
    wrong = {}
    with acting(secured, guest, "bob"):
        for row in LEAST:
            done = rights.run(row)
            if done.code or row.shows.replace("NAME", rights.name(row)) not in done.out:
                wrong[row.line] = (done.code, done.out, done.err)
    assert wrong == {}, "\n".join(f"{line}: {done}" for line, done in wrong.items())


def test_a_refusal_names_user_right_and_resource(secured: Secured, guest: Sandbox) -> None:
    """A user without rights learns which one is missing; a size that is hidden is null."""
    name = "closed"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    with acting(secured, guest, "alice"):
        for line, right in REFUSED.items():
            done = call(*line.replace("NAME", name).split())
            topic = "other" if "other" in line else name
            assert done.code == 1, f"{line}: {done.out}{done.err}"
            assert f"User alice lacks the right {right} on topic {topic}." in done.err
            assert f"can grant it: invoke kafka.acl.grant alice {right.lower()} {topic}" in done.err
        secured.grant("alice", ResourceType.TOPIC, name, AclOperation.DESCRIBE)

        def shown() -> Any:
            return call("topic.list", "--sizes", "-o", "json").document["topics"]

        eventually(shown, "the right is heeded")
        assert [(topic["name"], topic["bytes"]) for topic in shown()] == [(name, None)]
        described = call("topic.describe", name, "-o", "json").document
        assert (described["config"], described["partitions"][0]["end"]) == (None, 0)
        refused = call("produce", name, "--file", "one.jsonl")
        assert refused.code == 1 and f"lacks the right WRITE on topic {name}" in refused.err
        secured.fill([name])
        refused = call("consume", name, "--exit", "-o", "json")
        assert f"lacks the right READ on topic {name}" in refused.document["error"]["message"]


def test_lists_say_what_they_hide(secured: Secured, guest: Sandbox) -> None:
    """An empty list of a user without rights is none of an empty cluster."""
    name = "veiled"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    with acting(secured, guest, "dave"):
        for noun in ("topic", "group"):
            listed = call(f"{noun}.list", "-o", "json")
            said = f"{noun.title()}s on which user dave lacks the right DESCRIBE are not listed."
            assert (listed.document[f"{noun}s"], listed.document["limited"]) == ([], said)
            assert said in listed.err
        for line in (f"group.describe {name}", f"group.delete {name}"):
            refused = call(*line.split(), "-o", "json").document["error"]
            assert f"dave lacks the right DESCRIBE on group {name}" in refused["message"], line


def test_what_the_rights_forbid_is_not_permitted(secured: Secured, guest: Sandbox) -> None:
    """`verify` of a user with rights on topics alone skips groups and transactions, in words."""
    rights = ("CREATE", "DELETE", "DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE")
    secured.grant("carol", ResourceType.TOPIC, "*", *(AclOperation[right] for right in rights))
    carol = {"SASL_USERNAME": "carol", "SASL_PASSWORD": PASSWORDS["carol"]}
    done = guest.run("verify", "-o", "json", env=way(secured, "SASL", **carol))
    assert done.code == 0, done.out + done.err
    refused = {
        each["id"]: each["message"]
        for each in done.document["criteria"]
        if each["message"].startswith("not permitted: ")
    }
    assert set(refused) == {"group-resumes", "transaction"}
    assert "GROUP_AUTHORIZATION_FAILED" in refused["group-resumes"]
    assert "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" in refused["transaction"]


def test_users_come_and_go(secured: Secured, guest: Sandbox) -> None:
    """Each change holds for the very next log-in."""
    with acting(secured, guest, "admin"):
        made = call("user.create", "dora", "--password-file", "dora.password", "-o", "json")
        assert (made.code, made.document["brokers"]) == (0, 1), made.out
        first = (guest.path / "dora.password").read_text().strip()
        assert call("user.create", "dora", "--password-file", "dora.password").code == 1
        listed = call("user.list", "-o", "json").document["users"]
        assert {"alice", "dora"} <= {user["name"] for user in listed}
        id = call("status", "-o", "json").document["cluster_id"]
        refused = call("user.password", "dora", "--password-file", "new", "--yes")
        assert refused.code == 6 and f"--cluster-id {id}" in refused.err
        assert call("user.delete", "dorra", "--yes").err.endswith("did you mean dora?\n")
    assert _refused(secured, guest, first) == "not-permitted"
    with acting(secured, guest, "admin"):
        sure = ("--yes", "--cluster-id", id)
        assert call("user.password", "dora", "--password-file", "new", *sure).code == 0
        second = (guest.path / "new").read_text().strip()
    assert _refused(secured, guest, first) == "cannot-connect"
    assert _refused(secured, guest, second) == "not-permitted"
    with acting(secured, guest, "admin"):
        assert call("user.delete", "dora", *sure).code == 0
        assert "dora" not in call("user.list").out
    assert _refused(secured, guest, second) == "cannot-connect"


def _refused(secured: Secured, guest: Sandbox, password: str) -> object:
    """Return what is refused to dora, who has no rights: a list, or the connection."""
    env = way(secured, "SASL", SASL_USERNAME="dora", SASL_PASSWORD=password)
    return asked(guest, env, "acl.list").document["error"]["code"]


def test_rights_come_and_go(secured: Secured, guest: Sandbox) -> None:
    """Each change holds for the very next command of the user; nobody is told half of it."""
    name = "ledger"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    consume = ("consume", name, "--exit", "-o", "json")
    with acting(secured, guest, "admin"):
        id = call("status", "-o", "json").document["cluster_id"]
        refused = call("acl.grant", "alice", "read", name, "--group", "books")
        assert refused.code == 6 and f"--cluster-id {id}" in refused.err
        to = ("--cluster-id", id, "-o", "json")
        granted = call("acl.grant", "alice", "read", name, "--group", "books", *to)
        assert (granted.code, granted.document["brokers"]) == (0, 1), granted.out
        assert call("acl.grant", "alise", "read", name, *to).document["similar_user"] == "alice"
        found = call("acl.list", "--user", "alice", "--topic", name, "-o", "json").document
        assert [(rule["right"], rule["name"]) for rule in found["rules"]] == [("read", name)]
    with acting(secured, guest, "alice"):
        assert call(*consume).code == 0
        seen = call("whoami", "-o", "json").document
        assert (seen["principal"], seen["authorizer"]) == ("User:alice", True)
        held = {each["name"]: each["rights"] for each in seen["resources"]}
        assert (held[name], held["kafka-cluster"]) == (["read", "describe"], [])
        for line in ("user.list", "acl.list", f"acl.grant alice all {name}", "user.create me"):
            refused = call(*line.split())
            assert "alice lacks the right DESCRIBE on the cluster" in refused.err, line
    with acting(secured, guest, "admin"):
        assert call("acl.revoke", "alice", "read", name, "--yes").code == 6
        sure = ("--yes", "--cluster-id", id)
        gone = call("acl.revoke", "alice", "read", name, "--group", "books", *sure)
        assert gone.code == 0 and gone.out.count("Revoked: ") == 2
        assert call("acl.revoke", "alice", "read", name, *sure).code == 1
    with acting(secured, guest, "alice"):
        assert "lacks the right" in call(*consume).document["error"]["message"]
