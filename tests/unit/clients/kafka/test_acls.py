"""Rules of an authorizer, as both libraries have them, and rights as brokers tell them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from kafka_tasks.clients.kafka import acls, authorized, each_broker, group_admin
from kafka_tasks.errors import BrokerUnreachable, ClusterError, NoAuthorizer, NotPermitted
from kafka_tasks.model.access import CLUSTER, Resource, Rule
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import zookeeper_cluster
from tests.unit.fakes import FakeAdmin, topic

READ = Rule("User:alice", Resource("topic", "billing.", True), "read")
DENIED = Rule("User:*", CLUSTER, "alter-configs", allows=False, host="10.0.0.1")
_BINDINGS = [
    AclBinding(
        *(ResourceType.TOPIC, "billing.", ResourcePatternType.PREFIXED, "User:alice"),
        *("*", AclOperation.READ, AclPermissionType.ALLOW),
    ),
    AclBinding(
        *(ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL, "User:*"),
        *("10.0.0.1", AclOperation.ALTER_CONFIGS, AclPermissionType.DENY),
    ),
]


def _answer(result: Any = None, code: int = 0) -> Future[Any]:
    found: Future[Any] = Future()
    if code:
        found.set_exception(KafkaException(KafkaError(code, "Request(as Java prints it)")))
    else:
        found.set_result(result)
    return found


class _Library:
    """The library's client, with rules; `held` are the rights on the cluster."""

    def __init__(self) -> None:
        self.found = list(_BINDINGS)
        self.held = [AclOperation.DESCRIBE, AclOperation.ALTER]
        self.code = 0
        self.sent: list[Any] = []

    def describe_acls(self, *_: object, **__: object) -> Future[Any]:
        """Return the rules."""
        return _answer(self.found)

    def describe_cluster(self, **_: object) -> Future[Any]:
        """Return the rights on the cluster."""
        return _answer(SimpleNamespace(authorized_operations=self.held))

    def create_acls(self, wanted: list[Any], **_: object) -> dict[Any, Future[Any]]:
        """Keep new rules."""
        self.sent += wanted
        return {each: _answer(code=self.code) for each in wanted}

    delete_acls = create_acls

    def describe_consumer_groups(self, _: object, **__: object) -> dict[str, Future[Any]]:
        """Return nothing: there are no groups."""
        return {}

    def describe_topics(self, asked: Any, **_: object) -> dict[str, Future[Any]]:
        """Return rights; the topic `gone` was deleted meanwhile."""
        return {
            name: _answer(code=KafkaError.UNKNOWN_TOPIC_OR_PART)
            if name == "gone"
            else _answer(SimpleNamespace(authorized_operations=[AclOperation.DESCRIBE]))
            for name in asked.topic_names
        }


class _Admin(FakeAdmin):
    library: _Library

    @property
    def client(self) -> Any:
        """The library's client."""
        return self.library


@pytest.fixture
def admin() -> Any:
    """A cluster with two rules."""
    found = _Admin()
    found.library = _Library()
    return found


def test_rules_of_both_libraries_are_the_same(admin: Any) -> None:
    """So that each broker's can be compared."""
    assert set(acls.rules(admin)) == {READ, DENIED}
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern
    from kafka.admin import ACLResourcePatternType as Form
    from kafka.admin import ResourceType as Kind

    one = ACL(
        *("User:alice", "*", ACLOperation.READ, ACLPermissionType.ALLOW),
        ResourcePattern(Kind.TOPIC, "billing.", Form.PREFIXED),
    )
    two = ACL(
        *("User:*", "10.0.0.1", ACLOperation.ALTER_CONFIGS, ACLPermissionType.DENY),
        ResourcePattern(Kind.CLUSTER, "kafka-cluster"),
    )
    client = SimpleNamespace(describe_acls=lambda _: ([one, two], None))
    assert set(map(acls._rule, each_broker.rules_of(client))) == {READ, DENIED}


def test_each_broker_shows_what_should_be_there(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of what should be gone."""
    monkeypatch.setattr(each_broker, "rules_of", lambda _: _BINDINGS[:1])
    monkeypatch.setattr(
        each_broker, "until_each_shows", lambda _, shows, *__, **___: int(shows(None))
    )
    assert acls.until_known(admin, present=[READ], absent=[DENIED]) == 1
    assert acls.until_known(admin, present=[DENIED]) == 0
    assert acls.until_known(admin, absent=[READ]) == 0


def test_rules_are_sent_exactly(admin: Any) -> None:
    """A revocation names user, host and pattern."""
    acls.grant(admin, [READ])
    assert admin.library.sent == [_BINDINGS[0]]
    admin.library.sent.clear()
    acls.revoke(admin, [DENIED])
    (sent,) = admin.library.sent
    assert (sent.principal, sent.host, sent.name) == ("User:*", "10.0.0.1", "kafka-cluster")
    assert sent.resource_pattern_type is ResourcePatternType.LITERAL


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (KafkaError.SECURITY_DISABLED, NoAuthorizer, "The cluster has no authorizer"),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, NotPermitted, "right ALTER on the cluster"),
        (KafkaError.REQUEST_TIMED_OUT, BrokerUnreachable, "may still happen"),
        (KafkaError.INVALID_REQUEST, ClusterError, "Failed: grant the right"),
    ],
)
def test_errors_of_changes_are_sentences(admin: Any, code: int, kind: type, said: str) -> None:
    """Without the broker's request, which it prints where a right is missing."""
    admin.library.code = code
    with pytest.raises(kind, match=said) as caught:
        acls.grant(admin, [READ])
    if kind is NotPermitted:
        assert caught.value.evidence == ("CLUSTER_AUTHORIZATION_FAILED: grant the right",)  # type: ignore[attr-defined]


def test_a_listing_that_is_not_permitted_is_not_asked_for(admin: Any) -> None:
    """The library takes the refusal for an empty list."""
    admin.library.held = None
    with pytest.raises(NotPermitted, match="DESCRIBE on the cluster"):
        acls.rules(admin)


def test_an_empty_list_may_mean_that_there_is_no_authorizer(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other library tells."""
    from kafka.errors import SecurityDisabledError

    def refuse(_: object) -> None:
        raise SecurityDisabledError

    client = SimpleNamespace(describe_acls=refuse, close=lambda: None)
    admin.library.found = []
    monkeypatch.setattr(each_broker, "connected", lambda _: client)
    with pytest.raises(NoAuthorizer):
        acls.rules(admin)
    client.describe_acls = lambda _: ([], None)
    assert acls.rules(admin) == []


def test_a_cluster_that_was_started_with_an_authorizer_is_not_asked_for_one(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other library takes 0.4 s of CPU to load."""
    secured = replace(zookeeper_cluster(1), security=Security("scram", acl=True))
    cluster = replace(admin.cluster, topology=secured)
    monkeypatch.setattr(_Admin, "cluster", cluster)
    monkeypatch.setattr(each_broker, "lacks_authorizer", lambda _: pytest.fail("it was asked"))
    admin.library.found = []
    assert acls.rules(admin) == []


def test_rights_are_those_that_brokers_tell(admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the cluster, and on each topic that is still there."""
    monkeypatch.setattr(group_admin, "listed", lambda _: {})
    admin.there = {"t": topic("t"), "gone": topic("gone")}
    assert authorized.rights(admin) == {
        CLUSTER: ("alter", "describe"),
        Resource("topic", "t"): ("describe",),
    }
