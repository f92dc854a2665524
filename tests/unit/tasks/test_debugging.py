from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from kafka_tasks.program import KafkaTasks
from kafka_tasks.tasks import kafka

_KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvplanted\n-----END PRIVATE KEY-----\n"


def test_debugging_prints_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invoke shows each configuration file that it reads, and its own variables."""
    declared = {"prod": {"bootstrap_servers": "h:1", "sasl_password": "planted-'\"2"}}
    settings = {"sasl_password": "planted-1", "ssl_key_pem": _KEY, "contexts": declared}
    (tmp_path / "invoke.json").write_text(json.dumps({"kafka": settings}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INVOKE_KAFKA_SASL_PASSWORD", "planted-3")
    program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
    with caplog.at_level(logging.DEBUG, "invoke"):
        program.run(["kafka-tasks", "-d", "config"])
    said = caplog.text
    assert "Per-project config file" in said and "'sasl_password': ***" in said
    assert "planted" not in said
