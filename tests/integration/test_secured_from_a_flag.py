"""`up --secure --acl` on the embedded runtime: who is let in, by whose client, and who is not."""

from __future__ import annotations

import json
import socket
import ssl
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from kafka_tasks.acceptance.criteria import CRITERIA
from kafka_tasks.clients.kafka import listener_probe
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address
from tests.integration.answers import Answer, call, inside
from tests.integration.conftest import Sandbox
from tests.integration.printed_clients import CLIENTS, connects
from tests.integration.test_verbs_and_groups import TOPICS, java
from tests.refusals import refusal
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)
_LIMIT_S = 60


@pytest.fixture(scope="module", params=telling(["4.4", "3.9"], "3.9"))
def secured(
    request: pytest.FixtureRequest, warm: Path, new_project: Callable[..., Sandbox]
) -> Iterator[Sandbox]:
    """A cluster of the default kind with an authorizer, on data of a plain one, in each mode."""
    sandbox = new_project(f"flag-{request.param}")
    sandbox.environ["KAFKA_TASKS_VERSION"] = str(request.param)
    try:
        sandbox.up()
        assert task(sandbox, "topic.create", "from-before").code == 0
        assert task(sandbox, "down").code == 0
        found = sandbox.up("--secure", "--acl", "--san", "*.kafka.test", "--san", "10.9.8.7")
        assert [mark["layer"] for mark in found["timeline"]][-1] == "users"
        yield sandbox
    finally:
        sandbox.close()


def task(sandbox: Sandbox, *arguments: str) -> Answer:
    """Run one command in this process."""
    with inside(sandbox):
        return call(*arguments)


def printed(sandbox: Sandbox, form: str, user: str = "admin") -> str:
    """What env prints for this user, with the password."""
    found = task(sandbox, "env", "--user", user, "--format", form, "--show-secrets")
    assert found.code == 0, found.err
    return found.out


def properties(sandbox: Sandbox, user: str = "admin", **changes: str) -> dict[str, Any]:
    """The librdkafka properties of a user, with some of them changed."""
    found: dict[str, Any] = json.loads(printed(sandbox, "json", user))
    return found | {name.replace("_", "."): value for name, value in changes.items()}


def test_users_are_kept_for_the_next_start(secured: Sandbox) -> None:
    """A new user connects with what env prints, and is gone from both places afterwards."""
    made = task(secured, "user.create", "dora", "-o", "json")
    assert (made.code, made.document["brokers"]) == (0, 1), made.out
    dora = properties(secured, "dora")
    assert AdminClient(dora).list_topics(timeout=_LIMIT_S).cluster_id
    assert task(secured, "user.password", "dora", "--yes").code == 0
    assert "invalid credentials" in refusal(dora)
    assert AdminClient(properties(secured, "dora")).list_topics(timeout=_LIMIT_S).cluster_id
    assert task(secured, "user.delete", "dora").code == 6
    assert task(secured, "user.delete", "dora", "--yes").code == 0
    assert "dora" not in task(secured, "user.list").out
    assert task(secured, "env", "--user", "dora").code == 3
    reserved = task(secured, "user.create", "broker")
    assert reserved.code == 3 and "is reserved" in reserved.err
    kept = task(secured, "user.delete", "admin", "--yes")
    assert kept.code == 3 and "needs the user admin" in kept.err


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_connects_with_what_env_prints(secured: Sandbox, client: str) -> None:
    """Unchanged, with TLS and a password."""
    if client == "kcat" and secured.environ["KAFKA_TASKS_VERSION"] == "4.4":
        warned = task(secured, "env", "--user", "admin", "--format", "kcat")
        assert "needs librdkafka 2.6.1" in warned.err
        pytest.skip("an older librdkafka does not log in to Kafka 4 by SCRAM")
    connects(secured, client, "--user", "admin")


def test_python_and_librdkafka_are_one_configuration(secured: Sandbox) -> None:
    """As a program, and as a file."""
    namespace: dict[str, Any] = {}
    exec(printed(secured, "python"), namespace)
    lines = printed(secured, "librdkafka").splitlines()
    assert namespace["config"] == dict(line.split("=", 1) for line in lines)


