from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import InvalidInput
from kafka_tasks.topics.model import (
    TopicSpec,
    check_name,
    check_partitions,
    check_replication_factor,
    check_spec,
    parse_config,
)
from tests.unit.any_text import CHARACTERS

NAMES = st.from_regex(
    r"[A-Za-z0-9._][A-Za-z0-9._-]{0,248}", fullmatch=True, alphabet=CHARACTERS
).filter(lambda name: name not in (".", ".."))


@given(name=NAMES)
def test_every_name_that_kafka_takes_is_taken(name: str) -> None:
    """Up to 249 of the allowed characters are a name."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "cannot be empty"),
        (".", "cannot be named"),
        ("..", "cannot be named"),
        ("a b", "' '"),
        ("größe", "'ß' 'ö'"),
        ("a\n", r"'\\n'"),
        ("a" * 250, "has 250 characters; Kafka allows 249"),
        ("--dry", "looks like a flag"),
        ("-", "looks like a flag"),
        ("a/b", "'/'"),
        ("٣", "'٣'"),
    ],
)
def test_a_name_that_kafka_refuses_is_a_sentence(name: str, said: str) -> None:
    """Empty, dotted, spaced, foreign, long and flag-like names are exit 3, with the reason."""
    with pytest.raises(InvalidInput, match=said) as caught:
        check_name(name)
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_a_flag_like_name_points_to_the_help() -> None:
    """A name that begins with - comes with a pointer to the task's help."""
    with pytest.raises(InvalidInput) as caught:
        check_name("-x")
    assert (caught.value.hint or "").startswith("invoke --help")


@given(name=st.text(CHARACTERS, max_size=260))
def test_any_text_is_a_name_or_a_sentence(name: str) -> None:
    """No text is anything but itself or InvalidInput."""
    try:
        assert check_name(name) == name
    except InvalidInput as error:
        assert error.message


@pytest.mark.parametrize("number", [0, -1, 100_001, 2**40])
def test_impossible_numbers_of_partitions_are_refused(number: int) -> None:
    """Fewer than one partition, or more than any broker survives, is exit 3."""
    with pytest.raises(InvalidInput, match=f"cannot have {number} partitions"):
        check_partitions(number)


@pytest.mark.parametrize("number", [0, -3, 40_000])
def test_impossible_replication_factors_are_refused(number: int) -> None:
    """A replication factor starts at 1."""
    with pytest.raises(InvalidInput, match=f"replication factor of {number} is not possible"):
        check_replication_factor(number)


def test_what_is_left_open_is_right() -> None:
    """None leaves the choice to the broker."""
    spec = TopicSpec("orders")
    assert check_spec(spec) is spec


@pytest.mark.parametrize(
    "spec", [TopicSpec("a b"), TopicSpec("a", partitions=0), TopicSpec("a", replication_factor=0)]
)
def test_every_part_of_a_spec_is_checked(spec: TopicSpec) -> None:
    """Name, partitions and replication factor are all looked at."""
    with pytest.raises(InvalidInput):
        check_spec(spec)


def test_configuration_flags_are_read() -> None:
    """key=value, with further = in the value; the last of a key holds."""
    assert parse_config(["a=1", " b = x=y ", "c=", "a=2"]) == {"a": "2", "b": "x=y", "c": ""}


@pytest.mark.parametrize("pair", ["retention.ms", "=1", " =1", ""])
def test_a_flag_that_is_no_pair_is_refused(pair: str) -> None:
    """What has no key or no = is exit 3 and quotes what was typed."""
    with pytest.raises(InvalidInput) as caught:
        parse_config([pair])
    assert f"--config {pair!r}" in caught.value.message
