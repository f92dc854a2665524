"""Real texts, as the package or its users write them, for the fuzzer to damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.topics.test_topics_yaml import EXAMPLE

_TOP = Path(__file__).parents[2]
LOGS = _TOP / "tests" / "unit" / "diagnosis" / "signatures"

ENV = (
    (_TOP / ".env.example").read_bytes(),
    b"KAFKA_TASKS_RUNTIME=embedded\nKAFKA_TASKS_PORT=auto\nKAFKA_TASKS_ZOOKEEPER_PORT=auto\n",
    b"# ours\nexport KAFKA_TASKS_BROKERS=3\nKAFKA_TASKS_HEAP='1g'\nKAFKA_TASKS_TIMEOUT=90.5\n",
    b'DB_URL=postgres://x\nKAFKA_TASKS_SASL_PASSWORD="s3cr\\"et"\n'
    b"KAFKA_TASKS_BOOTSTRAP_SERVERS=a.example:9092,[::1]:9093\n",
    b"KAFKA_TASKS_KAFKA_IMAGE=registry:5000/cp-kafka:7.9.6\r\nOTHER\r\n"
    b"KAFKA_TASKS_TOPICS_FILE=${HOME}/topics.yaml\r\n",
)

STATE: dict[str, Any] = {
    "schema": 1,
    "runtime": "embedded",
    "wanted": "running",
    "version": "7.9.6",
    "kafka_version": "3.9.1",
    "brokers": 2,
    "port": 20432,
    "zookeeper_port": 20440,
    "changed_at": 1763400000.25,
    "services": [
        {
            "name": name,
            "port": port,
            "token": "6f1203f7508a7c6da51070dd47b8507f",
            "pid": 4123 + port,
            "started_s": 3121.54,
            "command": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
        for name, port in (("zookeeper", 20440), ("kafka", 20432), ("kafka-2", 20433))
    ],
    "auto_ports": ["port", "zookeeper_port"],
    "fingerprint": {"version": "7.9.6", "brokers": "2", "port": "auto", "heap": "512m"},
    "compose_project": None,
}
# What is written now: a role and a port for each service.
CLUSTER: dict[str, Any] = {
    "schema": 2,
    **{key: STATE[key] for key in ("runtime", "wanted", "version", "kafka_version")},
    **{key: STATE[key] for key in ("changed_at", "auto_ports", "fingerprint", "compose_project")},
    "services": [
        {**service, "role": "zookeeper" if service["name"] == "zookeeper" else "broker"}
        for service in STATE["services"]
    ],
}
LOCK: dict[str, Any] = {"pid": 4123, "doing": "up", "since": 1763400000.25}
FAILURE: dict[str, Any] = {
    "at": 1763400000.25,
    "doing": "up",
    "message": "Port 9092, which kafka needs, is held by java (process 7).",
    "findings": [
        {
            "id": "port-taken",
            "level": "error",
            "title": "Port 9092 is taken.",
            "area": "cluster",
            "cause": "Another process listens there.",
            "evidence": ["java.net.BindException: Address already in use"],
            "fix": "KAFKA_TASKS_PORT=auto invoke kafka.up",
            "exit_code": 4,
            "service": "kafka",
        }
    ],
}
VERIFIED: dict[str, Any] = {
    "a.jar": {"sha256": "9f86", "size": 12, "mtime_ns": 1763400000250000000}
}
ORDER: dict[str, Any] = {
    "java": "/nowhere/bin/java",
    "class_path": "/nowhere/a.jar:/nowhere/b.jar",
    "directory": "archives/kafka-3.9.1-java-17",
    "lists": {"zookeeper": "zookeeper.1.classlist", "kafka": "kafka.1.classlist"},
}
BUILT: dict[str, Any] = {"zookeeper": "9f86d081", "kafka": "884c7d65"}

PLAN: dict[str, Any] = {
    "format": "kafka-tasks plan 1",
    "cluster_id": "kraftless-id",
    "fingerprint": "0123456789abcdef",
    "prune": False,
    "brokers": [1, 2],
    "owner": ["billing."],
    "specs": [
        {
            "name": "billing.orders",
            "partitions": 6,
            "replication_factor": 1,
            "config": {"cleanup.policy": "compact"},
            "absent": False,
            "protected": True,
            "owner": ["billing."],
            "origin": "topics.yaml:6",
        }
    ],
    "seen": {
        "billing.orders": {"replicas": [[1], [2]], "config": {"retention.ms": "1000"}},
        "billing.new": None,
    },
}

TOPICS = (
    EXAMPLE.encode(),
    b"""topics:
  - {name: orders, partitions: 3}
  - name: payments
    config:
      cleanup.policy: [compact, delete]
      min.insync.replicas: 1
      retention.ms: ~
