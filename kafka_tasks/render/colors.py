"""Text in a color."""

from __future__ import annotations

from typing import TextIO


def colored(text: str, color: str, stream: TextIO) -> str:
    """Return a text, bold and in the color, for the terminal that this stream is."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream)
    with console.capture() as drawn:
        console.print(Text(text, f"bold {color}"), end="", soft_wrap=True)
    return drawn.get()
