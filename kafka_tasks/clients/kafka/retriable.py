"""The errors after which the same request may succeed a moment later: the one list.

It is Kafka's own table, the column Retriable of `Errors` in kafka-clients 3.9 and 4.4, and what
librdkafka says where no broker has answered. A topic that one broker does not know is in Kafka's
table too; it is told apart, by asking whether the cluster has it.
"""

from __future__ import annotations

from confluent_kafka import KafkaError

# The errors of brokers, and of the library itself, for a topic that does not exist.
NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)

_UNANSWERED = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        # The library has dropped a broker that went away, with its requests.
        KafkaError._DESTROY_BROKER,
        KafkaError._TIMED_OUT_QUEUE,
        # The server does not speak Kafka, or not to the end.
        KafkaError._BAD_MSG,
        KafkaError._UNDERFLOW,
        KafkaError._PARTIAL,
        KafkaError._MSG_TIMED_OUT,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
    }
)
# A leader, a coordinator or the controller moves, or a replica is not far enough yet.
_NOT_NOW = frozenset(
    {
        KafkaError.INVALID_MSG,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError._WAIT_COORD,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.NOT_CONTROLLER,
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.FETCH_SESSION_ID_NOT_FOUND,
        KafkaError.INVALID_FETCH_SESSION_EPOCH,
        KafkaError.LISTENER_NOT_FOUND,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.PREFERRED_LEADER_NOT_AVAILABLE,
        KafkaError.ELIGIBLE_LEADERS_NOT_AVAILABLE,
        KafkaError.ELECTION_NOT_NEEDED,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError.THROTTLING_QUOTA_EXCEEDED,
        # The library has no names for these.
        100,  # UNKNOWN_TOPIC_ID
        103,  # INCONSISTENT_TOPIC_ID
        106,  # FETCH_SESSION_TOPIC_ID_ERROR
        122,  # SHARE_SESSION_NOT_FOUND
        123,  # INVALID_SHARE_SESSION_EPOCH
        133,  # SHARE_SESSION_LIMIT_REACHED
    }
)

CODES = _UNANSWERED | _NOT_NOW


def is_retriable(error: KafkaError) -> bool:
    """Return True if the same request may succeed a moment later."""
    code = error.code()
    return code not in NO_TOPIC and (code in CODES or bool(error.retriable()))


def was_answered(error: KafkaError) -> bool:
    """Return True if a broker answered that it cannot do this now."""
    return error.code() in _NOT_NOW
