from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.render.printable import printable


def test_what_steers_a_terminal_is_written_out() -> None:
    """Colours, bells, returns, C1 controls and what turns text around are shown, not obeyed."""
    assert printable("\x1b[31m\a\r\x9b2J\u202ex\ud800") == r"\x1b[31m\x07\r\x9b2J\u202ex\ud800"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf"])))
def test_other_text_is_left_alone(text: str) -> None:
    """Letters of any script, tabs and line ends stay as they are."""
    assert printable(f"\t{text}\n") == f"\t{text}\n"