def test_java_reads_a_password_with_every_odd_character(secured: Sandbox) -> None:
    """Two syntaxes escape it: that of log-ins within that of properties."""
    password = secured.path / "odd.password"
    password.write_text("""#!a"b\\c\\n'd=e:f;${g} %h\\" é€😀 \n""", encoding="utf-8")
    password.chmod(0o600)
    made = task(secured, "user.create", "odd", "--password-file", str(password))
    assert made.code == 0, made.err
    file = secured.path / "odd.properties"
    file.write_text(printed(secured, "java", "odd"))
    assert "by-java" not in java(secured, TOPICS, "--command-config", str(file), "--list")
    assert task(secured, "user.delete", "odd", "--yes").code == 0


def test_a_context_reads_what_env_prints_for_java(
    secured: Sandbox, new_project: Callable[..., Sandbox]
) -> None:
    """From another project, with the trust store and the log-in of the file as it is."""
    guest = new_project("reader")
    del guest.environ["KAFKA_TASKS_RUNTIME"]
    file = guest.path / "client.properties"
    file.write_text(printed(secured, "java") + "\nacks=all\n")
    file.chmod(0o600)
    declared = {"own": {"client_properties": str(file)}}
    (guest.path / "invoke.yaml").write_text(json.dumps({"kafka": {"contexts": declared}}))
    seen = task(guest, "whoami", "--context", "own", "-o", "json")
    assert seen.document["principal"] == "User:admin", seen.err
    assert "not used by kafka-tasks: acks" in seen.err
    shown = task(guest, "config", "--context", "own")
    assert f"client file {file}:" in shown.out
    password = properties(secured)["sasl.password"]
    assert password not in shown.out + shown.err
    file.write_text(file.read_text().replace(password, "wrong"))
    refused = task(guest, "topic.list", "--context", "own", "-o", "json")
    assert (refused.code, refused.document["error"]["finding"]) == (3, "log-in-refused")


def test_users_without_a_right_may_nothing(secured: Sandbox) -> None:
    """Alice logs in, creates no topic, and sees none."""
    client = AdminClient(properties(secured, "alice"))
    (future,) = client.create_topics([NewTopic("hers", 1, 1)]).values()
    with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
        future.result(timeout=_LIMIT_S)
    assert client.list_topics(timeout=_LIMIT_S).topics == {}


def test_rights_are_kept_in_a_file(secured: Sandbox) -> None:
    """Planned, applied, revoked and restored from the undo file: each holds at once."""
    file = secured.path / "access.yaml"
    file.write_text(
        "topics: [{name: kept, partitions: 1, replication_factor: 1}]\n"
        "access: [{user: bob, may: [read], topic: kept, group: readers}]\n"
    )
    bob = AdminClient(properties(secured, "bob"))
    plan = ("topic.plan", "--file", str(file), "--detailed-exitcode", "-o", "json")
    found = task(secured, *plan)
    assert (found.code, found.document["access"]["summary"]["grant"]) == (2, 2), found.out
    assert task(secured, "topic.apply", "--file", str(file)).code == 0
    assert set(bob.list_topics(timeout=_LIMIT_S).topics) == {"kept"}
    assert task(secured, *plan).code == 0
    exported = task(secured, "topic.export", "--names", "kept", "--access").out
    assert "- user: bob\n  may:\n  - read\n  topic: kept" in exported
    file.write_text("access: [{user: bob, may: [all], topic: kept, state: absent}]\n")
    assert task(secured, "topic.apply", "--file", str(file)).code == 6
    gone = task(secured, "topic.apply", "--file", str(file), "--yes", "-o", "json")
    assert (gone.code, len(gone.document["access"]["done"])) == (0, 1), gone.err
    assert bob.list_topics(timeout=_LIMIT_S).topics == {}
    assert task(secured, "topic.apply", "--file", gone.document["undo"]).code == 0
    assert set(bob.list_topics(timeout=_LIMIT_S).topics) == {"kept"}


