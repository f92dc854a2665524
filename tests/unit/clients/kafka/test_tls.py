"""Certificates for Python's TLS from every place where librdkafka finds them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from kafka_tasks.clients.certificates import pem_of_key_store, pem_of_trust_store
from kafka_tasks.clients.kafka import tls
from kafka_tasks.clients.unanswered import Unanswered
from tests.certificates import Authority, Identity


@pytest.fixture(scope="module")
def authority() -> Authority:
    """An authority of the test."""
    return Authority("Test CA")


@pytest.fixture(scope="module")
def alice(authority: Authority) -> Identity:
    """A client of it."""
    return authority.issue("alice")


def test_certificates_may_be_text(authority: Authority, alice: Identity, tmp_path: Path) -> None:
    """Text, files and a PKCS#12 file give the same context."""
    (tmp_path / "alice.p12").write_bytes(alice.key_store("alice", "word"))
    mine = {
        "ssl.certificate.pem": alice.certificate_pem.decode(),
        "ssl.key.pem": alice.key_pem("k3y").decode(),
        "ssl.key.password": "k3y",
    }
    store = {
        "ssl.keystore.location": str(tmp_path / "alice.p12"),
        "ssl.keystore.password": "word",
    }
    for identity in (mine, store):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_identity(context, identity)
    found = tls.verified({"ssl.ca.pem": authority.pem.decode(), **mine})
    assert found.cert_store_stats()["x509_ca"] == 1


def test_an_identity_with_a_wrong_password_is_an_error(alice: Identity, tmp_path: Path) -> None:
    """Neither form is loaded in silence."""
    (tmp_path / "alice.p12").write_bytes(alice.key_store("alice", "word"))
    store = {"ssl.keystore.location": str(tmp_path / "alice.p12"), "ssl.keystore.password": "x"}
    text = {
        "ssl.certificate.pem": alice.certificate_pem.decode(),
        "ssl.key.pem": alice.key_pem("k3y").decode(),
        "ssl.key.password": "other",
    }
    for identity in (store, text):
        with pytest.raises(OSError, match=r"(?i)password|decrypt|PEM|SSL"):
            tls.load_identity(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), identity)


def test_authorities_that_are_no_certificates_are_an_error() -> None:
    """The sentence shows no text of them."""
    with pytest.raises(Unanswered, match="Python does not read the certificates"):
        tls.verified({"ssl.ca.pem": "-----BEGIN CERTIFICATE-----\nx\n"})


def test_a_trust_store_has_its_certificates(
    authority: Authority, alice: Identity, tmp_path: Path
) -> None:
    """Those that Java trusts; a key store without a key is none."""
    store = tmp_path / "trust.p12"
    store.write_bytes(authority.trust_store("word"))
    assert pem_of_trust_store(store, "word").encode() == authority.pem
    with pytest.raises(OSError, match="has no client certificate"):
        pem_of_key_store(store, "word")
    with pytest.raises(ValueError, match=r"(?i)password"):
        pem_of_trust_store(store, "other")
