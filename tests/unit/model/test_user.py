from __future__ import annotations

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.user import check_new_name, mechanism_of


@pytest.mark.parametrize("name", ["alice", "CN=alice,O=us", "a b", "ålice"])
def test_most_names_are_good(name: str) -> None:
    """Kafka takes any text."""
    check_new_name(name, started_here=True)


@pytest.mark.parametrize("name", ["", " alice", "a\nb", "*"])
def test_names_that_cannot_be_typed_again_are_refused(name: str) -> None:
    """A star is everybody, and blanks at the ends are mistakes."""
    with pytest.raises(InvalidInput, match="cannot be the name of a user"):
        check_new_name(name, started_here=False)


@pytest.mark.parametrize("name", ["broker", "controller", "ANONYMOUS"])
def test_names_of_the_cluster_itself_are_reserved(name: str) -> None:
    """A remote cluster may have such users."""
    with pytest.raises(InvalidInput, match=f"user name {name} is reserved"):
        check_new_name(name, started_here=True)
    check_new_name(name, started_here=False)


def test_a_mechanism_is_one_of_scram() -> None:
    """In any case of letters."""
    assert mechanism_of("scram-sha-256") == "SCRAM-SHA-256"
    with pytest.raises(InvalidInput, match="'PLAIN'; allowed: SCRAM-SHA-256, SCRAM-SHA-512"):
        mechanism_of("PLAIN")
