"""Log-ins by tokens, from an endpoint and from a command, to brokers that check signatures."""

from __future__ import annotations

import asyncio
import base64
import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.kafka import kafka_python
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from tests.integration.answers import asked, call, inside
from tests.integration.conftest import Sandbox, eventually
from tests.integration.secured import tokens
from tests.integration.secured.cluster import Secured
from tests.integration.secured.tokens import CLIENT, SECRET, Endpoint
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)

Env = dict[str, str | None]
# Asks the endpoint as `curl` would, and prints its answer.
_GIVER = """
import sys, urllib.request
_, url, basic = sys.argv
request = urllib.request.Request(url, b"grant_type=client_credentials", {"Authorization": basic})
print(urllib.request.urlopen(request, timeout=10).read().decode())
"""
_BASIC = f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"


@pytest.fixture
def endpoint(secured: Secured) -> Iterator[Endpoint]:
    """A token endpoint without TLS."""
    with tokens.endpoint(secured.signer) as found:
        yield found


@pytest.fixture(params=["endpoint", "command"])
def way(
    request: pytest.FixtureRequest, secured: Secured, guest: Sandbox, endpoint: Endpoint
) -> Env:
    """Settings that log in by a token of the endpoint, or of a command."""
    if request.param == "endpoint":
        return by_endpoint(secured, endpoint.url)
    return by_command(secured, giver(guest, endpoint))


def giver(guest: Sandbox, endpoint: Endpoint) -> str:
    """A token command that works."""
    script = guest.path / "giver.py"
    script.write_text(_GIVER)
    return shlex.join([sys.executable, str(script), endpoint.url, _BASIC])


def by_endpoint(secured: Secured, url: str, **changes: str) -> Env:
    """Settings that log in by a token of an endpoint."""
    found = {"TOKEN_ENDPOINT_URL": url, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, **changes}
    return _settings(
        secured, **{f"SASL_OAUTHBEARER_{name}": value for name, value in found.items()}
    )


def by_command(secured: Secured, command: str) -> Env:
    """Settings that log in by a token of a command."""
    return _settings(secured, TOKEN_COMMAND=command)


def _settings(secured: Secured, **changes: str) -> Env:
    found = {
        "BOOTSTRAP_SERVERS": secured.address("TOKEN"),
        "SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "SASL_MECHANISM": "OAUTHBEARER",
        **changes,
    }
    return {f"KAFKA_TASKS_{name}": value for name, value in found.items()}


def test_everyday_work_with_tokens(
    request: pytest.FixtureRequest, secured: Secured, guest: Sandbox, way: Env
) -> None:
    """Topics, records and rights: librdkafka and kafka-python both log in."""
    kind = request.node.callspec.params["way"]
    topic = f"orders-{kind}"
    (guest.path / "one.jsonl").write_text('{"key": "a", "value": "b"}\n')
    with inside(replace(guest, environ=guest.env(way))):
        assert call("topic.create", topic).code == 0
        assert call("produce", topic, "--file", "one.jsonl").code == 0
        read = call("consume", topic, "--exit", "-o", "json").document["records"]
        assert [record["value"] for record in read] == ["b"]
        seen = call("whoami", "-o", "json").document
        assert (seen["principal"], seen["authorizer"]) == (None, True)
        who = {"endpoint": f"client {CLIENT}", "command": "token of admin"}[kind]
        assert seen["log_in"] == f"OAUTHBEARER over SASL_PLAINTEXT, {who}"
        id = seen["cluster_id"]
        granted = call("acl.grant", "eve", "read", topic, "--cluster-id", id, "-o", "json")
        assert (granted.code, granted.document["brokers"]) == (0, 1), granted.err
        assert call("status").code == 0


def test_the_subject_of_a_token_is_the_user(
    secured: Secured, guest: Sandbox, endpoint: Endpoint
) -> None:
    """Brokers give it no more rights than it has."""
    endpoint.subject = "eve"
    refused = asked(guest, by_endpoint(secured, endpoint.url), "topic.create", "never")
    assert refused.code == 1
    assert "The user of this connection lacks the right CREATE on topic never" in refused.out


