"""Why a connection cannot work: errors of log-ins, TLS, names and protocols as sentences, once.

Each finding has the fix that belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kafka_tasks.clients.kafka import token_refusals
from kafka_tasks.clients.kafka.certificate_dates import validity
from kafka_tasks.clients.kafka.listener_probe import OF_ZOOKEEPER, Listener, TlsFault
from kafka_tasks.clients.kafka.tls import EARLY, EXPIRED, NO_AUTHORITY, OTHER_HOST
from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.address import Address
from kafka_tasks.model.client_names import CERTIFICATE_PEM

_ORIGIN = "invoke kafka.config shows KAFKA_TASKS_BOOTSTRAP_SERVERS with its origin"

# Each finding, and what it says of any connection.
FINDINGS = {
    "log-in-refused": "The broker refuses the user name or the password.",
    "mechanism-off": "The broker does not accept this SASL mechanism.",
    "protocol-differs": "The listener speaks another security protocol than the settings.",
    "authority-unknown": "The broker's certificate comes from an authority that is not trusted.",
    "certificate-host": "The broker's certificate is not valid for this host name.",
    "certificate-expired": "The broker's certificate has expired.",
    "certificate-early": "The broker's certificate is not valid yet.",
    "certificate-invalid": "The broker's certificate is not valid for another reason.",
    "client-certificate-missing": "The broker asks for a client certificate, and none is set.",
    "client-key-missing": "The broker asks for a client certificate, and its key is not set.",
    "client-certificate-expired": "The client certificate has expired.",
    "client-certificate-early": "The client certificate is not valid yet.",
    "client-certificate-refused": "The broker does not accept the client certificate.",
    "tls-failed": "TLS fails for another reason.",
    "name-unresolved": "A host name has no address.",
    "not-kafka": "The server does not speak Kafka's protocol.",
    "zookeeper-address": "The address is ZooKeeper's, not a broker's.",
    "controller-listener": "The listener is a controller's, not a broker's.",
    **token_refusals.FINDINGS,
}

_Client = Mapping[str, str]


def log_in_refused(servers: str, client: _Client, text: str) -> CannotConnect:
    """Return the error for a user name or a password that the broker does not accept."""
    user = client.get("sasl.username", "")
    mechanism = client.get("sasl.mechanism", "")
    return CannotConnect(
        f"The broker at {servers} refused the log-in of user {user!r} with {mechanism}.",
        finding="log-in-refused",
        evidence=(text,),
        hint="set KAFKA_TASKS_SASL_USERNAME and KAFKA_TASKS_SASL_PASSWORD; "
        "invoke kafka.config shows where they come from",
    )


def unresolved(address: Address, text: str) -> CannotConnect:
    """Return the error for a host name that has no address."""
    return CannotConnect(
        f"The host name {address.host} cannot be resolved.",
        finding="name-unresolved",
        evidence=(text,),
        hint=f"getent hosts {address.host}; {_ORIGIN}",
    )


def not_kafka(address: Address, first: bytes) -> CannotConnect:
    """Return the error for a server that answers with something else than Kafka's protocol."""
    if first.startswith(OF_ZOOKEEPER):
        return CannotConnect(
            f"The server at {address} is ZooKeeper; clients connect to a broker.",
            finding="zookeeper-address",
            evidence=(f"its answer to srvr is {first.decode(errors='replace')!r}",),
            hint=f"use the broker's port, 9092 by default; {_ORIGIN}",
        )
    return CannotConnect(
        f"The server at {address} is not a Kafka broker.",
        finding="not-kafka",
        evidence=(f"its answer begins with {first!r}",),
        hint=_ORIGIN,
    )


def of_listener(address: Address, found: Listener, client: _Client) -> CannotConnect | None:
    """Return what the settings expect of a listener and it is not; None where they agree."""
    if found.is_controllers:
        return CannotConnect(
            f"The listener at {address} is a controller's; clients connect to a broker.",
            finding="controller-listener",
            hint=_ORIGIN,
        )
    if found.protocol != _protocol(client):
        return _protocol_differs(address, found.protocol, client)
    mechanism = client.get("sasl.mechanism", "GSSAPI")
    if not found.mechanisms or mechanism in found.mechanisms:
        return None
    return CannotConnect(
        f"The broker at {address} does not accept the SASL mechanism {mechanism}; "
        f"it accepts {' and '.join(found.mechanisms)}.",
        finding="mechanism-off",
        hint=f"export KAFKA_TASKS_SASL_MECHANISM={found.mechanisms[-1]}",
    )


