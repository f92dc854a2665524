"""Answers of brokers that start: asked again until they count, and no longer than allowed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigSource

from kafka_tasks.clients.kafka import changes, group_admin, lasting_client, offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.answers import TopicsAnswer
from kafka_tasks.clients.kafka.retriable import is_retriable
from kafka_tasks.errors import BrokerUnreachable, ClusterError, TopicMissing
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import Offsets

_UNKNOWN = KafkaError.UNKNOWN_TOPIC_OR_PART


def metadata(*names: str, error: int | None = None) -> Any:
    """What a broker answers; with an error the topics have no partitions."""
    partition = SimpleNamespace(leader=1, replicas=[1], isrs=[1])
    told = None if error is None else KafkaError(error)
    topics = {
        name: SimpleNamespace(topic=name, error=told, partitions={} if told else {0: partition})
        for name in names
    }
    broker = SimpleNamespace(host="localhost", port=9092)
    return SimpleNamespace(cluster_id="c", controller_id=1, brokers={1: broker}, topics=topics)


def failed(code: int) -> KafkaException:
    """The error of a request."""
    return KafkaException(KafkaError(code))


class _Client:
    """A client whose answers come one after the other; the last one comes again."""

    def __init__(self, *_: object, **__: object) -> None:
        self.shown: list[Any] = []
        self.told: list[Any] = []

    def _next(self, answers: list[Any]) -> Any:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def list_topics(self, *_: object, **__: object) -> Any:
        """Return metadata."""
        return self._next(self.shown)

    def _future(self) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self._next(self.told))
        except KafkaException as error:
            future.set_exception(error)
        return future

    def describe_configs(self, asked: list[Any], **_: object) -> dict[Any, Future[Any]]:
        """Return settings."""
        return {resource: self._future() for resource in asked}

    def list_offsets(self, asked: dict[Any, Any], **_: object) -> dict[Any, Future[Any]]:
        """Return offsets."""
        return {place: self._future() for place in asked}


class _Judge:
    """Doubts answers that lack a topic that it knows."""

    def __init__(self, *known: str) -> None:
        self.known, self.asked = set(known), 0

    def doubt(self, answer: TopicsAnswer, timeout_s: float) -> str | None:
        """Return what is missing."""
        self.asked += 1
        shown = answer.view.topics if answer.whole else self.known - answer.lacking
        missing = self.known - shown
        return f"{min(missing)} is not shown yet" if missing else None


Made = Callable[..., tuple[Admin, Any, _Judge]]


@pytest.fixture
def made(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Make a connection whose broker shows these answers, and a judge that knows these topics."""
    monkeypatch.setattr(lasting_client, "AdminClient", _Client)

    def make(*shown: Any, known: tuple[str, ...] = (), told: Any = ()) -> Any:
        judge = _Judge(*known)
        admin = Admin(cluster, completeness=judge)
        client: Any = admin.client
        client.shown, client.told = list(shown), list(told)
        return admin, client, judge

    return make


def test_an_empty_cache_is_asked_again(made: Made) -> None:
    """The topics are those of the answer that has all of them."""
    admin, _, judge = made(metadata(), metadata("a"), metadata("a", "b"), known=("a", "b"))
    assert set(admin.topics()) == {"a", "b"}
    assert judge.asked == 3


def test_one_topic_that_is_shown_needs_no_proof(made: Made) -> None:
    """Nobody is asked about an answer that is what was wanted."""
    admin, _, judge = made(metadata("a"), known=("a", "b"))
    assert set(admin.topics(name="a")) == {"a"}
    assert judge.asked == 0


def test_one_topic_that_is_missing_needs_proof(made: Made) -> None:
    """It is missing when nobody knows of it."""
    admin, _, judge = made(metadata("a", error=_UNKNOWN), metadata("a"), known=("a",))
    assert set(admin.topics(name="a")) == {"a"}
    assert judge.asked == 1
    admin, _, _ = made(metadata("b", error=_UNKNOWN), known=("a",))
    assert admin.topics(name="b") == {}
    assert admin.describe("b") is None


def test_topics_that_are_never_shown_are_not_ready(made: Made) -> None:
    """After the limit it is exit 5, and what is missing is named."""
    admin, _, _ = made(metadata(), known=("a",))
    with pytest.raises(BrokerUnreachable, match="did not show all topics within 2 s") as caught:
        admin.topics(timeout_s=2.0)
    assert caught.value.evidence == ("a is not shown yet",)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, ClusterError),
        (KafkaError.LEADER_NOT_AVAILABLE, BrokerUnreachable),
    ],
)
def test_a_topic_that_the_broker_does_not_tell_of_is_not_missing(
    made: Made, code: int, kind: type[Exception]
) -> None:
    """A right that lacks, or a leader that is not there yet, is said as such."""
    admin, _, _ = made(metadata("a", error=code))
    with pytest.raises(kind):
        admin.topics(name="a", timeout_s=1.0)


