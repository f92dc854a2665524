from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from kafka_tasks.clients.kafka import refusals
from kafka_tasks.clients.kafka.listener_probe import Listener, TlsFault
from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.address import Address
from tests.certificates import Authority

ADDRESS = Address("kafka.test", 9093)
TLS = {"security.protocol": "SSL"}


@pytest.mark.parametrize(
    ("found", "client", "finding"),
    [
        (Listener(False), {}, None),
        (Listener(False), {"security.protocol": "plaintext"}, None),
        (Listener(True), {}, "protocol-differs"),
        (Listener(True, ("PLAIN",)), {"security.protocol": "SASL_PLAINTEXT"}, "protocol-differs"),
        (
            Listener(False, ("PLAIN",)),
            {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"},
            None,
        ),
        (Listener(False, ("PLAIN",)), {"security.protocol": "SASL_PLAINTEXT"}, "mechanism-off"),
        (Listener(False, is_controllers=True), {}, "controller-listener"),
    ],
)
def test_a_listener_is_compared_with_the_settings(
    found: Listener, client: dict[str, str], finding: str | None
) -> None:
    """Its protocol and its mechanisms; without a difference there is no error."""
    error = refusals.of_listener(ADDRESS, found, client)
    assert (error.finding if error else None) == finding
    if finding == "protocol-differs":
        assert error is not None and error.hint is not None
        assert error.hint.endswith(f"PROTOCOL={found.protocol}")


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        (9, "certificate-early"),
        (10, "certificate-expired"),
        (7, "authority-unknown"),
        (18, "authority-unknown"),
        (19, "authority-unknown"),
        (20, "authority-unknown"),
        (62, "certificate-host"),
        (64, "certificate-host"),
        (26, "certificate-invalid"),
    ],
)
def test_openssls_numbers_have_reasons(code: int, finding: str) -> None:
    """One without a sentence of its own keeps OpenSSL's text."""
    error = refusals.of_tls(ADDRESS, TlsFault("server", "as OpenSSL says", code), TLS)
    assert (error.finding, error.exit_code, error.evidence) == (finding, 3, ("as OpenSSL says",))


def _of_client(**client: str) -> CannotConnect:
    fault = TlsFault("client", "alert certificate unknown")
    return refusals.of_tls(ADDRESS, fault, {**TLS, **client})


def test_the_dates_of_the_own_certificate_are_read(tmp_path: Path) -> None:
    """Expired, early and valid ones are told apart; a file without a certificate is refused."""
    authority, day = Authority("CA"), timedelta(days=1)
    dates = {
        "client-certificate-expired": (-9 * day, -2 * day),
        "client-certificate-early": (2 * day, 9 * day),
        "client-certificate-refused": (-day, day),
        # From 2050 on, dates have another form.
        "client-certificate-refused ": (-day, 20_000 * day),
    }
    for finding, (begins, ends) in dates.items():
        path = tmp_path / "client.crt"
        path.write_bytes(authority.issue("me", begins=begins, ends=ends).certificate_pem)
        error = _of_client(**{"ssl.certificate.location": str(path), "ssl.key.location": "key"})
        assert error.finding == finding.strip()
        assert str(path) in error.message
    path.write_text("nothing")
    error = _of_client(**{"ssl.certificate.location": str(path), "ssl.key.location": "key"})
    assert error.finding == "client-certificate-refused"


def test_a_client_certificate_that_is_not_sent() -> None:
    """It is not set, or its key is not."""
    assert _of_client().finding == "client-certificate-missing"
    assert _of_client(**{"ssl.certificate.location": "a.crt"}).finding == "client-key-missing"


def test_tls_in_the_way_of_a_client_without_tls() -> None:
    """The protocol is the first thing to put right, whatever the certificate."""
    fault = TlsFault("client", "alert certificate required")
    assert refusals.of_tls(ADDRESS, fault, {}).finding == "protocol-differs"


def test_an_alert_without_a_sentence() -> None:
    """A handshake may fail for want of a common cipher, say."""
    fault = TlsFault("handshake", "sslv3 alert handshake failure")
    assert refusals.of_tls(ADDRESS, fault, TLS).finding == "tls-failed"


def test_every_finding_has_an_entry_in_the_reference() -> None:
    """Names, log-ins and foreign servers too."""
    made = [
        refusals.log_in_refused("a:1", {"sasl.username": "me"}, "text"),
        refusals.unresolved(ADDRESS, "text"),
        refusals.not_kafka(ADDRESS, b"HTTP"),
        refusals.tls_failed("a:1", "text"),
    ]
    assert all(error.finding in refusals.FINDINGS for error in made)
    assert "HTTP" in made[2].evidence[0]
