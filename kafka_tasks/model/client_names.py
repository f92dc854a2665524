"""The names of client properties: librdkafka's, and those of the Python libraries."""

from __future__ import annotations

CA = "ssl.ca.location"
CERTIFICATE = "ssl.certificate.location"
KEY = "ssl.key.location"
KEY_PASSWORD = "ssl.key.password"  # noqa: S105 - the name of a property
CA_PEM, CERTIFICATE_PEM, KEY_PEM = "ssl.ca.pem", "ssl.certificate.pem", "ssl.key.pem"
KEY_STORE, KEY_STORE_PASSWORD = "ssl.keystore.location", "ssl.keystore.password"
# Whom a client trusts, and who it is.
TLS = (
    *(CA, CA_PEM, CERTIFICATE, CERTIFICATE_PEM, KEY, KEY_PEM, KEY_PASSWORD),
    *(KEY_STORE, KEY_STORE_PASSWORD),
)
MECHANISM, USER, PASSWORD = "sasl.mechanism", "sasl.username", "sasl.password"
OAUTHBEARER = "OAUTHBEARER"
TOKEN_URL = "sasl.oauthbearer.token.endpoint.url"  # noqa: S105 - the name of a property
CLIENT_ID, CLIENT_SECRET = "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret"
SCOPE, EXTENSIONS = "sasl.oauthbearer.scope", "sasl.oauthbearer.extensions"
TOKEN_METHOD = "sasl.oauthbearer.method"  # noqa: S105 - the name of a property
HTTPS_CA, HTTPS_CA_PEM = "https.ca.location", "https.ca.pem"
# Where a token comes from, and for what it is asked.
OAUTH = (
    *(TOKEN_METHOD, TOKEN_URL, CLIENT_ID, CLIENT_SECRET, SCOPE, EXTENSIONS),
    *(HTTPS_CA, HTTPS_CA_PEM),
)

# librdkafka → kafka-python and aiokafka.
PYTHON = {
    "bootstrap.servers": "bootstrap_servers",
    "security.protocol": "security_protocol",
    MECHANISM: "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    USER: "sasl_plain_username",
    PASSWORD: "sasl_plain_password",
}


def extensions(text: str) -> dict[str, str]:
    """Return the pairs of the property `EXTENSIONS`: name=value, separated by commas."""
    return dict(pair.partition("=")[::2] for pair in text.split(",") if pair)


def is_secret(name: str) -> bool:
    """Return whether the property of this name is a password or a private key."""
    return name.endswith((".password", ".secret")) or name == KEY_PEM