""",
    b"""x: &shape {partitions: 2, config: &c {compression.type: zstd}}
topics:
- <<: *shape
  name: "a"
- name: 'b'
  config: *c
""",
    (_TOP / "kafka_tasks" / "starters" / "topics.yaml").read_bytes(),
)

LINES = (
    b'{"key":"k","value":"v","headers":[["h","x"]],"partition":0,"offset":7,"timestamp":1763400000250}',
    b'{"value":null,"key":"gone"}',
    b'{"value":{"id":1,"deep":[1,2,{"a":null}]},"key":12}',
    b'{"value":{"base64":"/wA="},"headers":{"a":"b","c":null}}',
    b'{"value":"\\u00e9\\ud83d\\ude00"}',
)
RECORD: dict[str, Any] = {
    "key": "k",
    "value": {"id": 1, "base64": "/wA="},
    "headers": [["h", "x"], ["n", None]],
    "partition": 0,
    "offset": 7,
    "timestamp": 1763400000250,
}

PROPERTIES = (
    b"# ours\nnum.io.threads=4\nlog.retention.ms = 604800000\nauto.create.topics.enable: false\n",
    b"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\\n"
    b'  username="a" password="b";\n',
)

COMPOSE = (
    (_TOP / "docker-compose.yml").read_bytes(),
    b"services:\n  zookeeper: {image: z}\n  kafka:\n    image: k\n    ports: ['9092:9092']\n",
    b"x-a: &a {image: k}\nservices:\n  zookeeper:\n    <<: *a\n  kafka: !reset null\n",
)
# As `docker compose config --format json` prints it.
COMPOSED: dict[str, Any] = {
    "name": "shop",
    "services": {
        "zookeeper": {
            "environment": {"ZOOKEEPER_CLIENT_PORT": "2181"},
            "ports": [
                {"mode": "ingress", "target": 2181, "published": "2181", "host_ip": "127.0.0.1"}
            ],
            "volumes": [
                {"type": "volume", "source": "zd", "target": "/var/lib/zookeeper/data"},
                {"type": "bind", "source": "/nowhere", "target": "/var/lib/zookeeper/log"},
            ],
            "healthcheck": {"test": ["CMD-SHELL", "echo srvr"], "interval": "1s"},
        },
        "kafka": {
            "container_name": "kafka",
            "environment": {
                "KAFKA_LISTENERS": "HOST://:9092,CONTAINER://:29092",
                "KAFKA_ADVERTISED_LISTENERS": "HOST://localhost:9092,CONTAINER://kafka:29092",
                "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
                "KAFKA_PORT": None,
            },
            "ports": [{"target": 9092, "published": "9092", "protocol": "tcp"}],
            "volumes": [{"type": "volume", "source": "kd", "target": "/var/lib/kafka/data"}],
            "healthcheck": {"test": ["CMD", "kafka-topics", "--list"]},
        },
    },
    "volumes": {"kd": {"name": "shop_kd"}, "zd": {"name": "shop_zd", "external": True}},
}


def logs() -> tuple[bytes, ...]:
    """The logs of the signatures' tests, as services wrote them."""
    return tuple(path.read_bytes() for path in sorted(LOGS.glob("*.log")))


def as_bytes(value: Any) -> bytes:
    """A document as this package writes it."""
    return json.dumps(value, indent=2).encode()