@pytest.mark.parametrize("form", telling(["python", "aiokafka"], "aiokafka"))
def test_what_env_prints_connects(secured: Secured, guest: Sandbox, way: Env, form: str) -> None:
    """Unchanged, in the libraries that it is for."""
    with inside(replace(guest, environ=guest.env(way))):
        printed = call("env", "--format", form, "--show-secrets").out
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(guest.path)
        namespace: dict[str, Any] = {}
        exec(printed, namespace)
        config = namespace["config"]
        if form == "python":
            assert AdminClient(config).list_topics(timeout=30).brokers
        else:
            asyncio.run(_listed(config))


async def _listed(config: dict[str, Any]) -> None:
    client = AIOKafkaAdminClient(**config)
    await client.start()
    try:
        await client.list_topics()
    finally:
        await client.close()


@pytest.mark.release
def test_java_reads_what_env_prints(secured: Secured, guest: Sandbox) -> None:
    """With the CA of the endpoint."""
    with tokens.endpoint(secured.signer, Path(secured.file("good.pem"))) as trusted:
        env = by_endpoint(secured, trusted.url)
        env["KAFKA_TASKS_HTTPS_CA_LOCATION"] = secured.file("ca.crt")
        with inside(replace(guest, environ=guest.env(env))):
            printed = call("env", "--format", "java", "--show-secrets")
        assert f"allowed.urls={trusted.url}" in printed.err
        file = guest.path / "client.properties"
        file.write_text(printed.out)
        secured.urls = (trusted.url,)
        found = secured.tool(
            *("org.apache.kafka.tools.TopicCommand", "--list"),
            *("--bootstrap-server", secured.address("TOKEN"), "--command-config", str(file)),
        )
        secured.admin.list_topics(timeout=30)
        file.chmod(0o600)
        own = {"KAFKA_TASKS_CLIENT_PROPERTIES": str(file)}
        listed = asked(guest, dict(own), "topic.list").document["topics"]
        assert {topic["name"] for topic in listed} <= set(found.split())


FAULTS: dict[str, tuple[str, str]] = {
    "false": ("token-command-failed", "token command false failed with exit code 1"),
    "sh -c 'echo why >&2; exit 7'": ("token-command-failed", "exit code 7"),
    "no-such-program": ("token-command-failed", "no-such-program cannot be run"),
    "echo hello": ("token-command-failed", "printed neither a JWT nor a JSON object"),
    "cat expired": ("token-expired", "expired at"),
    "cat foreign": ("token-refused", "refused the token"),
    "cat audience": ("token-refused", "refused the token"),
}


@pytest.mark.parametrize("command", FAULTS)
def test_a_token_that_is_missing_or_refused_is_a_sentence(
    secured: Secured, guest: Sandbox, command: str
) -> None:
    """Exit 3 from a task, 5 from status, and the token nowhere."""
    given = {
        "expired": secured.signer.token(lasts_s=-60),
        "foreign": tokens.Signer().token(),
        "audience": secured.signer.token(aud="another"),
    }
    for name, text in given.items():
        (guest.path / name).write_text(text)
    finding, said = FAULTS[command]
    env = by_command(secured, command)
    refused = asked(guest, env, "topic.list")
    error = refused.document["error"]
    assert (refused.code, error["finding"]) == (3, finding), refused.out
    assert said in error["message"] and error["hint"]
    if command == "cat audience":
        assert "aud 'another'" in error["evidence"][1]
    seen = asked(guest, env, "status")
    assert (seen.code, said in seen.document["reason"]) == (5, True)
    told = refused.out + refused.err + seen.out + seen.err
    assert not any(text in told for text in given.values())


@pytest.mark.parametrize("verb", telling(["topic.list", "wait", "verify"], "wait"))
def test_a_wrong_secret_is_sent_twice_at_most(
    secured: Secured, guest: Sandbox, endpoint: Endpoint, verb: str
) -> None:
    """The endpoint counts, and says why."""
    env = by_endpoint(secured, endpoint.url, CLIENT_SECRET="an0ther")
    refused = asked(guest, env, verb)
    error = refused.document["error"]
    assert (refused.code, error["finding"]) == (3, "token-client-refused"), refused.out
    assert CLIENT in error["message"] and error["evidence"] == ["invalid_client: wrong credentials"]
    assert "an0ther" not in refused.out + refused.err
    assert 1 <= len(endpoint.asked) <= 2


