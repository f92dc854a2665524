"""Asking a coordinator again: it is looked for, or reads its log, for a moment after a start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka.connection import is_away, translate
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy

T = TypeVar("T")


def patiently(attempt: Callable[[], T], what: str, timeout_s: float) -> T:
    """Try until the coordinator answers; raises what `translate` makes of the last error."""
    last: list[KafkaException] = []

    def check() -> T:
        try:
            return attempt()
        except KafkaException as error:
            cause = error.args[0]
            if is_away(cause) or cause.code() == KafkaError._WAIT_COORD:
                last[:] = [error]
                raise NotYet(cause.str()) from error
            raise translate(error, what) from error

    try:
        return RetryPolicy(first_s=0.05, cap_s=0.25).until(check, Deadline.after(timeout_s))
    except OutOfTime as error:
        raise translate(last[0], what) from error
