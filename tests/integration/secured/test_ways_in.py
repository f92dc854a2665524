"""Every way into a secured cluster that is not started by kafka-tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.answers import asked, call, inside
from tests.integration.conftest import Sandbox
from tests.integration.secured.cluster import KEY_PASSWORD, PASSWORDS, Secured
from tests.integration.secured.connection_faults import way
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)


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


def test_one_good_address_of_three_is_enough(secured: Secured, guest: Sandbox) -> None:
    """A name without an address, and a port that nobody listens on, veto nothing."""
    servers = f"kafka.invalid:9092,127.0.0.1:9,{secured.address('TLS')}"
    answer = asked(guest, way(secured, "TLS", BOOTSTRAP_SERVERS=servers), "topic.list")
    assert answer.code == 0, answer.out


@pytest.mark.parametrize(
    ("round_trip_s", "line"),
    telling([(0.6, "status"), (0.2, "consume distant --exit")], (0.2, "consume distant --exit")),
)
def test_a_cluster_whose_brokers_are_all_far_is_only_slow(
    secured: Secured, guest: Sandbox, round_trip_s: float, line: str
) -> None:
    """Long round trips to the bootstrap address and to what is advertised: nothing fails."""
    secured.fill(["distant"])
    with secured.far(round_trip_s):
        done = asked(guest, way(secured, "FAR"), *line.split())
    assert done.code == 0, f"{line}: {done.out}{done.err}"


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
    # A user without rights is told so at once, and has logged in.
    accepted = asked(guest, way(secured, "MTLS", **text), "acl.list")
    assert accepted.document["error"]["code"] == "not-permitted", accepted.out
    stores: dict[str, str | None] = dict.fromkeys((*text, "SSL_KEY_PASSWORD"))
    stores |= {
        "SSL_TRUSTSTORE_LOCATION": secured.file("ca.p12"),
        "SSL_TRUSTSTORE_PASSWORD": KEY_PASSWORD,
        "SSL_KEYSTORE_LOCATION": secured.file("alice.p12"),
        "SSL_KEYSTORE_PASSWORD": KEY_PASSWORD,
    }
    accepted = asked(guest, way(secured, "MTLS", **stores), "acl.list")
    assert accepted.document["error"]["code"] == "not-permitted", accepted.out
    for name in ("TRUSTSTORE", "KEYSTORE"):
        wrong = way(secured, "MTLS", **stores) | {f"KAFKA_TASKS_SSL_{name}_PASSWORD": "no"}
        answer = asked(guest, wrong, "topic.list")
        assert answer.code == 3, answer.out
        assert KEY_PASSWORD not in answer.out + answer.err
    stranger = {**text, "SSL_CERTIFICATE_PEM": Path(secured.file("foreign.crt")).read_text()}
    stranger |= {"SSL_KEY_PEM": Path(secured.file("foreign.key")).read_text()}
    answer = asked(guest, way(secured, "MTLS", SSL_KEY_PASSWORD=None, **stranger), "topic.list")
    assert answer.document["error"]["finding"] == "client-certificate-refused", answer.out
