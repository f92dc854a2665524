from __future__ import annotations

import pytest

from kafka_tasks.model.security import Security, certificate_host, is_reserved, super_users


@pytest.mark.parametrize("user", ["broker", "controller", "kafka-tasks", "ANONYMOUS", "CN=broker"])
def test_names_that_would_be_super_are_reserved(user: str) -> None:
    """A user cannot be taken for a broker, a controller or kafka-tasks."""
    assert is_reserved(user)


@pytest.mark.parametrize("user", ["alice", "admin", "brokers", "CN=alice"])
def test_other_names_are_free(user: str) -> None:
    """What only resembles a reserved name is a user's."""
    assert not is_reserved(user)


def test_no_reserved_name_is_a_principal_of_a_user() -> None:
    """Super users by certificate have a form that no user name may have."""
    names = [principal.removeprefix("User:") for principal in super_users()]
    assert [name for name in names if not is_reserved(name)] == ["admin"]


def test_kinds_say_how_clients_log_in() -> None:
    """By certificate or not at all, there is no SASL; with tls, nobody has a name."""
    assert (Security("mtls").protocol, Security("mtls").mechanism) == ("SSL", None)
    assert Security("scram").mechanism == "SCRAM-SHA-512"
    assert [Security(kind).knows_users for kind in ("tls", "mtls")] == [False, True]


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("Kafka.Test", "kafka.test"),
        ("*.kafka.test", "*.kafka.test"),
        ("my_kafka-1", "my_kafka-1"),
        ("3com.test", "3com.test"),
        ("a" * 63, "a" * 63),
        ("10.20.30.40", "10.20.30.40"),
        ("FD00::0:1", "fd00::1"),
    ],
)
def test_names_and_addresses_of_a_certificate(typed: str, host: str) -> None:
    """Names are small, and addresses in their shortest form."""
    assert certificate_host(typed) == host


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "a b", "kafka.test\n", "a..b", ".a", "a.", "-a", "a-", "bücher.test"),
        *("*", "*.test", "a.*.test", "ka*.kafka.test", "*.*.kafka.test"),
        *("kafka.test:9092", "https://kafka.test", "10.0.0.0/8", "10.20.30", "1.2.3.4.5", "12"),
        *("[::1]", "fe80::1%eth0", "a" * 64, ".".join(["a" * 60] * 5)),
    ],
)
def test_what_no_certificate_has_is_refused(typed: str) -> None:
    """Also in a snapshot or a record that names it."""
    with pytest.raises(ValueError, match="is neither a host name nor an IP address"):
        certificate_host(typed)
    with pytest.raises(ValueError, match="is neither a host name nor an IP address"):
        Security("scram", hosts=(typed,))