def test_what_is_seen_at_the_moment_is_not_judged(made: Made) -> None:
    """Waits and reports take what some broker shows."""
    admin, _, judge = made(metadata(), known=("a",))
    assert admin.seen() == {}
    assert judge.asked == 0


def test_a_broker_without_cluster_or_brokers_is_asked_again(made: Made) -> None:
    """The first answers of a broker that starts name neither."""
    early = metadata()
    early.cluster_id = None
    admin, _, _ = made(early, failed(KafkaError._TRANSPORT), metadata())
    assert admin.view().cluster_id == "c"


def _settings(**values: str) -> dict[str, Any]:
    source = ConfigSource.DEFAULT_CONFIG.value
    return {
        name: SimpleNamespace(name=name, value=value, source=source, is_sensitive=False)
        for name, value in values.items()
    }


def test_settings_are_read_again_where_the_broker_does_not_know_the_topic_yet(made: Made) -> None:
    """The cluster has the topic, so that one broker's word does not count."""
    told = (failed(_UNKNOWN), failed(KafkaError._TIMED_OUT), _settings(retention="1"))
    admin, _, _ = made(metadata("a"), known=("a",), told=told)
    assert admin.configs(["a"])["a"]["retention"].value == "1"


def test_settings_of_a_topic_that_is_gone_are_none(made: Made) -> None:
    """It is an error, or left out."""
    admin, _, _ = made(metadata(), told=(failed(_UNKNOWN),))
    assert admin.configs(["a"], missing_ok=True) == {}
    with pytest.raises(TopicMissing, match="describe topic a"):
        admin.configs(["a"])


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError._NOENT,
        _UNKNOWN,
    ],
)
def test_offsets_are_read_again_while_leaders_move(made: Made, code: int) -> None:
    """What passes is not seen, and a topic that the cluster has is not deleted."""
    told = (failed(code), SimpleNamespace(offset=4))
    admin, _, _ = made(metadata("a"), known=("a",), told=told)
    assert offsets.ranges(admin, [("a", 0)]) == {("a", 0): Offsets(4, 4)}


def test_a_request_that_is_never_answered_ends_in_time(made: Made) -> None:
    """The last error is the one that is said."""
    admin, _, _ = made(metadata("a"), told=(failed(KafkaError.NOT_LEADER_FOR_PARTITION),))
    with pytest.raises(BrokerUnreachable, match="The cluster was not ready: offsets of a-0"):
        offsets.ranges(admin, [("a", 0)], timeout_s=2.0)


@pytest.mark.parametrize(
    ("code", "again"),
    [
        (KafkaError._TRANSPORT, True),
        (KafkaError.NETWORK_EXCEPTION, True),
        (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, True),
        (KafkaError.NOT_ENOUGH_REPLICAS, True),
        (KafkaError.UNKNOWN_LEADER_EPOCH, True),
        (100, True),
        # Whether the cluster has the topic is asked instead.
        (_UNKNOWN, False),
        (KafkaError._UNKNOWN_TOPIC, False),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, False),
        (KafkaError.INVALID_CONFIG, False),
    ],
)
def test_errors_that_pass_are_in_one_list(code: int, again: bool) -> None:
    """Whatever it is, the same request may succeed a moment later."""
    assert is_retriable(KafkaError(code)) is again


def test_a_trim_without_an_answer_may_still_happen(made: Made) -> None:
    """Nobody knows, and the command that looks is the hint."""
    admin, client, _ = made(metadata("a"))
    late: Future[Any] = Future()
    late.set_exception(failed(KafkaError._TIMED_OUT))
    client.delete_records = lambda asked, **_: dict.fromkeys(asked, late)
    with pytest.raises(BrokerUnreachable, match="not answered in time, and may still") as caught:
        changes.trim(admin, "a", {0: 5}, timeout_s=2.0)
    assert caught.value.hint == "invoke kafka.topic.describe a"
    assert "_TIMED_OUT" in caught.value.evidence[0]


@pytest.mark.parametrize(
    ("second", "gone"),
    [(KafkaError.GROUP_ID_NOT_FOUND, True), (KafkaError._TIMED_OUT, False)],
)
def test_a_group_whose_deletion_was_not_answered(made: Made, second: int, gone: bool) -> None:
    """It is gone where the next request finds none; else it may still happen."""
    admin, client, _ = made(metadata(), told=(failed(KafkaError._TIMED_OUT), failed(second)))
    client.delete_consumer_groups = lambda names, **_: {name: client._future() for name in names}
    error = group_admin.delete(admin, ["readers"], timeout_s=2.0)["readers"]
    if gone:
        assert error is None
    else:
        assert error is not None and "may still happen" in error.message
        assert error.hint == "invoke kafka.group.list"