def test_a_wrong_password_and_an_unknown_authority_are_refused(secured: Sandbox) -> None:
    """Each is named by the client."""
    wrong = properties(secured, "alice", sasl_password="wrong")
    assert "invalid credentials" in refusal(wrong).lower()
    internal = secured.path / ".kafka-tasks" / "secure" / "internal" / "ca.crt"
    stranger = properties(secured, "alice", ssl_ca_location=str(internal))
    assert "certificate verify failed" in refusal(stranger)


@pytest.mark.parametrize("name", ["one.kafka.test", "10.9.8.7", "localhost"])
def test_a_client_finds_the_name_it_asked_for(secured: Sandbox, name: str) -> None:
    """On loopback, as it would behind a name; a name that nobody asked for is refused."""
    trusting = ssl.create_default_context(
        cafile=secured.path / ".kafka-tasks" / "secure" / "ca.crt"
    )
    (broker,) = (each for each in secured.recorded()["services"] if each["name"] == "kafka")
    address = ("127.0.0.1", broker["port"])
    with (
        socket.create_connection(address, timeout=_LIMIT_S) as link,
        trusting.wrap_socket(link, server_hostname=name) as client,
    ):
        assert client.version() == "TLSv1.3"
    with (
        socket.create_connection(address, timeout=_LIMIT_S) as link,
        pytest.raises(ssl.SSLCertVerificationError, match="ostname mismatch"),
    ):
        trusting.wrap_socket(link, server_hostname=f"{name}.test")


def test_no_listener_is_open_to_a_client_without_tls_or_certificate(secured: Sandbox) -> None:
    """SECURE wants TLS; INTERNAL and CONTROLLER want a certificate that no user has."""
    root = secured.path / ".kafka-tasks" / "secure"
    (broker,) = (each for each in secured.recorded()["services"] if each["name"] == "kafka")
    found = listener_probe.look(Address("127.0.0.1", broker["port"]), {}, 30.0)
    assert isinstance(found, listener_probe.Listener)
    assert (found.protocol, found.mechanisms) == ("SASL_SSL", ("SCRAM-SHA-512",))
    trusting = {"security.protocol": "SSL", "ssl.ca.location": str(root / "internal" / "ca.crt")}
    for name in ("internal_port", "quorum_port"):
        if broker.get(name):
            with pytest.raises(Unanswered):
                fault = listener_probe.look(Address("127.0.0.1", broker[name]), trusting, 30.0)
                assert isinstance(fault, listener_probe.TlsFault) and fault.of == "client"
                raise Unanswered(fault.text)


def test_kafka_tasks_itself_works_on_it(secured: Sandbox) -> None:
    """Topics, records, status and doctor need no user; only env shows the address of users."""
    assert task(secured, "topic").code == 0
    found = json.loads(task(secured, "status", "-o", "json").out)
    assert found["state"] == "ready"
    internal = str(secured.recorded()["services"][-1]["internal_port"])
    assert internal not in task(secured, "env", "-o", "json").out
    assert task(secured, "doctor").code == 0
    seen = json.loads(task(secured, "whoami", "-o", "json").out)
    assert (seen["principal"], seen["super_user"]) == ("User:CN=kafka-tasks", True)


def test_verify_proves_what_it_refuses(secured: Sandbox) -> None:
    """Each refusal of a cluster with passwords and an authorizer has been tried."""
    done = secured.run("verify", "-o", "json")
    assert done.code == 0, done.out + done.err
    needed = {each.id for each in CRITERIA if each.need}
    results = {each["id"]: each["result"] for each in done.document["criteria"]}
    assert {id_: results.get(id_) for id_ in needed} == dict.fromkeys(needed, "passed")


def test_another_kind_is_refused_while_it_runs(secured: Sandbox) -> None:
    """The running cluster keeps its kind; the sentence has both."""
    refused = task(secured, "up", "--secure", "plain")
    assert refused.code == 3
    assert "KAFKA_TASKS_SECURE is plain, the cluster has scram" in refused.err
    unknown = task(secured, "env", "--user", "dave")
    assert unknown.code == 3 and "There is no user 'dave' here" in unknown.err


