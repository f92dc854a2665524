"""What a terminal shows besides text: colors and live lines."""

from __future__ import annotations

from typing import TextIO


def shows_colors(stream: TextIO) -> bool:
    """Return whether a stream is a terminal, and its user wants colors and live lines."""
    from kafka_tasks.settings import environment

    surroundings = environment()
    return stream.isatty() and surroundings.get("TERM") != "dumb" and "NO_COLOR" not in surroundings


def in_color(text: str, color: str, stream: TextIO) -> str:
    """Return a text for this stream: in the color where it shows colors, else plain."""
    from kafka_tasks.render.colors import colored
    from kafka_tasks.render.printable import printable

    plain = printable(text)
    return colored(plain, color, stream) if shows_colors(stream) else plain
