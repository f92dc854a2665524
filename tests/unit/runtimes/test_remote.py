from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.address import Address
from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.runtimes.remote import RemoteRuntime
from kafka_tasks.settings import Settings, load


@pytest.fixture
def remote(tmp_path: Path) -> Settings:
    """Two brokers of a remote cluster, with a password."""
    return load(
        tmp_path,
        environ={
            "KAFKA_TASKS_BOOTSTRAP_SERVERS": "a.example:9092,b.example:9093",
            "KAFKA_TASKS_SASL_PASSWORD": "hunter2",
        },
    )


def test_a_remote_cluster_is_where_the_settings_say(remote: Settings) -> None:
    """Addresses and security come from the settings; there is no ZooKeeper to see."""
    runtime = RemoteRuntime(remote)
    found = runtime.plan(remote)
    assert found.bootstrap == (Address("a.example", 9092), Address("b.example", 9093))
    assert found.zookeeper is None
    assert (found.brokers, found.topology.names) == (1, ())
    assert found.client == {"sasl.password": "hunter2"}
    seen = runtime.observe()
    assert seen.names == ("kafka", "kafka-2")
    assert [str(each.address) for each in seen.services] == ["a.example:9092", "b.example:9093"]


def test_a_remote_cluster_is_able_to_do_nothing(remote: Settings) -> None:
    """It can be looked at; that it cannot be started, repaired or saved is stated as data."""
    assert RemoteRuntime(remote).abilities == Abilities()


def test_a_remote_cluster_declines_in_words(remote: Settings, project: Project) -> None:
    """Each ability that is asked for names the cluster and says how to use one of your own."""
    session = Session(project, remote, RemoteRuntime(remote), "test", Recorder())
    assert not session.is_local
    assert session.logs("kafka", 10) == []
    for ability in (session.servers, session.recovery, session.preparation, session.data):
        with pytest.raises(InvalidInput) as caught:
            ability()
        assert caught.value.message.startswith(
            "The cluster at a.example:9092,b.example:9093 is a remote cluster: kafka-tasks does not"
        )
        assert "unset KAFKA_TASKS_BOOTSTRAP_SERVERS" in (caught.value.hint or "")
