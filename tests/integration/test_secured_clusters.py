"""Tasks against secured clusters: every way in, and every way to be refused."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, NewTopic, ResourceType

from tests.integration.answers import Answer, call, inside
from tests.integration.conftest import Sandbox, eventually
from tests.integration.connection_faults import FAULTS, Env, settings_of, way
from tests.integration.rights import LEAST, REFUSED, Rights, acting
from tests.integration.secured import KEY_PASSWORD, PASSWORDS, Secured
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=telling(["3.9", "4.4"], "4.4"))
def secured(
    request: pytest.FixtureRequest,
    warm: Path,
    environ: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secured]:
    """A secured cluster that runs, in each mode."""
    line = str(request.param)
    cluster = Secured(line, tmp_path_factory.mktemp(f"secured-{line}").resolve(), environ)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def guest(secured: Secured, new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project without a cluster of its own."""
    sandbox = new_project("guest")
    del sandbox.environ["KAFKA_TASKS_RUNTIME"]
    return sandbox


def asked(sandbox: Sandbox, env: Env, *arguments: str) -> Answer:
    """Run one command in this process, with these settings."""
    with inside(Sandbox(sandbox.path, sandbox.env(env))):
        return call(*arguments, "-o", "json")


def test_tasks_need_no_more_rights_than_documented(secured: Secured, guest: Sandbox) -> None:
    """A user with exactly these rights carries out each task."""
    rights = Rights(secured)
    rights.prepare()
    wrong = {}
    with acting(secured, guest, "bob"):
        for row in LEAST:
            done = rights.run(row)
            if done.code or row.shows.replace("NAME", rights.name(row)) not in done.out:
                wrong[row.line] = (done.code, done.out, done.err)
    assert wrong == {}, "\n".join(f"{line}: {done}" for line, done in wrong.items())


def test_a_refusal_names_user_right_and_resource(secured: Secured, guest: Sandbox) -> None:
    """A user without rights learns which one is missing; a size that is hidden is null."""
    name = "closed"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    with acting(secured, guest, "alice"):
        for line, right in REFUSED.items():
            done = call(*line.replace("NAME", name).split())
            topic = "other" if "other" in line else name
            assert done.code == 1, f"{line}: {done.out}{done.err}"
            assert f"User alice lacks the right {right} on topic {topic}." in done.err
            assert f"can grant it: invoke kafka.acl.grant alice {right.lower()} {topic}" in done.err
        secured.grant("alice", ResourceType.TOPIC, name, AclOperation.DESCRIBE)

        def shown() -> Any:
            return call("topic.list", "--sizes", "-o", "json").document["topics"]

        eventually(shown, "the right is heeded")
        assert [(topic["name"], topic["bytes"]) for topic in shown()] == [(name, None)]
        described = call("topic.describe", name, "-o", "json").document
        assert (described["config"], described["partitions"][0]["end"]) == (None, 0)
        refused = call("produce", name, "--file", "one.jsonl")
        assert refused.code == 1 and f"lacks the right WRITE on topic {name}" in refused.err
        secured.fill([name])
        refused = call("consume", name, "--exit", "-o", "json")
        assert f"lacks the right READ on topic {name}" in refused.document["error"]["message"]


def test_lists_say_what_they_hide(secured: Secured, guest: Sandbox) -> None:
    """An empty list of a user without rights is none of an empty cluster."""
    name = "veiled"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    with acting(secured, guest, "dave"):
        for noun in ("topic", "group"):
            listed = call(f"{noun}.list", "-o", "json")
            said = f"{noun.title()}s on which user dave lacks the right DESCRIBE are not listed."
            assert (listed.document[f"{noun}s"], listed.document["limited"]) == ([], said)
            assert said in listed.err
        for line in (f"group.describe {name}", f"group.delete {name}"):
            refused = call(*line.split(), "-o", "json").document["error"]
            assert f"dave lacks the right DESCRIBE on group {name}" in refused["message"], line


def test_a_cluster_whose_brokers_are_all_far_is_only_slow(secured: Secured, guest: Sandbox) -> None:
    """600 ms to the bootstrap address and to what is advertised: nothing fails for want of time."""
    secured.fill(["distant"])
    env = way(secured, "FAR")
    for round_trip_s, line in ((0.6, "status"), (0.2, "consume distant --exit")):
        with secured.far(round_trip_s):
            done = asked(guest, env, *line.split())
        assert done.code == 0, f"{line}: {done.out}{done.err}"


@pytest.mark.parametrize("listener", ["INTERNAL", "TLS", "MTLS", "SASL", "SASLTLS", "SCRAM"])
def test_a_cluster_is_ready_through_every_listener(
    secured: Secured, guest: Sandbox, listener: str
) -> None:
    """With the right certificate, key and password."""
    done = asked(guest, way(secured, listener), "wait", "--timeout", "60")
    assert done.code == 0, done.out + done.err
    assert done.document["state"] == "ready"