def test_an_endpoint_that_is_not_trusted_or_not_there(secured: Secured, guest: Sandbox) -> None:
    """The authority is named, and so is the one that works."""
    with tokens.endpoint(secured.signer, Path(secured.file("good.pem"))) as trusted:
        env = by_endpoint(secured, trusted.url)
        for ca, code in (("other-ca.crt", 3), ("ca.crt", 0)):
            env["KAFKA_TASKS_HTTPS_CA_LOCATION"] = secured.file(ca)
            answer = asked(guest, env, "topic.list")
            assert answer.code == code, answer.err
            assert code == 0 or f"an authority that is not in {secured.file(ca)}" in answer.out
        assert trusted.asked
    away = asked(guest, env, "topic.list")
    assert (away.code, away.document["error"]["finding"]) == (3, "token-endpoint-away")


@pytest.mark.release
def test_a_slow_endpoint_is_waited_for_and_a_silent_one_named(
    secured: Secured, guest: Sandbox, endpoint: Endpoint
) -> None:
    """librdkafka says nothing of either."""
    endpoint.after_s = 2.5
    env = by_endpoint(secured, endpoint.url)
    assert asked(guest, env, "topic.list").code == 0
    endpoint.after_s = 60.0
    silent = asked(guest, env, "topic.list")
    error = silent.document["error"]
    assert (silent.code, error["finding"]) == (3, "token-endpoint-away"), silent.out
    assert error["evidence"] == ["no answer within 2 s"]


def test_a_token_is_renewed_in_time(secured: Secured, guest: Sandbox, endpoint: Endpoint) -> None:
    """librdkafka asks for it by itself, also while no one polls; kafka-python when it connects."""
    endpoint.lasts_s = 2.0
    cluster = Cluster(
        guest.path,
        "remote",
        Topology(),
        (Address.parse(secured.address("TOKEN")),),
        1,
        client={"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"},
        token_command=giver(guest, endpoint),
    )
    with Admin(cluster) as admin:
        admin.require_contact(30.0)
        first = len(endpoint.asked)
        eventually(lambda: len(endpoint.asked) > first, "the token is renewed", 60)
        assert admin.view().brokers
    with closing(kafka_python.connected(cluster)) as other:
        assert other.describe_cluster()["brokers"]


def test_a_hanging_command_ends_with_ctrl_c(secured: Secured, guest: Sandbox) -> None:
    """With all that it started."""
    note = guest.path / "pid"
    noting = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    hanging = shlex.join([sys.executable, "-c", noting])
    # The shell stays between, as its parent.
    command = shlex.join(["sh", "-c", f"{hanging}; true"])
    process = guest.begin("topic.list", "-o", "json", env=by_command(secured, command))
    eventually(lambda: note.exists() and note.read_text() != "", "the command runs")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(out)["error"]["code"] == "interrupted"
    pid = int(note.read_text())
    eventually(lambda: not _lives(pid), "what it started has exited")


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_context_has_both_ways(secured: Secured, guest: Sandbox, endpoint: Endpoint) -> None:
    """A client secret comes from a command, too."""
    to = {
        "bootstrap_servers": secured.address("TOKENTLS"),
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "ssl_ca_location": secured.file("ca.crt"),
    }
    own = {
        "sasl_oauthbearer_token_endpoint_url": endpoint.url,
        "sasl_oauthbearer_client_id": CLIENT,
        "client_secret_command": f"echo '{SECRET}'",
    }
    contexts = {"own": {**to, **own}, "printed": {**to, "token_command": giver(guest, endpoint)}}
    file = guest.path / "invoke.yaml"
    file.write_text(json.dumps({"kafka": {"contexts": contexts}}))
    try:
        with inside(guest):
            for name in contexts:
                tested = call("context.test", name, "-o", "json")
                assert (tested.code, tested.document["brokers"]) == (0, 1), tested.out
            shown = call("context.show", "printed").out + call("context.show", "own").out
        assert SECRET not in shown and _BASIC not in shown
    finally:
        file.unlink()