def _protocol(client: _Client) -> str:
    return client.get("security.protocol", "PLAINTEXT").upper()


def _protocol_differs(address: Address, found: str, client: _Client) -> CannotConnect:
    return CannotConnect(
        f"The listener at {address} speaks {found}, but KAFKA_TASKS_SECURITY_PROTOCOL is "
        f"{_protocol(client)}.",
        finding="protocol-differs",
        hint=f"export KAFKA_TASKS_SECURITY_PROTOCOL={found}",
    )


def of_tls(address: Address, fault: TlsFault, client: _Client) -> CannotConnect:
    """Return the error for a connection that TLS ends."""
    if not _protocol(client).endswith("SSL"):
        return _protocol_differs(address, "SSL", client)
    if fault.of == "server":
        return _of_broker(address, fault, client)
    if fault.of == "client":
        return _of_client(address, fault, client)
    return tls_failed(str(address), fault.text)


def tls_failed(servers: str, text: str) -> CannotConnect:
    """Return the error for TLS that fails in a way that has no sentence of its own."""
    return CannotConnect(
        f"The TLS connection to {servers} failed.",
        finding="tls-failed",
        evidence=(text,),
        hint=f"openssl s_client -connect {servers.partition(',')[0]} </dev/null",
    )


def _of_broker(address: Address, fault: TlsFault, client: _Client) -> CannotConnect:
    said = f"The certificate of the broker at {address}"
    asked = f"openssl s_client -connect {address} </dev/null | openssl x509 -noout"
    dates = f"{asked} -dates shows its dates; date shows this machine's"
    trusted = client.get("ssl.ca.location")
    if fault.code == EXPIRED:
        finding, said, hint = "certificate-expired", f"{said} has expired.", dates
    elif fault.code == EARLY:
        finding, said, hint = "certificate-early", f"{said} is not valid yet.", dates
    elif fault.code in OTHER_HOST:
        finding, said = "certificate-host", f"{said} is not valid for the name {address.host}."
        hint = f"{asked} -ext subjectAltName shows the names; use one of them as the host"
    elif fault.code in NO_AUTHORITY:
        finding = "authority-unknown"
        where = f"is not in {trusted}" if trusted else "this machine does not trust"
        said = f"{said} comes from an authority that {where}."
        hint = "export KAFKA_TASKS_SSL_CA_LOCATION=FILE, with the certificate of that authority"
    else:
        finding, said, hint = "certificate-invalid", f"{said} is not valid.", f"{asked} -text"
    return CannotConnect(said, finding=finding, evidence=(fault.text,), hint=hint)


def _of_client(address: Address, fault: TlsFault, client: _Client) -> CannotConnect:
    path = client.get("ssl.certificate.location")
    keys = client.get("ssl.keystore.location")
    said = f"The broker at {address} asks for a client certificate"
    hint = "export KAFKA_TASKS_SSL_CERTIFICATE_LOCATION=FILE KAFKA_TASKS_SSL_KEY_LOCATION=FILE"
    if CERTIFICATE_PEM in client or keys:
        finding, named = "client-certificate-refused", keys or "of KAFKA_TASKS_SSL_CERTIFICATE_PEM"
        said = f"The broker at {address} does not accept the client certificate {named}."
        hint = "compare its issuer and dates with what the broker trusts: openssl x509 -text"
        if keys:
            hint = f"openssl pkcs12 -in {keys} -nokeys | openssl x509 -noout -issuer -dates"
    elif not path:
        finding, said = "client-certificate-missing", f"{said}, and none is set."
    elif not client.get("ssl.key.location"):
        finding, said = "client-key-missing", f"{said}, and the key of {path} is not set."
        hint = "export KAFKA_TASKS_SSL_KEY_LOCATION=FILE"
    else:
        finding, said = _judged(address, path)
        hint = f"openssl x509 -in {path} -noout -subject -issuer -dates"
    return CannotConnect(said, finding=finding, evidence=(fault.text,), hint=hint)


def _judged(address: Address, path: str) -> tuple[str, str]:
    """Return the reason and the sentence for a client certificate that the broker refused."""
    found, now = validity(path), datetime.now(UTC)
    if found is not None and now > found.ends:
        when = f"{found.ends:%Y-%m-%d %H:%M} UTC"
        return "client-certificate-expired", f"The client certificate {path} expired at {when}."
    if found is not None and now < found.begins:
        when = f"{found.begins:%Y-%m-%d %H:%M} UTC"
        return "client-certificate-early", f"The client certificate {path} is valid from {when}."
    said = f"The broker at {address} does not accept the client certificate {path}."
    return "client-certificate-refused", said
