"""Java's properties and log-ins, as Java reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.render.views.connection import Connection, text
from kafka_tasks.settings.java_properties import entries, log_in


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("a=b", "a", "b"),
        ("  a : b c ", "a", "b c "),
        ("a b=c", "a", "b=c"),
        ("a\\ b=c\\=d", "a b", "c=d"),
        ("a=\\u0041\\t\\q\\\\", "a", "A\tq\\"),
        ("a=\\ud83d\\ude00", "a", "😀"),
        ("a=b\\\n   c\\\n\n", "a", "bc"),
        ("a=b\\\\\nc=d", "a", "b\\"),
        ("a", "a", ""),
        ("! no\n# no\n\n a=b", "a", "b"),
    ],
)
def test_properties_have_javas_escapes(line: str, name: str, value: str) -> None:
    """Names, values and lines that go on."""
    first = next(entries(line))
    assert (first.name, first.value) == (name, value)


def test_lines_are_counted_from_one() -> None:
    """A property is at its first line, whatever ends the lines."""
    found = [(each.name, each.line) for each in entries("# x\r\na=1\\\r\n2\rb=3\nc=4")]
    assert found == [("a", 2), ("b", 4), ("c", 5)]


@pytest.mark.parametrize("text", ["ok=1\na=\\u12", "ok=1\na=\\ud83d"])
def test_an_invalid_escape_names_its_line(text: str) -> None:
    """Half a character, too."""
    with pytest.raises(ValueError, match="line 2 has an invalid escape"):
        list(entries(text))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('a.b.Plain required username="me" password="p\\"w\\\\;=";', {"password": 'p"w\\;='}),
        ("Plain required username=me password='it \"is\"';", {"password": 'it "is"'}),
        ('Plain /* x */ required // y\n username="me" password="\\101\\n";', {"password": "A\n"}),
        ('Plain required username="me" password=";";', {"password": ";"}),
        ('Plain required username="me";', {}),
    ],
)
def test_a_log_in_has_its_options(text: str, options: dict[str, str]) -> None:
    """By Java's rules of quotes."""
    found = log_in(text)
    assert found.module == "Plain" and found.options == {"username": "me", **options}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin with a class"),
        ("Plain required username=me", "semicolon"),
        ("Plain required username=;", "no value"),
        ('Plain required password="me;', "a quote is not closed"),
    ],
)
def test_what_is_no_log_in_says_why(text: str, said: str) -> None:
    """Without its text."""
    with pytest.raises(ValueError, match=said):
        log_in(text)


@given(password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_what_env_prints_is_read_back(password: str) -> None:
    """Every password, through both levels of escapes."""
    client = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "alice",
        "sasl.password": password,
    }
    cluster = Cluster(
        *(Path("/nowhere"), "remote", Topology(), (Address("here", 9092),), 1), client=client
    )
    printed = text(Connection(cluster, "java"), width=80)
    found = {each.name: each.value for each in entries(printed)}
    assert found["bootstrap.servers"] == "here:9092"
    assert log_in(found["sasl.jaas.config"]).options == {
        "username": "alice",
        "password": password,
    }
