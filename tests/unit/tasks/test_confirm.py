from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from kafka_tasks.errors import Refused
from kafka_tasks.tasks.confirm import require_yes


class _Terminal(io.StringIO):
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
    monkeypatch.setattr(sys, "stdin", _Terminal(answer))
    ask: Callable[[], None] = lambda: require_yes(["All goes."], yes=False, hint="--yes")  # noqa: E731
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
        require_yes(["All goes."], yes=False, hint="--yes")
    assert caught.value.hint == "--yes"
    require_yes(["All goes."], yes=True, hint="")
    assert capsys.readouterr().err == ""
