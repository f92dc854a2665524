from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.listener import Listener, parse, port_problems, problems
from tests.unit.any_text import CHARACTERS

_HOSTS = st.sampled_from(["", "0.0.0.0", "localhost", "kafka-2", "::1", "::"])
_LISTENERS = st.builds(
    Listener, st.from_regex(r"[A-Z_]{1,8}", fullmatch=True, alphabet=CHARACTERS), _HOSTS, st.just(1)
)


def test_listeners_are_read() -> None:
    """Name, host and port; a name is upper case, spaces around are nothing."""
    assert parse("HOST://localhost:9092, container://kafka:29092") == (
        Listener("HOST", "localhost", 9092),
        Listener("CONTAINER", "kafka", 29092),
    )


def test_a_listener_on_every_address_has_no_host() -> None:
    """`PLAINTEXT://:9092` is every address."""
    assert parse("PLAINTEXT://:9092") == (Listener("PLAINTEXT", "", 9092),)


def test_an_ipv6_address_is_read_without_brackets() -> None:
    """The colons of an address are not taken for the port's."""
    assert parse("A://[::1]:9092") == (Listener("A", "::1", 9092),)


@given(listeners=st.lists(_LISTENERS, min_size=1), port=st.integers(1, 65535))
def test_what_is_written_is_read_again(listeners: list[Listener], port: int) -> None:
    """Any list of listeners, with any port, comes back as it was."""
    whole = [Listener(one.name, one.host, port) for one in listeners]
    hosts = [f"[{one.host}]" if ":" in one.host else one.host for one in whole]
    text = ",".join(f"{one.name}://{host}:{port}" for one, host in zip(whole, hosts, strict=True))
    assert parse(text) == tuple(whole)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:9092",
        "HOST://localhost",
        "HOST://localhost:",
        "HOST://localhost:port",
        "://localhost:9092",
        "HOST:/localhost:9092",
        "A://:1,",
        "A://:0",
        "A://:65536",
        "A://:²",
        "A://:-1",
        "A://:99999999999999999999",
    ],
)
def test_what_is_no_listener_is_exit_3(text: str) -> None:
    """The part that cannot be read is shown, with one that can."""
    with pytest.raises(InvalidInput, match="is not a listener") as caught:
        parse(text)
    assert caught.value.hint == "NAME://host:port, say PLAINTEXT://:9092"


def test_the_bad_part_alone_is_named() -> None:
    """The good listeners beside it are not blamed."""
    with pytest.raises(InvalidInput) as caught:
        parse("HOST://:9092, rubbish")
    assert caught.value.message == "'rubbish' is not a listener."


def test_a_pair_that_works_has_no_problems() -> None:
    """One listener for the host and one for containers, each with a port of its own."""
    bound = parse("HOST://0.0.0.0:9092,CONTAINER://0.0.0.0:29092")
    told = parse("HOST://localhost:9092,CONTAINER://kafka:29092")
    assert problems(bound, told) == []
    assert port_problems(told, bound, {9092: 9092}) == []


def test_two_listeners_on_one_port() -> None:
    """Both are named, with the port that they share."""
    found = problems(parse("HOST://:9092,CONTAINER://:9092"), parse("HOST://localhost:9092"))
    assert found == [
        "the listeners HOST and CONTAINER are both on port 9092; each needs a port of its own"
    ]


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "0.0.0.0"), ("[::]", "::"), ("", "no host")]
)
def test_an_address_that_nobody_can_connect_to(host: str, shown: str) -> None:
    """Every address may be listened on, but not be advertised."""
    told = parse(f"HOST://{host}:9092")
    assert problems(parse("HOST://0.0.0.0:9092"), told) == [
        f"the listener HOST advertises {shown}, which no client can connect to; "
        "advertise localhost or the service's name"
    ]


def test_an_advertised_name_that_no_listener_has() -> None:
    """A broker would refuse to start with it."""
    found = problems(parse("HOST://:9092"), parse("HOST://localhost:9092,OTHER://kafka:1"))
    assert found == ["the advertised listener OTHER is not among the listeners"]


def test_every_problem_is_found() -> None:
    """One does not hide the next."""
    assert len(problems(parse("A://:1,B://:1"), parse("A://0.0.0.0:1,C://kafka:1"))) == 3


def test_a_published_port_that_differs() -> None:
    """A client would be sent on to a port where nobody, or somebody else, listens."""
    told, bound = parse("HOST://localhost:9092"), parse("HOST://:9092")
    assert port_problems(told, bound, {9092: 19092}) == [
        "the listener HOST advertises port 9092, but it is published on port 19092; "
        "clients would be sent to the wrong one"
    ]


def test_a_port_that_is_not_published() -> None:
    """What is advertised to the host must be reachable from it: the container's port is named."""
    told, bound = parse("HOST://127.0.0.1:9092"), parse("HOST://:19092")
    assert port_problems(told, bound, {9092: 9092}) == [
        "the listener HOST advertises 127.0.0.1:9092, but container port 19092 is not published"
    ]


def test_the_container_port_may_differ() -> None:
    """What counts is that the published port is the advertised one and leads to the listener."""
    told, bound = parse("HOST://localhost:9092"), parse("HOST://:19092")
    assert port_problems(told, bound, {19092: 9092}) == []


def test_addresses_for_containers_need_no_published_port() -> None:
    """A service's name is for clients on the network."""
    told = parse("CONTAINER://kafka:29092")
    assert port_problems(told, told, {}) == []
