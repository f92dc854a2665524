from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from invoke.context import Context

from kafka_tasks.errors import Refused
from kafka_tasks.tasks import topic
from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.confirm import require_yes

CALL = Call(Context(), task=topic.delete, given={"names": "test-*", "cluster_id": "a b"})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Return True: a person answers."""
        return True


@pytest.mark.parametrize(("answer", "goes"), [("y\n", True), ("YES\n", True), ("\n", False)])
def test_a_question_is_asked_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    goes: bool,
) -> None:
    """y and yes continue; anything else, also nothing at all, is exit 6."""
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ask: Callable[[], None] = lambda: require_yes(CALL, ["All goes."], yes=False)  # noqa: E731
    if goes:
        ask()
    else:
        with pytest.raises(Refused, match="nothing was changed"):
            ask()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "All goes.\nContinue? [y/N] ")


@pytest.mark.parametrize("stdin", [io.StringIO("y\n"), None])
def test_without_a_terminal_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdin: Any
) -> None:
    """A pipe that says yes does not confirm; --yes does."""
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(Refused, match="stdin is not a terminal") as caught:
        require_yes(CALL, ["All goes."], yes=False)
    assert caught.value.hint == "invoke kafka.topic.delete 'test-*' --yes --cluster-id 'a b'"
    require_yes(CALL, ["All goes."], yes=True)
    assert capsys.readouterr().err == ""
