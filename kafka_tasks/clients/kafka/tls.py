"""Python's TLS with the properties of librdkafka, for requests that are written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.client_names import (
    CA,
    CA_PEM,
    CERTIFICATE,
    CERTIFICATE_PEM,
    HTTPS_CA,
    HTTPS_CA_PEM,
    KEY,
    KEY_PASSWORD,
    KEY_PEM,
    KEY_STORE,
    KEY_STORE_PASSWORD,
)

if TYPE_CHECKING:
    import ssl

# OpenSSL's numbers of what is wrong with a certificate.
EARLY, EXPIRED = 9, 10
# 7: it is signed by another authority of the same name, such as one made again.
NO_AUTHORITY = frozenset({2, 7, 18, 19, 20, 21})
OTHER_HOST = frozenset({62, 64})
# Debian and Alpine, Red Hat, SUSE, macOS.
_AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def context(client: Mapping[str, str]) -> ssl.SSLContext | None:
    """Return TLS as these properties want it; None where they want none. Raises `Unanswered`."""
    wanted = client.get("security.protocol", "").upper().endswith("SSL")
    return verified(client) if wanted else None


def verified(client: Mapping[str, str]) -> ssl.SSLContext:
    """Return TLS as librdkafka does it with these properties; raises `Unanswered`."""
    import ssl

    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        load_trusted(found, client)
    except OSError as error:
        trusted = client.get(CA) or "the certificates of authorities"
        raise Unanswered(f"Python does not read {trusted}: {error}") from error
    # librdkafka reads more forms of keys than Python does.
    with suppress(OSError):
        load_identity(found, client)
    return found


def of_endpoint(client: Mapping[str, str]) -> ssl.SSLContext:
    """Return TLS for the token endpoint of these properties; raises `OSError`."""
    import ssl

    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_trusted(
        found,
        {
            ours: client[name]
            for ours, name in ((CA, HTTPS_CA), (CA_PEM, HTTPS_CA_PEM))
            if name in client
        },
    )
    return found


def authorities_of_machine() -> str | None:
    """Return the file of the authorities that this machine trusts, if one is found.

    The wheels of confluent-kafka look for it where Red Hat has it (2.16), whatever the machine is.
    """
    import ssl

    given = ssl.get_default_verify_paths().cafile
    return next((path for path in (given, *_AUTHORITIES) if path and Path(path).is_file()), None)


def load_trusted(context: ssl.SSLContext, client: Mapping[str, str]) -> None:
    """Make a context trust what these properties name, else what the machine trusts.

    Raises `OSError`.
    """
    if pem := client.get(CA_PEM):
        context.load_verify_locations(cadata=pem)
    elif trusted := client.get(CA):
        is_folder = Path(trusted).is_dir()
        context.load_verify_locations(**{"capath" if is_folder else "cafile": trusted})
    else:
        context.load_default_certs()


def load_identity(context: ssl.SSLContext, client: Mapping[str, str]) -> None:
    """Give a context the client certificate and key of these properties, if there are any.

    Raises `OSError`.
    """
    with ExitStack() as stack:
        certificate, key = client.get(CERTIFICATE), client.get(KEY)
        password = client.get(KEY_PASSWORD, "")
        if store := client.get(KEY_STORE):
            from kafka_tasks.clients.certificates import pem_of_key_store

            pem = pem_of_key_store(Path(store), client.get(KEY_STORE_PASSWORD, ""))
            certificate = key = stack.enter_context(_file(pem))
        if text := client.get(CERTIFICATE_PEM):
            certificate = stack.enter_context(_file(text))
        if text := client.get(KEY_PEM):
            key = stack.enter_context(_file(text))
        if certificate and key:
            context.load_cert_chain(certificate, key, password)


@contextmanager
def _file(text: str) -> Iterator[str]:
    """Yield a private file with this text, which Python's TLS takes no other way."""
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile("w", encoding="utf-8", prefix="kafka-tasks-") as file:
        file.write(text)
        file.flush()
        yield file.name
