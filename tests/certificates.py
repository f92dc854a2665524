"""Certificates made for a test: an authority, servers' and clients' certificates, and their files.

Keys are PKCS#8, the one form that Kafka reads.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
HERE = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password: str | None = None) -> bytes:
        """The key, encrypted where there is a password."""
        encryption: KeySerializationEncryption = NoEncryption()
        if password is not None:
            encryption = BestAvailableEncryption(password.encode())
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def write(self, folder: Path, name: str, password: str | None = None) -> Path:
        """Write NAME.crt, NAME.key, and NAME.pem with both; returns the latter."""
        (folder / f"{name}.crt").write_bytes(self.certificate_pem)
        (folder / f"{name}.key").write_bytes(self.key_pem(password))
        both = folder / f"{name}.pem"
        both.write_bytes(self.key_pem(password) + self.certificate_pem)
        return both


class Authority:
    """A certificate authority that nobody else knows."""

    def __init__(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(name)
        draft = _draft(subject, subject, key, -_DAY, 30 * _DAY)
        draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        draft = draft.add_extension(_usage(signs=True), True)
        self.identity = Identity(draft.sign(key, hashes.SHA256()), key)

    @property
    def pem(self) -> bytes:
        """The certificate that clients trust."""
        return self.identity.certificate_pem

    def issue(
        self,
        name: str,
        hosts: Iterable[str] = (),
        *,
        begins: timedelta = -_DAY,
        ends: timedelta = 30 * _DAY,
    ) -> Identity:
        """Make a certificate for these hosts, or a client's, valid for a time around now."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.identity.certificate
        draft = _draft(_named(name), issuer.subject, key, begins, ends)
        draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        draft = draft.add_extension(_usage(signs=False), True)
        draft = draft.add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            False,
        )
        if names := list(map(_alternative, hosts)):
            draft = draft.add_extension(x509.SubjectAlternativeName(names), False)
        return Identity(draft.sign(self.identity.key, hashes.SHA256()), key)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: timedelta,
    ends: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now + begins, now + ends
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