def test_plain_passwords_work_too(secured: Secured, guest: Sandbox) -> None:
    """PLAIN beside SCRAM, on the same listener."""
    env = way(secured, "SASLTLS", SASL_MECHANISM="PLAIN")
    assert asked(guest, env, "topic.list", "--timeout", "60").code == 0


def test_what_the_rights_forbid_is_not_permitted(secured: Secured, guest: Sandbox) -> None:
    """`verify` of a user with rights on topics alone skips groups and transactions, in words."""
    rights = ("CREATE", "DELETE", "DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE")
    secured.grant("carol", ResourceType.TOPIC, "*", *(AclOperation[right] for right in rights))
    carol = {"SASL_USERNAME": "carol", "SASL_PASSWORD": PASSWORDS["carol"]}
    done = guest.run("verify", "-o", "json", env=way(secured, "SASL", **carol))
    assert done.code == 0, done.out + done.err
    refused = {
        each["id"]: each["message"]
        for each in done.document["criteria"]
        if each["message"].startswith("not permitted: ")
    }
    assert set(refused) == {"group-resumes", "transaction"}
    assert "GROUP_AUTHORIZATION_FAILED" in refused["group-resumes"]
    assert "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" in refused["transaction"]


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


def test_users_come_and_go(secured: Secured, guest: Sandbox) -> None:
    """Each change holds for the very next log-in."""
    with acting(secured, guest, "admin"):
        made = call("user.create", "dora", "--password-file", "dora.password", "-o", "json")
        assert (made.code, made.document["brokers"]) == (0, 1), made.out
        first = (guest.path / "dora.password").read_text().strip()
        assert call("user.create", "dora", "--password-file", "dora.password").code == 1
        listed = call("user.list", "-o", "json").document["users"]
        assert {"alice", "dora"} <= {user["name"] for user in listed}
        id = call("status", "-o", "json").document["cluster_id"]
        refused = call("user.password", "dora", "--password-file", "new", "--yes")
        assert refused.code == 6 and f"--cluster-id {id}" in refused.err
        assert call("user.delete", "dorra", "--yes").err.endswith("did you mean dora?\n")
    assert asked(guest, _of_dora(secured, first), "topic.list").code == 0
    with acting(secured, guest, "admin"):
        sure = ("--yes", "--cluster-id", id)
        assert call("user.password", "dora", "--password-file", "new", *sure).code == 0
        second = (guest.path / "new").read_text().strip()
    assert asked(guest, _of_dora(secured, first), "topic.list").code == 3
    assert asked(guest, _of_dora(secured, second), "topic.list").code == 0
    with acting(secured, guest, "admin"):
        assert call("user.delete", "dora", *sure).code == 0
        assert "dora" not in call("user.list").out
    answer = asked(guest, _of_dora(secured, second), "topic.list")
    assert answer.document["error"]["finding"] == "log-in-refused"


def _of_dora(secured: Secured, password: str) -> Env:
    return way(secured, "SASL", SASL_USERNAME="dora", SASL_PASSWORD=password)


def test_rights_come_and_go(secured: Secured, guest: Sandbox) -> None:
    """Each change holds for the very next command of the user; nobody is told half of it."""
    name = "ledger"
    secured.admin.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=30)
    consume = ("consume", name, "--exit", "-o", "json")
    with acting(secured, guest, "admin"):
        id = call("status", "-o", "json").document["cluster_id"]
        refused = call("acl.grant", "alice", "read", name, "--group", "books")
        assert refused.code == 6 and f"--cluster-id {id}" in refused.err
        to = ("--cluster-id", id, "-o", "json")
        granted = call("acl.grant", "alice", "read", name, "--group", "books", *to)
        assert (granted.code, granted.document["brokers"]) == (0, 1), granted.out
        assert call("acl.grant", "alise", "read", name, *to).document["similar_user"] == "alice"
        found = call("acl.list", "--user", "alice", "--topic", name, "-o", "json").document
        assert [(rule["right"], rule["name"]) for rule in found["rules"]] == [("read", name)]
    with acting(secured, guest, "alice"):
        assert call(*consume).code == 0
        seen = call("whoami", "-o", "json").document
        assert (seen["principal"], seen["authorizer"]) == ("User:alice", True)
        held = {each["name"]: each["rights"] for each in seen["resources"]}
        assert (held[name], held["kafka-cluster"]) == (["read", "describe"], [])
        for line in ("user.list", "acl.list", f"acl.grant alice all {name}", "user.create me"):
            refused = call(*line.split())
            assert "alice lacks the right DESCRIBE on the cluster" in refused.err, line
    with acting(secured, guest, "admin"):
        assert call("acl.revoke", "alice", "read", name, "--yes").code == 6
        sure = ("--yes", "--cluster-id", id)
        gone = call("acl.revoke", "alice", "read", name, "--group", "books", *sure)
        assert gone.code == 0 and gone.out.count("Revoked: ") == 2
        assert call("acl.revoke", "alice", "read", name, *sure).code == 1
    with acting(secured, guest, "alice"):
        assert "lacks the right" in call(*consume).document["error"]["message"]


