"""Python's TLS with the properties of librdkafka, for requests that are written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.clients.unanswered import Unanswered

if TYPE_CHECKING:
    import ssl


def context(client: Mapping[str, str]) -> ssl.SSLContext | None:
    """Return TLS as these properties want it; None where they want none. Raises `Unanswered`."""
    wanted = client.get("security.protocol", "").upper().endswith("SSL")
    return verified(client) if wanted else None


def verified(client: Mapping[str, str]) -> ssl.SSLContext:
    """Return TLS as librdkafka does it with these properties; raises `Unanswered`."""
    import ssl

    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted = client.get("ssl.ca.location")
    try:
        if trusted is None:
            found.load_default_certs()
        else:
            is_folder = Path(trusted).is_dir()
            found.load_verify_locations(**{"capath" if is_folder else "cafile": trusted})
    except OSError as error:
        raise Unanswered(f"Python does not read {trusted}: {error}") from error
    certificate, key = client.get("ssl.certificate.location"), client.get("ssl.key.location")
    if certificate and key:
        # librdkafka reads more forms of keys than Python does.
        with suppress(ssl.SSLError):
            found.load_cert_chain(certificate, key, client.get("ssl.key.password", ""))
    return found
