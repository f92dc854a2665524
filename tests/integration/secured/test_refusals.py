"""Every way to be refused by a secured cluster, and servers that are no broker."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.answers import asked
from tests.integration.conftest import Sandbox, eventually
from tests.integration.secured.cluster import Secured
from tests.integration.secured.connection_faults import FAULTS, Env, settings_of, way

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("name", FAULTS)
def test_a_refused_connection_keeps_its_reason(secured: Secured, guest: Sandbox, name: str) -> None:
    """Exit 3 with the reason and its fix; whoever waits to the end of the time-out exits 5."""
    fault = FAULTS[name]
    answer = asked(guest, settings_of(fault, secured), "topic.list", "--timeout", "60")
    assert answer.code == 3, answer.out
    error = answer.document["error"]
    assert (error["code"], error["finding"]) == ("cannot-connect", fault.finding)
    for word in fault.words:
        assert word in error["message"]
    assert fault.hint in error["hint"]


@pytest.mark.parametrize("name", ["wrong password", "wrong CA", "plaintext to TLS"])
def test_status_wait_and_doctor_name_the_reason_too(
    secured: Secured, guest: Sandbox, name: str
) -> None:
    """`status` is 5 with the reason, `wait` ends with 3 instead of waiting, `doctor` is 3."""
    fault = FAULTS[name]
    env = settings_of(fault, secured)
    seen = asked(guest, env, "status")
    assert (seen.code, seen.document["state"]) == (5, "failed")
    assert all(word in seen.document["reason"] for word in fault.words)
    assert fault.hint in seen.document["hint"]
    waited = asked(guest, env, "wait", "--timeout", "60")
    assert (waited.code, waited.document["error"]["finding"]) == (3, fault.finding)
    examined = asked(guest, env, "doctor")
    errors = {each["id"] for each in examined.document["findings"] if each["level"] == "error"}
    assert fault.finding in errors and "not-ready" not in errors
    assert examined.code in (3, 4)  # 4 where this machine could start no cluster of its own


@pytest.mark.parametrize("verb", ["topic.list", "consume orders --exit", "wait", "verify"])
def test_a_wrong_password_is_sent_twice_at_most(
    secured: Secured, guest: Sandbox, verb: str
) -> None:
    """The broker counts the refused log-ins."""
    env = way(secured, "SASLTLS", SASL_PASSWORD="an0ther")
    before = secured.log().count("invalid credentials")
    answer = asked(guest, env, *verb.split(), "--timeout", "60")
    assert answer.code == 3, answer.out
    eventually(lambda: secured.log().count("invalid credentials") > before, "it is logged", 60)
    assert secured.log().count("invalid credentials") - before <= 2


def test_a_controllers_listener_is_said_to_be_one(secured: Secured, guest: Sandbox) -> None:
    """A controller answers, but has no topics for clients."""
    if not secured.is_kraft:
        pytest.skip("there is no controller in ZooKeeper mode")
    env = way(secured, "INTERNAL", BOOTSTRAP_SERVERS=secured.address("CONTROLLER"))
    answer = asked(guest, env, "topic.list", "--timeout", "60")
    assert (answer.code, answer.document["error"]["finding"]) == (3, "controller-listener")


def test_zookeepers_port_is_said_to_be_one(secured: Secured, guest: Sandbox) -> None:
    """It closes the connections of Kafka's clients without a word."""
    if secured.is_kraft:
        pytest.skip("there is no ZooKeeper in KRaft mode")
    env = way(secured, "INTERNAL", BOOTSTRAP_SERVERS=secured.address("ZOOKEEPER", "127.0.0.1"))
    answer = asked(guest, env, "topic.list", "--timeout", "60")
    assert (answer.code, answer.document["error"]["finding"]) == (3, "zookeeper-address")


class _Greeting(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Answer as a web server does."""
        self.request.recv(1000)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@contextmanager
def _web_server() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_server_that_is_not_kafka(guest: Sandbox, protocol: str) -> None:
    """Its first bytes are the evidence."""
    with _web_server() as address:
        env: Env = {"KAFKA_TASKS_BOOTSTRAP_SERVERS": address}
        env["KAFKA_TASKS_SECURITY_PROTOCOL"] = protocol
        answer = asked(guest, env, "topic.list", "--timeout", "60")
    assert (answer.code, answer.document["error"]["finding"]) == (3, "not-kafka")
    assert "HTTP" in answer.document["error"]["evidence"][0]


def test_a_name_that_nobody_knows(guest: Sandbox) -> None:
    """Exit 3 where the resolver is sure; 5 where it may know later."""
    env: Env = {"KAFKA_TASKS_BOOTSTRAP_SERVERS": "kafka.invalid:9092"}
    with pytest.raises(socket.gaierror) as unknown:
        socket.getaddrinfo("kafka.invalid", 9092)
    later = unknown.value.errno == socket.EAI_AGAIN
    answer = asked(guest, env, "topic.list", "--timeout", "2" if later else "60")
    assert answer.code == (5 if later else 3), answer.out
    assert "kafka.invalid" in answer.document["error"]["message"]


def test_a_closed_port_is_waited_for(guest: Sandbox) -> None:
    """Exit 5 after the time-out: a broker may start there; the refusal is the evidence."""
    env: Env = {"KAFKA_TASKS_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    answer = asked(guest, env, "topic.list", "--timeout", "1")
    assert answer.code == 5
    assert "Connection refused" in answer.document["error"]["evidence"][0]
