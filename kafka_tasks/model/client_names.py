"""The names of client properties: librdkafka's, and those of the Python libraries."""

from __future__ import annotations

CA = "ssl.ca.location"
CERTIFICATE = "ssl.certificate.location"
KEY = "ssl.key.location"
KEY_PASSWORD = "ssl.key.password"  # noqa: S105 - the name of a property
MECHANISM, USER, PASSWORD = "sasl.mechanism", "sasl.username", "sasl.password"

# librdkafka → kafka-python and aiokafka.
PYTHON = {
    "bootstrap.servers": "bootstrap_servers",
    "security.protocol": "security_protocol",
    MECHANISM: "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    USER: "sasl_plain_username",
    PASSWORD: "sasl_plain_password",
}
