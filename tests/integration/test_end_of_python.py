"""What librdkafka does while Python ends ends no process."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

# libc calls `sleep` with the exit code once Python is finalized: for a second, only the threads of
# librdkafka run. The request that nothing answers fails in that second.
_PROGRAM = """
import ctypes, sys, threading
from pathlib import Path
from confluent_kafka.admin import ConfigResource, ResourceType
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import zookeeper_cluster

libc = ctypes.CDLL(None)
libc.on_exit(libc.sleep, None)
address = Address("127.0.0.1", int(sys.argv[1]))
topology = zookeeper_cluster(1).at((None, address.port))
cluster = Cluster(Path("."), "embedded", topology, (address,), 1)
asked = threading.Event()


def ask():
    admin = Admin(cluster)
    resource = ConfigResource(ResourceType.TOPIC, "t")
    future = admin.client.describe_configs([resource], request_timeout=0.5)[resource]
    asked.set()
    if sys.argv[2] == "waits":
        future.exception()
        admin.__exit__()
    kept.append((admin, future))


kept = []
asking = threading.Thread(target=ask, daemon=True)
asking.start()
asked.wait()
if sys.argv[2] == "leaves":
    asking.join()
sys.exit(1)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has on_exit")
@pytest.mark.parametrize("client", ["waits", "leaves"])
def test_an_answer_that_comes_late_ends_no_process(client: str) -> None:
    """Clients are closed before: one that still waits in another thread, and one left open."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = str(silent.getsockname()[1])
        program = [sys.executable, "-c", _PROGRAM, port, client]
        done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "")
