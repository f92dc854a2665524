"""The corpus itself: what its replay notices, and what is kept when it is renewed."""

from __future__ import annotations

import pytest

from tests.fuzz.corpus import Corpus, Covering, Id, Wrong

KEPT = Corpus({"plan.json": {"seed": 7, "cases": {"3": "value"}, "found": [[9, 41]]}})


def test_another_ending_is_noticed() -> None:
    """A case that was a value is no error now; one that a person added may end in any way."""
    KEPT.compare("plan.json", Id(7, 3), "value")
    KEPT.compare("plan.json", Id(9, 41), "InvalidInput")
    with pytest.raises(Wrong, match="--renew"):
        KEPT.compare("plan.json", Id(7, 3), "InvalidInput")


def test_a_target_without_cases_is_noticed() -> None:
    """A new target is not passed over in silence."""
    assert KEPT.cases("plan.json") == [Id(7, 3), Id(9, 41)]
    with pytest.raises(Wrong, match="no case of another"):
        KEPT.cases("another")


def test_a_renewal_keeps_what_a_person_added() -> None:
    """The first cases of a run and each further kind; other targets stay as they are."""
    run = Covering()
    for number in range(30):
        run.note(Id(8, number), "value", "new" if number == 25 else "old", loose=False)
    found = KEPT.renewed({"plan.json": run}).targets["plan.json"]
    assert list(found["cases"]) == [str(number) for number in (*range(20), 25)]
    assert (found["seed"], found["found"]) == (8, [[9, 41]])
    assert KEPT.renewed({}).targets == KEPT.targets
