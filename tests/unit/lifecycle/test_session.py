from __future__ import annotations

import pytest

from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.testing import FakeRuntime


def test_nothing_is_asked_of_a_cluster_that_does_not_run(session: Session) -> None:
    """Exit 5 at once, with the command that starts it."""
    with pytest.raises(NotReady, match="No cluster is running in") as caught:
        session.require_running()
    assert (caught.value.exit_code, caught.value.hint) == (5, "invoke kafka.up")
    up(session)
    session.require_running()


@pytest.mark.parametrize(("end", "word"), [("kill", "has exited"), ("suspend", "is suspended")])
def test_a_broker_that_cannot_answer_is_not_waited_for(
    session: Session, runtime: FakeRuntime, end: str, word: str
) -> None:
    """Dead or held by a signal: it is named, whatever ZooKeeper does."""
    up(session)
    getattr(runtime, end)("kafka")
    with pytest.raises(NotReady, match=f"kafka {word}") as caught:
        session.require_running()
    assert (caught.value.layer, caught.value.service) == ("process", "kafka")


def test_one_broker_of_several_is_enough(session: Session, runtime: FakeRuntime) -> None:
    """The others answer for the one that is gone."""
    from dataclasses import replace

    three = replace(session, settings=replace(session.settings, brokers=3))
    up(three)
    runtime.kill("kafka")
    three.require_running()
