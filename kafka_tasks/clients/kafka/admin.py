"""Reads the cluster and its topics, through the AdminClient of confluent-kafka."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ResourceType,
    TopicMetadata,
)

from kafka_tasks.clients.kafka.answers import (
    ClusterView,
    Completeness,
    TopicsAnswer,
    config_value_of,
    states_of,
    view_of,
)
from kafka_tasks.clients.kafka.connection import awaited, not_yet, translate
from kafka_tasks.clients.kafka.lasting_client import LastingClient
from kafka_tasks.clients.kafka.pace import Pace
from kafka_tasks.clients.kafka.permissions import Right, needing, settings_of
from kafka_tasks.clients.kafka.retriable import NO_TOPIC
from kafka_tasks.errors import BrokerUnreachable, CannotConnect, NotPermitted, TopicMissing
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import NOT_VISIBLE, ConfigValue, TopicState
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy

# Seconds for a request that reads, and for one that changes something, by default.
ANSWER_S = 10.0
CHANGE_S = 30.0
_PORTION = 250

_T = TypeVar("_T")


class Admin:
    """A connection to one cluster, or to one address of it. Use it with `with`.

    `timeout_s` is the limit for an answer, in seconds, unless a request has its own.
    `completeness` judges answers about topics; without it, the first one counts.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        bootstrap: str | None = None,
        policy: RetryPolicy | None = None,
        timeout_s: float | None = None,
        completeness: Completeness | None = None,
    ) -> None:
        self._cluster = cluster
        self._completeness = completeness
        self._timeout_s = timeout_s
        self._policy = policy or RetryPolicy()
        self._pace = Pace(remote=cluster.is_remote)
        self.connection = LastingClient(cluster, bootstrap)

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def cluster(self) -> Cluster:
        """The cluster that it is connected to."""
        return self._cluster

    @property
    def client(self) -> AdminClient:
        """The client of the library, for the modules beside this one, and for one request."""
        return self.connection.current

    def limit(self, asked_s: float | None, usual_s: float) -> float:
        """Return the seconds for an answer: of the request, the connection, or the usual."""
        return next(given for given in (asked_s, self._timeout_s, usual_s) if given is not None)

    def require_contact(self, timeout_s: float | None = None) -> None:
        """Return once a remote cluster has answered; ask nothing of one that is started here.

        Raises `CannotConnect` where it refuses the settings, and `BrokerUnreachable`.
        """
        contact = self.connection.contact
        if contact is not None:
            contact.require(self.client, self.limit(timeout_s, ANSWER_S))

    def look(self, timeout_s: float | None = None) -> ClusterView:
        """Request the metadata once; raises `BrokerUnreachable` without an answer in time."""
        return view_of(self._metadata(timeout_s or self._pace.slice_s))

    def overview(self, timeout_s: float) -> tuple[ClusterView, dict[str, TopicState]]:
        """Request the metadata once, and return what it says of the cluster and of all topics."""
        metadata = self._metadata(timeout_s)
        return view_of(metadata), states_of(metadata)

    def of_each_broker(self, timeout_s: float) -> Iterator[dict[str, TopicState]]:
        """Yield the topics that each registered broker shows, of those that answer in time."""
        for address in self.look(timeout_s).brokers.values():
            # A connection that lasts would learn of the other brokers and ask any of them.
            with (
                contextlib.suppress(BrokerUnreachable, CannotConnect),
                Admin(self._cluster, bootstrap=str(address)) as one,
            ):
                yield one.overview(timeout_s)[1]

    def view(self, timeout_s: float | None = None) -> ClusterView:
        """Return metadata that names the cluster and at least one broker."""

        def attempt(seconds: float) -> ClusterView:
            found = self.look(min(self._pace.whole_s, seconds))
            if found.cluster_id is None or not found.brokers:
                raise NotYet("the broker does not know its cluster yet")
            return found

        return self.persistently(attempt, self.limit(timeout_s, ANSWER_S))

    def racks(self, timeout_s: float | None = None) -> dict[int, str]:
        """Return the rack of each broker that has one."""

        def attempt(seconds: float) -> dict[int, str]:
            future = self.client.describe_cluster(request_timeout=seconds)
            found = awaited(future, "describe the cluster", seconds)
            return {node.id: str(node.rack) for node in found.nodes if node.rack}

        return self.persistently(attempt, self.limit(timeout_s, ANSWER_S))

    def persistently(self, attempt: Callable[[float], _T], limit_s: float) -> _T:
        """Return what `attempt(seconds)` returns, called again while the cluster is not ready.

        It raises `NotYet`, or the error of a request. After the limit, raises `BrokerUnreachable`.
        """
        deadline = Deadline.after(limit_s)
        last: list[BrokerUnreachable] = []

        def check() -> _T:
            last.clear()
            try:
                # A request may be lost with its broker: the next one still has its time.
                return attempt(max(0.5, min(ANSWER_S, limit_s / 2, deadline.remaining())))
            except BrokerUnreachable as error:
                self.connection.unanswered()
                last.append(error)
                raise not_yet(error) from error

        try:
            return self._policy.until(check, deadline)
        except OutOfTime as error:
            raise last[0] if last else self._not_ready(limit_s, str(error)) from error

    def still_there(self, names: Collection[str]) -> set[str]:
        """Return those of these names that the cluster has; an empty cache is not believed."""
        return set(names) & set(self.topics(expected=names)) if names else set()

    def answers_as(self, broker_id: int, timeout_s: float) -> None:
        """Ask the broker at its advertised address whether it has this id.

        Raises `BrokerUnreachable` without an answer, `ClusterError` where another broker answers.
        """
        resource = ConfigResource(ResourceType.BROKER, str(broker_id))
        future = self.client.describe_configs([resource], request_timeout=timeout_s)[resource]
        needed = needing(Right(self._cluster, "DESCRIBE_CONFIGS", "cluster"))
        awaited(future, f"broker {broker_id} at its advertised address", timeout_s, needed)

    def topics(
        self,
        *,
        timeout_s: float | None = None,
        name: str | None = None,
        expected: Collection[str] = (),
    ) -> dict[str, TopicState]:
        """Return all topics, or the one with this name, without their settings.

        One broker's empty cache is not the cluster's answer: with `completeness`, an answer counts
        when that has no doubt. `expected` are names whose absence needs proof.
        """
        limit = self.limit(timeout_s, ANSWER_S)
        deadline = Deadline.after(limit)
        wanted = frozenset(expected if name is None else (name,))
        doubts: list[str] = []

        def check() -> dict[str, TopicState]:
            doubts.clear()
            metadata, found = self._answer(min(self._pace.whole_s, limit), name)
            doubt = self._doubt(metadata, wanted - set(found), name, deadline)
            if doubt is not None:
                doubts.append(doubt)
                raise NotYet(doubt)
            return found

        try:
            return self._policy.until(check, deadline)
        except OutOfTime as error:
            raise self._unanswered(limit, str(error), bool(doubts)) from error

    def seen(
        self, *, timeout_s: float | None = None, name: str | None = None
    ) -> dict[str, TopicState]:
        """Return the topics that some broker shows at the moment, for waits and reports."""
        limit = self.limit(timeout_s, ANSWER_S)
        try:
            return self._policy.until(
                lambda: self._answer(min(self._pace.whole_s, limit), name)[1],
                Deadline.after(limit),
            )
        except OutOfTime as error:
            raise self._unanswered(limit, str(error), False) from error

    def _answer(
        self, timeout_s: float, name: str | None
    ) -> tuple[ClusterMetadata, dict[str, TopicState]]:
        try:
            metadata = self._metadata(timeout_s, name)
        except BrokerUnreachable as error:
            raise not_yet(error) from error
        if name is not None:
            self._require_told(metadata.topics.get(name))
        return metadata, states_of(metadata)

    def _require_told(self, topic: TopicMetadata | None) -> None:
        """Raise where the broker told neither of the topic nor that it does not know it."""
        error = topic.error if topic is not None and not topic.partitions else None
        if topic is None or error is None or error.code() in NO_TOPIC:
            return
        needed = Right(self._cluster, "DESCRIBE", "topic", str(topic.topic))
        told = needing(needed)(KafkaException(error), f"describe topic {topic.topic}")
        raise not_yet(told) if isinstance(told, BrokerUnreachable) else told

    def _doubt(
        self, found: ClusterMetadata, lacking: frozenset[str], name: str | None, deadline: Deadline
    ) -> str | None:
        """Return why the answer may lack topics; the topic that was asked for alone is proof."""
        if self._completeness is None or (name is not None and not lacking):
            return None
        answer = TopicsAnswer(view_of(found), lacking, whole=name is None)
        return self._completeness.doubt(answer, max(1.0, deadline.remaining()))

    def _unanswered(self, limit: float, why: str, incomplete: bool) -> BrokerUnreachable:
        where = self._cluster.bootstrap_servers
        said = f"No broker answered at {where} within {limit:g} s."
        if incomplete:
            said = f"The brokers at {where} did not show all topics within {limit:g} s."
        return BrokerUnreachable(said, evidence=(why,), hint="invoke kafka.status")

    def _not_ready(self, limit: float, why: str) -> BrokerUnreachable:
        return BrokerUnreachable(
            f"The cluster at {self._cluster.bootstrap_servers} was not ready within {limit:g} s.",
            evidence=(why,),
            hint="invoke kafka.status",
        )

    def configs(
        self, names: Iterable[str], *, timeout_s: float | None = None, missing_ok: bool = False
    ) -> dict[str, Mapping[str, ConfigValue]]:
        """Return the settings of these topics, or `NOT_VISIBLE`, with the source of each value.

        Missing topics raise `TopicMissing`, or are left out. Requests go out in portions: a single
        one takes 37 MB of memory for each 1,000 topics.
        """
        left, found = list(names), dict[str, Mapping[str, ConfigValue]]()

        def attempt(seconds: float) -> None:
            self._read_configs(left, found, seconds)
            left[:] = [name for name in left if name not in found]
            if left and (there := self.still_there(left)):
                raise NotYet(f"the broker does not know the topic {min(there)} yet")

        self.persistently(attempt, self.limit(timeout_s, ANSWER_S))
        if left and not missing_ok:
            raise TopicMissing(
                f"The topic does not exist: describe topic {left[0]}.",
                hint="invoke kafka.topic.list",
            )
        return found

    def _read_configs(
        self, wanted: Sequence[str], found: dict[str, Mapping[str, ConfigValue]], limit: float
    ) -> None:
        """Add the settings of those topics that the broker knows to `found`, as they come."""
        portions = [wanted[at : at + _PORTION] for at in range(0, len(wanted), _PORTION)]
        ahead = self._ask_configs(portions[0], limit) if portions else {}
        for at in range(len(portions)):
            under_way = ahead
            # The broker prepares the next portion while this one is read.
            ahead = self._ask_configs(portions[at + 1], limit) if at + 1 < len(portions) else {}
            for name, future in under_way.items():
                try:
                    needed = needing(settings_of(self._cluster, name))
                    entries = awaited(future, f"describe topic {name}", limit, needed)
                except TopicMissing:
                    continue
                except NotPermitted:
                    found[name] = NOT_VISIBLE
                    continue
                found[name] = {entry.name: config_value_of(entry) for entry in entries.values()}

    def _ask_configs(self, names: Sequence[str], timeout_s: float) -> dict[str, Future[Any]]:
        asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self.client.describe_configs(asked, request_timeout=timeout_s)
        return {resource.name: future for resource, future in futures.items()}

    def describe(self, name: str, *, timeout_s: float | None = None) -> TopicState | None:
        """Return one topic, with its settings where they are visible, or None."""
        state = self.topics(timeout_s=timeout_s, name=name).get(name)
        if state is None:
            return None
        config = self.configs([name], timeout_s=timeout_s)[name]
        return TopicState(state.name, state.partitions, config)

    def _metadata(self, timeout_s: float, topic: str | None = None) -> ClusterMetadata:
        try:
            self.require_contact(timeout_s)
            contact, client = self.connection.contact, self.client
            with contact.watched(client) if contact else contextlib.nullcontext():
                found = client.list_topics(*filter(None, [topic]), timeout=timeout_s)
        except (BrokerUnreachable, KafkaException) as error:
            self._pace.silent()
            self.connection.unanswered()
            if isinstance(error, BrokerUnreachable):
                raise
            raise translate(error, f"metadata from {self._cluster.bootstrap_servers}") from error
        except (UnicodeDecodeError, SystemError) as error:
            raise BrokerUnreachable(
                f"The server at {self._cluster.bootstrap_servers} is not a Kafka broker.",
                evidence=(str(error),),
                hint="invoke kafka.config shows the addresses",
            ) from error
        self.connection.answered()
        return found