def test_zookeepers_port_is_said_to_be_one(secured: Secured, guest: Sandbox) -> None:
    """It closes the connections of Kafka's clients without a word."""
    if secured.is_kraft:
        pytest.skip("there is no ZooKeeper in KRaft mode")
    env = way(secured, "INTERNAL", BOOTSTRAP_SERVERS=secured.address("ZOOKEEPER", "127.0.0.1"))
    answer = asked(guest, env, "topic.list", "--timeout", "60")
    assert (answer.code, answer.document["error"]["finding"]) == (3, "zookeeper-address")


def test_a_context_is_a_connection_by_name(secured: Secured, guest: Sandbox) -> None:
    """Passwords come from a file and from a command; a read-only one changes nothing."""
    word = guest.path / "admin.word"
    word.write_text(PASSWORDS["admin"])
    word.chmod(0o600)
    alice = {"sasl_username": "alice", "password_command": f"echo '{PASSWORDS['alice']}'"}
    admin = {"sasl_username": "admin", "password_file": str(word), "read_only": True}
    to = {
        "bootstrap_servers": secured.address("SASLTLS"),
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "ssl_ca_location": secured.file("ca.crt"),
    }
    declared = {"kafka": {"contexts": {"ops": {**to, **admin}, "own": {**to, **alice}}}}
    file = guest.path / "invoke.yaml"
    file.write_text(json.dumps(declared))
    try:
        with inside(guest):
            tested = call("context.test", "ops", "-o", "json")
            assert (tested.code, tested.document["brokers"]) == (0, 1), tested.out
            assert call("user.list", "--context", "ops").code == 0
            refused = call("topic.create", "never", "--context", "ops")
            assert refused.code == 6 and "ops is read-only" in refused.err
            seen = call("whoami", "--context", "own", "-o", "json").document
            assert seen["principal"] == "User:alice"
            assert "never" not in call("topic.list", "--context", "ops").out
    finally:
        file.unlink()


def test_certificates_as_text_and_in_stores(secured: Secured, guest: Sandbox) -> None:
    """A client certificate as text, and one of a PKCS#12 file; a wrong password is a sentence."""
    text = {
        "SSL_CA_LOCATION": None,
        "SSL_CERTIFICATE_LOCATION": None,
        "SSL_KEY_LOCATION": None,
        "SSL_CA_PEM": Path(secured.file("ca.crt")).read_text(),
        "SSL_CERTIFICATE_PEM": Path(secured.file("alice.crt")).read_text(),
        "SSL_KEY_PEM": Path(secured.file("alice.key")).read_text(),
    }
    assert asked(guest, way(secured, "MTLS", **text), "topic.list").code == 0
    stores: dict[str, str | None] = dict.fromkeys((*text, "SSL_KEY_PASSWORD"))
    stores |= {
        "SSL_TRUSTSTORE_LOCATION": secured.file("ca.p12"),
        "SSL_TRUSTSTORE_PASSWORD": KEY_PASSWORD,
        "SSL_KEYSTORE_LOCATION": secured.file("alice.p12"),
        "SSL_KEYSTORE_PASSWORD": KEY_PASSWORD,
    }
    assert asked(guest, way(secured, "MTLS", **stores), "topic.list").code == 0
    for name in ("TRUSTSTORE", "KEYSTORE"):
        wrong = way(secured, "MTLS", **stores) | {f"KAFKA_TASKS_SSL_{name}_PASSWORD": "no"}
        answer = asked(guest, wrong, "topic.list")
        assert answer.code == 3, answer.out
        assert KEY_PASSWORD not in answer.out + answer.err
    stranger = {**text, "SSL_CERTIFICATE_PEM": Path(secured.file("foreign.crt")).read_text()}
    stranger |= {"SSL_KEY_PEM": Path(secured.file("foreign.key")).read_text()}
    answer = asked(guest, way(secured, "MTLS", SSL_KEY_PASSWORD=None, **stranger), "topic.list")
    assert answer.document["error"]["finding"] == "client-certificate-refused", answer.out


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


def test_one_good_address_of_three_is_enough(secured: Secured, guest: Sandbox) -> None:
    """A name without an address, and a port that nobody listens on, veto nothing."""
    servers = f"kafka.invalid:9092,127.0.0.1:9,{secured.address('TLS')}"
    answer = asked(guest, way(secured, "TLS", BOOTSTRAP_SERVERS=servers), "topic.list")
    assert answer.code == 0, answer.out


def test_a_closed_port_is_waited_for(guest: Sandbox) -> None:
    """Exit 5 after the time-out: a broker may start there; the refusal is the evidence."""
    env: Env = {"KAFKA_TASKS_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    answer = asked(guest, env, "topic.list", "--timeout", "1")
    assert answer.code == 5
    assert "Connection refused" in answer.document["error"]["evidence"][0]
