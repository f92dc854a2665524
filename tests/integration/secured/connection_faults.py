"""Every way to be refused: settings with one fault, and what a task says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.integration.secured.cluster import KEY_PASSWORD, PASSWORDS, Secured

Env = dict[str, str | None]


def way(secured: Secured, listener: str, **changes: str | None) -> Env:
    """Return the settings that reach this listener; `changes` replace some, None takes one out."""
    protocol = {"INTERNAL": "PLAINTEXT", "FAR": "PLAINTEXT", "SASL": "SASL_PLAINTEXT"}.get(
        listener, "SASL_SSL" if listener in ("SASLTLS", "SCRAM") else "SSL"
    )
    found: Env = {"BOOTSTRAP_SERVERS": secured.address(listener), "SECURITY_PROTOCOL": protocol}
    if "SASL" in protocol:
        found |= {"SASL_MECHANISM": "SCRAM-SHA-512", "SASL_USERNAME": "admin"}
        found |= {"SASL_PASSWORD": PASSWORDS["admin"]}
    if "SSL" in protocol:
        found["SSL_CA_LOCATION"] = secured.file("ca.crt")
    if listener == "MTLS":
        found |= {"SSL_CERTIFICATE_LOCATION": secured.file("alice.crt")}
        found |= {"SSL_KEY_LOCATION": secured.file("alice.key"), "SSL_KEY_PASSWORD": KEY_PASSWORD}
    return {f"KAFKA_TASKS_{name}": value for name, value in {**found, **changes}.items()}


@dataclass(frozen=True)
class Fault:
    """Settings that reach a listener, but for one fault; what comes of it.

    A value that begins with `@` is a certificate or a key of the test.
    """

    listener: str
    changes: Mapping[str, str | None]
    finding: str
    words: tuple[str, ...]
    hint: str = "export KAFKA_TASKS_"


_NO_TLS = {"SECURITY_PROTOCOL": "PLAINTEXT"}
_ALICE = {"SSL_KEY_LOCATION": None, "SSL_KEY_PASSWORD": None}
_OTHER = {"SSL_KEY_PASSWORD": None}
FAULTS = {
    "wrong password": Fault(
        "SASLTLS",
        {"SASL_PASSWORD": "an0ther"},
        "log-in-refused",
        ("'admin'", "SCRAM"),
        "SASL_PASSWORD",
    ),
    "wrong password of PLAIN": Fault(
        "SASL",
        {"SASL_PASSWORD": "an0ther", "SASL_MECHANISM": "PLAIN"},
        "log-in-refused",
        ("'admin'", "PLAIN"),
        "SASL_PASSWORD",
    ),
    "no such user": Fault(
        "SCRAM", {"SASL_USERNAME": "eve"}, "log-in-refused", ("'eve'",), "SASL_USERNAME"
    ),
    "mechanism off": Fault(
        "SCRAM",
        {"SASL_MECHANISM": "PLAIN"},
        "mechanism-off",
        ("PLAIN", "it accepts SCRAM-SHA-512"),
        "export KAFKA_TASKS_SASL_MECHANISM=SCRAM-SHA-512",
    ),
    "no CA": Fault("TLS", {"SSL_CA_LOCATION": None}, "authority-unknown", ("does not trust",)),
    "wrong CA": Fault(
        "TLS", {"SSL_CA_LOCATION": "@other-ca.crt"}, "authority-unknown", ("other-ca.crt",)
    ),
    "expired": Fault("EXPIRED", {}, "certificate-expired", ("has expired",), "-dates"),
    "early": Fault("EARLY", {}, "certificate-early", ("is not valid yet",), "-dates"),
    "other host": Fault(
        "ELSEWHERE", {}, "certificate-host", ("the name localhost",), "subjectAltName"
    ),
    "plaintext to TLS": Fault("TLS", _NO_TLS, "protocol-differs", ("speaks SSL", "is PLAINTEXT")),
    "plaintext to SASL": Fault("SASL", _NO_TLS, "protocol-differs", ("speaks SASL_PLAINTEXT",)),
    "plaintext to SASL with TLS": Fault(
        "SASLTLS", _NO_TLS, "protocol-differs", ("speaks SASL_SSL",)
    ),
    "plaintext to mTLS": Fault("MTLS", _NO_TLS, "protocol-differs", ("speaks SSL",)),
    "TLS to plaintext": Fault(
        "INTERNAL", {"SECURITY_PROTOCOL": "SSL"}, "protocol-differs", ("speaks PLAINTEXT",)
    ),
    "TLS to SASL": Fault(
        "SASLTLS", {"SECURITY_PROTOCOL": "SSL"}, "protocol-differs", ("speaks SASL_SSL",)
    ),
    "SASL to plaintext": Fault(
        "SASLTLS", {"SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "protocol-differs", ("speaks SASL_SSL",)
    ),
    "no client certificate": Fault(
        "MTLS",
        {"SSL_CERTIFICATE_LOCATION": None, **_ALICE},
        "client-certificate-missing",
        ("asks for a client certificate", "none is set"),
    ),
    "no client key": Fault(
        "MTLS",
        _ALICE,
        "client-key-missing",
        ("the key of", "alice.crt"),
        "export KAFKA_TASKS_SSL_KEY_LOCATION=FILE",
    ),
    "client certificate expired": Fault(
        "MTLS",
        {"SSL_CERTIFICATE_LOCATION": "@stale.crt", "SSL_KEY_LOCATION": "@stale.key", **_OTHER},
        "client-certificate-expired",
        ("stale.crt expired at 20",),
        "openssl x509",
    ),
    "client certificate of another CA": Fault(
        "MTLS",
        {"SSL_CERTIFICATE_LOCATION": "@foreign.crt", "SSL_KEY_LOCATION": "@foreign.key", **_OTHER},
        "client-certificate-refused",
        ("does not accept", "foreign.crt"),
        "openssl x509",
    ),
}


def settings_of(fault: Fault, secured: Secured) -> Env:
    """Return the settings that reach the listener of a fault, and have it."""
    changes = {
        name: secured.file(value[1:]) if value and value.startswith("@") else value
        for name, value in fault.changes.items()
    }
    return way(secured, fault.listener, **changes)
