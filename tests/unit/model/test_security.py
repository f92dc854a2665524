from __future__ import annotations

import pytest

from kafka_tasks.model.security import Security, is_reserved, super_users


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
