"""Certificate authorities and the certificates that they issue: the only importer of cryptography.

Keys are PKCS#8, the one form that Kafka reads. Loading the library takes a fifth of a second.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
_MONTH = 30 * _DAY


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
        """Return the key, encrypted where there is a password."""
        encryption: KeySerializationEncryption = NoEncryption()
        if password is not None:
            encryption = BestAvailableEncryption(password.encode())
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def key_store(self, name: str, password: str) -> bytes:
        """Return certificate and key as a PKCS#12 file for Java."""
        return pkcs12.serialize_key_and_certificates(
            *(name.encode(), self.key, self.certificate, None),
            BestAvailableEncryption(password.encode()),
        )


class Authority:
    """A certificate authority of one's own, valid for a time around now."""

    def __init__(
        self, name: str, *, ends: timedelta = _MONTH, identity: Identity | None = None
    ) -> None:
        self.identity = identity or _self_signed(name, ends)

    @classmethod
    def load(cls, certificate: bytes, key: bytes) -> Authority:
        """Return the authority of these PEM files; raises `ValueError`."""
        try:
            loaded = load_pem_private_key(key, None)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(f"the key cannot be read: {error}") from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError("the key is of another kind")
        return cls("", identity=Identity(x509.load_pem_x509_certificate(certificate), loaded))

    @property
    def pem(self) -> bytes:
        """The certificate that clients trust."""
        return self.identity.certificate_pem

    def trust_store(self, password: str) -> bytes:
        """Return the certificate as a PKCS#12 file, marked so that Java trusts it."""
        entry = pkcs12.PKCS12Certificate(self.identity.certificate, b"ca")
        encryption = BestAvailableEncryption(password.encode())
        return pkcs12.serialize_java_truststore([entry], encryption)

    def issue(
        self,
        name: str,
        hosts: Iterable[str] = (),
        *,
        begins: timedelta = -_DAY,
        ends: timedelta = _MONTH,
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


def pem_of_trust_store(path: Path, password: str) -> str:
    """Return the certificates of a PKCS#12 file as PEM; raises `OSError` and `ValueError`."""
    _, certificate, others = _opened(path, password)
    every = [*([certificate] if certificate else []), *others]
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in every)


def pem_of_key_store(path: Path, password: str) -> str:
    """Return the key and the certificates of a PKCS#12 file as PEM; raises `OSError`."""
    try:
        key, certificate, others = _opened(path, password)
    except ValueError as error:
        raise OSError(f"{path}: {error}") from error
    if key is None or certificate is None:
        raise OSError(f"{path} has no client certificate with its key")
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = (each.public_bytes(Encoding.PEM) for each in (certificate, *others))
    return b"".join((plain, *chain)).decode()


_Opened = tuple[Any, x509.Certificate | None, list[x509.Certificate]]


def _opened(path: Path, password: str) -> _Opened:
    """Return the key, its certificate and the others of a PKCS#12 file."""
    return pkcs12.load_key_and_certificates(path.read_bytes(), password.encode() or None)


def _self_signed(name: str, ends: timedelta) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    draft = _draft(subject, subject, key, -_DAY, ends)
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    draft = draft.add_extension(_usage(signs=True), True)
    return Identity(draft.sign(key, hashes.SHA256()), key)


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
