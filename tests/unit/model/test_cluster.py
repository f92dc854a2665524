from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from tests.unit.any_text import CHARACTERS


@given(
    host=st.one_of(
        st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True, alphabet=CHARACTERS),
        st.ip_addresses().map(str),
    ),
    port=st.integers(1, 65535),
)
def test_an_address_survives_its_own_text(host: str, port: int) -> None:
    """Whatever host and port, the text of an address reads back as the same address."""
    assert Address.parse(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (" localhost:9092 ", "localhost", 9092),
        ("[::1]:9092", "::1", 9092),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
        ("10.0.0.1:00080", "10.0.0.1", 80),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int) -> None:
    """Names, IPv4, bracketed IPv6 and surrounding spaces are understood."""
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "localhost",
        "localhost:",
        ":9092",
        "localhost:abc",
        "localhost:-1",
        "localhost:0",
        "localhost:65536",
        "localhost:" + "9" * 5000,
        "localhost:9092:9093",
        "a:1 b:2",
        "a b:9092",
        "::1:9092",
        "[::1:9092",
        "::1]:9092",
        "[]:9092",
        "http://localhost:9092",
        "PLAINTEXT://localhost:9092",
        "localhost:９０９２",
    ],
)
def test_what_is_no_address_is_a_sentence(text: str) -> None:
    """A text that is not host:port is InvalidInput, never another error and never a guess."""
    with pytest.raises(InvalidInput, match="is not an address"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("kafka", False),
    ],
)
def test_loopback_is_known(host: str, here: bool) -> None:
    """Addresses that can only mean this machine are told from others."""
    assert Address(host, 1).is_loopback is here


def test_a_cluster_shows_no_secret() -> None:
    """The client properties, which may hold a password, are not in repr()."""
    shown = Cluster(
        Path("/p"),
        "remote",
        Topology(),
        (Address("a", 1), Address("b", 2)),
        2,
        client={"sasl.password": "hunter2"},
    )
    assert "hunter2" not in repr(shown)
    assert shown.bootstrap_servers == "a:1,b:2"
    assert shown.zookeeper is None
