"""The settings of a connection to a remote cluster."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from kafka_tasks.model.address import Address
from kafka_tasks.settings.variable import Variable, choice, command, path, text


def _servers(value: str) -> tuple[Address, ...]:
    return tuple(Address.parse(part) for part in value.split(","))


# A block in one line, with blanks for its ends of lines, as files of Java may have it.
_BLOCK = re.compile(r"(-----BEGIN [^-\n]+-----)([^-\n]+)(-----END [^-\n]+-----)[ \t]*")


def _in_lines(block: re.Match[str]) -> str:
    return "\n".join((block[1], *block[2].split(), block[3], ""))


def _pem(value: str) -> str:
    """Return a text of PEM; `\\n` stands for an end of line, as in variables of one line."""
    found = _BLOCK.sub(_in_lines, value.replace("\\n", "\n").strip()) + "\n"
    if not found.startswith("-----BEGIN "):
        raise ValueError
    return found


def _url(value: str) -> str:
    """Return an address of the web; raises `ValueError`, also for one with a user name."""
    parts = urlsplit(text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if parts.port == 0 or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError
    return value


def _extensions(value: str) -> str:
    """Return pairs of a name and a value, as the log-in allows them; raises `ValueError`."""
    if not re.fullmatch(
        r"[A-Za-z]+=[\x21-\x2b\x2d-\x7e]+(,[A-Za-z]+=[\x21-\x2b\x2d-\x7e]+)*", value
    ):
        raise ValueError
    return value


_PEM = "text that begins with -----BEGIN"
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

CONNECTION_VARIABLES: tuple[Variable, ...] = (
    Variable("context", None, text, "a name", "remote cluster by name, of contexts.yaml"),
    Variable(
        "client_properties",
        None,
        path,
        "the path of a file",
        "Java or librdkafka client file for a remote cluster",
    ),
    Variable(
        "bootstrap_servers",
        None,
        _servers,
        "host:port, separated by commas",
        "bootstrap servers of a remote cluster",
    ),
    Variable(
        "security_protocol",
        None,
        choice(*_SECURITY),
        ", ".join(_SECURITY),
        "security protocol of a remote cluster",
    ),
    Variable(
        "sasl_mechanism",
        None,
        choice(*_MECHANISMS),
        ", ".join(_MECHANISMS),
        "SASL mechanism of a remote cluster",
    ),
    Variable("sasl_username", None, text, "a name", "SASL user of a remote cluster"),
    Variable(
        "sasl_password", None, text, "a password", "SASL password of a remote cluster", secret=True
    ),
    Variable(
        "sasl_oauthbearer_token_endpoint_url",
        None,
        _url,
        "a URL that begins with https:// or http://, without a user name",
        "OAUTHBEARER: token endpoint that gives a token for client id and secret",
    ),
    Variable(
        "sasl_oauthbearer_client_id",
        None,
        text,
        "a name",
        "OAUTHBEARER: client id for the endpoint",
    ),
    Variable(
        "sasl_oauthbearer_client_secret",
        None,
        text,
        "a secret",
        "OAUTHBEARER: client secret for the endpoint",
        secret=True,
    ),
    Variable(
        "sasl_oauthbearer_scope",
        None,
        text,
        "names, separated by blanks",
        "OAUTHBEARER: scope of the token that the endpoint gives",
    ),
    Variable(
        "sasl_oauthbearer_extensions",
        None,
        _extensions,
        "name=value, separated by commas",
        "OAUTHBEARER: extensions of the log-in, such as logicalCluster=lkc-1",
    ),
    Variable(
        "https_ca_location",
        None,
        path,
        "the path of a file",
        "OAUTHBEARER: CA certificates of the token endpoint (those that the machine trusts)",
    ),
    Variable("https_ca_pem", None, _pem, _PEM, "OAUTHBEARER: the same certificates as PEM text"),
    Variable(
        "token_command",
        None,
        command,
        "a command line",
        "OAUTHBEARER: command that prints a token, instead of an endpoint",
        # A word of it may be a secret.
        secret=True,
    ),
    Variable(
        "ssl_ca_location", None, path, "the path of a file", "CA certificates of a remote cluster"
    ),
    Variable("ssl_ca_pem", None, _pem, _PEM, "CA certificates as PEM text"),
    Variable(
        "ssl_truststore_location",
        None,
        path,
        "the path of a file",
        "trust store with CA certificates (PKCS#12)",
    ),
    Variable(
        "ssl_truststore_password",
        None,
        text,
        "a password",
        "password of the trust store",
        secret=True,
    ),
    Variable(
        "ssl_certificate_location", None, path, "the path of a file", "client certificate (PEM)"
    ),
    Variable(
        "ssl_certificate_pem",
        None,
        _pem,
        _PEM,
        "client certificate as PEM text",
        # The text may have the key too.
        secret=True,
    ),
    Variable("ssl_key_location", None, path, "the path of a file", "client key (PEM)"),
    Variable("ssl_key_pem", None, _pem, _PEM, "client key as PEM text", secret=True),
    Variable(
        "ssl_key_password", None, text, "a password", "password of the client key", secret=True
    ),
    Variable(
        "ssl_keystore_location",
        None,
        path,
        "the path of a file",
        "key store with client certificate and key (PKCS#12)",
    ),
    Variable(
        "ssl_keystore_password", None, text, "a password", "password of the key store", secret=True
    ),
)
