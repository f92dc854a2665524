"""How an error of the cluster ends a check."""

from __future__ import annotations

import pytest
from _pytest.outcomes import Failed, Skipped

from kafka_tasks.acceptance.conftest import _told
from kafka_tasks.errors import ClusterError, NotPermitted


def test_what_the_rights_forbid_is_skipped_as_not_permitted() -> None:
    """With the broker's word for it."""
    with pytest.raises(Skipped) as caught, _told():
        raise NotPermitted("Not permitted: a transaction.", evidence=["THE_CODE: denied"])
    assert caught.value.msg == "not permitted: a transaction. THE_CODE: denied"


def test_any_other_error_is_a_failure_in_words() -> None:
    """The message with its evidence, and no traceback."""
    with pytest.raises(Failed) as caught, _told():
        raise ClusterError("Failed: produce with zstd.", evidence=["UNKNOWN: the reason"])
    assert caught.value.msg == "Failed: produce with zstd.\nUNKNOWN: the reason"
    assert caught.value.pytrace is False
