from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.cluster import Address
from kafka_tasks.runtimes.remote import RemoteRuntime
from kafka_tasks.settings import Settings, load


@pytest.fixture
def remote(tmp_path: Path) -> Settings:
    """Two brokers of somebody else, with a password."""
    return load(
        tmp_path,
        environ={
            "KAFKA_TASKS_BOOTSTRAP_SERVERS": "a.example:9092,b.example:9093",
            "KAFKA_TASKS_SASL_PASSWORD": "hunter2",
        },
    )


VERBS: dict[str, Callable[[RemoteRuntime, Settings], object]] = {
    "neither started nor stopped": lambda runtime, settings: runtime.start(settings),
    "neither stopped nor started": lambda runtime, settings: runtime.stop(wipe=True),
    "not followed": lambda runtime, settings: runtime.follow("kafka", 1),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_remote_cluster_declines_in_words(remote: Settings, verb: str) -> None:
    """Starting, stopping and following name the cluster and say how to have one of one's own."""
    with pytest.raises(InvalidInput) as caught:
        VERBS[verb](RemoteRuntime(remote), remote)
    assert caught.value.message == (
        "The cluster at a.example:9092,b.example:9093 is run by somebody else and is "
        f"{verb} from here."
    )
    assert "unset KAFKA_TASKS_BOOTSTRAP_SERVERS" in (caught.value.hint or "")


def test_a_remote_cluster_is_where_the_settings_say(remote: Settings) -> None:
    """Addresses and security come from the settings; there is no ZooKeeper to see."""
    runtime = RemoteRuntime(remote)
    found = runtime.cluster(remote)
    assert found.bootstrap == (Address("a.example", 9092), Address("b.example", 9093))
    assert found.zookeeper is None
    assert found.client == {"sasl.password": "hunter2"}
    assert [service.name for service in runtime.services()] == ["kafka", "kafka-2"]


def test_a_remote_cluster_has_nothing_of_ours(remote: Settings) -> None:
    """There is nothing to adopt, to wait out, to prepare or to read; and that is stated as data."""
    runtime = RemoteRuntime(remote)
    runtime.settled()
    assert runtime.adopt() == ()
    assert runtime.unclean() is False
    assert "are not here" in runtime.logs("kafka", 10)[0]
    assert runtime.pull(remote) == ()
    able = runtime.capabilities
    assert (able.lifecycle, able.wipe, able.logs, able.zookeeper) == (False,) * 4
