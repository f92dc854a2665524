"""What a user is told who lacks a right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka.permissions import Right, needing, require_settings
from kafka_tasks.errors import BrokerUnreachable, NotPermitted
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import NOT_VISIBLE, TopicState
from kafka_tasks.model.topology import Topology

_CLUSTER = Cluster(Path(), "remote", Topology(), (Address("k", 9092),), 1)
_ALICE = replace(_CLUSTER, client={"sasl.username": "alice"})


@pytest.mark.parametrize(
    ("right", "message", "granted"),
    [
        (
            Right(_ALICE, "DESCRIBE_CONFIGS", "topic", "t"),
            "User alice lacks the right DESCRIBE_CONFIGS on topic t.",
            "invoke kafka.acl.grant alice describe-configs t",
        ),
        (
            Right(_CLUSTER, "ALTER", "cluster"),
            "The user of this connection lacks the right ALTER on the cluster.",
            "invoke kafka.acl.grant NAME alter cluster:",
        ),
    ],
)
def test_user_right_and_resource_are_named(right: Right, message: str, granted: str) -> None:
    """The hint is the command of an administrator; the evidence is the broker's code."""
    refused = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    told = needing(right)(refused, "describe it")
    assert isinstance(told, NotPermitted)
    assert (told.message, told.exit_code) == (message, 1)
    assert told.evidence[0].startswith("TOPIC_AUTHORIZATION_FAILED: describe it")
    assert told.hint is not None and told.hint.endswith(granted)


def test_the_hint_can_be_pasted() -> None:
    """Names are quoted for a shell; a group has its kind."""
    odd = replace(_CLUSTER, client={"sasl.username": "al ice"})
    hint = Right(odd, "READ", "group", "a").missing("refused").hint
    assert str(hint).endswith(": invoke kafka.acl.grant 'al ice' read group:a")


def test_other_errors_are_translated_as_ever() -> None:
    """A broker that does not answer refuses nothing."""
    silent = KafkaException(KafkaError(KafkaError._TRANSPORT))
    told = needing(Right(_ALICE, "READ", "topic", "t"))(silent, "read")
    assert type(told) is BrokerUnreachable


def test_hidden_settings_are_needed_by_some() -> None:
    """A topic whose settings are hidden is told from one that has none."""
    require_settings(_ALICE, TopicState("t", ()))
    hidden = TopicState("t", (), NOT_VISIBLE)
    assert not hidden.shows_settings
    with pytest.raises(NotPermitted, match="DESCRIBE_CONFIGS on topic t"):
        require_settings(_ALICE, hidden)