@pytest.mark.release
def test_a_restart_and_a_kill_keep_users_rights_and_files(secured: Sandbox) -> None:
    """Certificates and passwords are the same, and each broker accepts them."""
    root = secured.path / ".kafka-tasks" / "secure"
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    alice = properties(secured, "alice")
    if secured.environ["KAFKA_TASKS_VERSION"] == "4.4":
        secured.kill("kafka")
        assert [mark["layer"] for mark in secured.up()["timeline"]][-1] == "users"
    else:
        assert task(secured, "restart").code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert properties(secured, "alice") == alice
    hosts = ["*.kafka.test", "10.9.8.7"]
    assert secured.recorded()["security"] == {"kind": "scram", "acl": True, "hosts": hosts}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in before)
    assert AdminClient(alice).list_topics(timeout=_LIMIT_S).brokers


def test_no_password_is_in_a_log_a_configuration_or_a_bundle(secured: Sandbox) -> None:
    """Beside passwords.json, no file of the state has one, and no command prints one."""
    root = secured.path / ".kafka-tasks"
    known = json.loads((root / "secure" / "passwords.json").read_text())
    words = [word.encode() for word in (*known["users"].values(), known["stores"])]
    files = (path for path in root.rglob("*") if path.is_file() and "data" not in path.parts)
    leaking = {str(path) for path in files if any(word in path.read_bytes() for word in words)}
    assert leaking == {str(root / "secure" / "passwords.json")}
    bundle = secured.path / "report.tar.gz"
    lines = ["env", "env --format java", "config", "status -o json", f"doctor --bundle {bundle}"]
    answers = [task(secured, *line.split()) for line in lines]
    said = "".join(answer.out + answer.err for answer in answers).encode()
    with tarfile.open(bundle) as archive:
        streams = [archive.extractfile(member) for member in archive.getmembers()]
        said += b"".join(stream.read() for stream in streams if stream)
    assert b"<secret>" in said
    assert not any(word in said or b"PRIVATE KEY" in said for word in words)
    arguments = subprocess.run(["ps", "axww"], capture_output=True, check=True, timeout=30).stdout
    assert not any(word in arguments for word in words)


def test_a_snapshot_carries_certificates_users_and_rights(
    secured: Sandbox, new_project: Callable[..., Sandbox]
) -> None:
    """An empty project becomes the secured cluster, without a flag, on ports of its own."""
    alice = properties(secured, "alice")
    assert "from-before" in task(secured, "topic.list").out
    assert task(secured, "down").code == 0
    saved = task(secured, "snapshot.save", "secured", "-o", "json").document["snapshot"]
    assert saved["security"] == {"kind": "scram", "acl": True}
    other = new_project(f"restored-{saved['mode']}")
    other.environ["KAFKA_TASKS_VERSION"] = secured.environ["KAFKA_TASKS_VERSION"]
    done = task(other, "snapshot.restore", saved["path"])
    assert done.code == 0 and "with its certificates, private keys" in done.out, done.err
    found = other.up()
    mine = {**alice, "bootstrap.servers": found["bootstrap_servers"]}
    mine["ssl.ca.location"] = str(other.path / ".kafka-tasks" / "secure" / "ca.crt")
    assert properties(other, "alice") == mine
    client = AdminClient(mine)
    assert client.list_topics(timeout=_LIMIT_S).topics == {}
    assert "from-before" in task(other, "topic.list").out
    other.close()


@pytest.mark.release
def test_security_is_switched_off_again_over_the_same_data(secured: Sandbox) -> None:
    """The topics of the plain cluster outlive it, and clients need no password any more."""
    assert task(secured, "down").code == 0
    found = secured.up("--secure", "none")
    assert "from-before" in task(secured, "topic.list").out
    plain = AdminClient({"bootstrap.servers": found["bootstrap_servers"]})
    assert "from-before" in plain.list_topics(timeout=_LIMIT_S).topics
    assert task(secured, "env", "--user", "alice").code == 3
