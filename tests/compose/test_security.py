"""What containers are told of secrets."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.compose.conftest import Bench

ENVIRONMENT, DOTENV, BROKER = "Pl4nt3dEnvironmentWord", "Pl4nt3dDotenvWord", "Pl4nt3dBrokerWord"


def test_containers_are_not_told_secrets(project: Bench) -> None:
    """A password of the environment or of .env is in no container; a broker's own is in its."""
    (project.path / ".env").write_text(
        f"KAFKA_TASKS_SSL_KEY_PASSWORD={DOTENV}\nKAFKA_SSL_KEY_PASSWORD={DOTENV}\n"
    )
    properties = project.path / "broker.properties"
    properties.write_text(f"ssl.keystore.password={BROKER}\n")
    project.environ |= {
        "KAFKA_TASKS_SASL_PASSWORD": ENVIRONMENT,
        "CI_REGISTRY_PASSWORD": ENVIRONMENT,
        "KAFKA_TASKS_BROKER_PROPERTIES": str(properties),
    }
    started = project.run("up")
    assert started.code == 0, started.err
    told = {name: json.dumps(c.attrs) for name, c in project.containers.items()}
    for name, attributes in told.items():
        assert ENVIRONMENT not in attributes and DOTENV not in attributes, name
        assert "KAFKA_TASKS_" not in attributes
    assert BROKER not in told["zookeeper"]
    # The image takes properties from its environment alone.
    assert f"KAFKA_SSL_KEYSTORE_PASSWORD={BROKER}" in json.loads(told["kafka"])["Config"]["Env"]
    said = [started.out, started.err]
    for line in ("status", "config", "env", "doctor", "doctor --bundle b.tar.gz", "logs", "verify"):
        done = project.run(*line.split())
        said += [done.out, done.err]
    for name in project.containers:
        said.append(project.containers[name].logs().decode(errors="replace"))
    assert not [word for word in (ENVIRONMENT, DOTENV, BROKER) for text in said if word in text]
    override = [path for path in (project.path / ".kafka-tasks").rglob("*") if path.is_file()]
    having = {path for path in override if BROKER.encode() in path.read_bytes()}
    assert {path.parent.name for path in having} == {"conf"}
    assert {_mode(path) for path in having} == {0o600}
    others = {
        path
        for path in override
        if ENVIRONMENT.encode() in path.read_bytes() or DOTENV.encode() in path.read_bytes()
    }
    assert not others


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
