"""Tables for a person: drawn by Rich where cells wrap, and in plain characters everywhere."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

_GAP = "   "
# Texts up to this many characters never wrap.
_SHORT = 12


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, width: int = 80) -> str:
    """Draw columns of text, as wide as they need to be; a narrow screen wraps, a pipe does not.

    Only long texts wrap: a number, or a heading, broken in two reads as another one.
    """
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *texts, strict=True)]
    plain = all(cell.isascii() and cell.isprintable() for row in texts for cell in row)
    # Rich takes seconds for 10,000 rows, and only has work to do where something wraps.
    if plain and _total(widths) <= width:
        return _unwrapped(headings, texts, widths)
    return _wrapped(headings, texts, widths, width)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _unwrapped(
    headings: Sequence[str], texts: Iterable[Sequence[str]], widths: Sequence[int]
) -> str:
    lines = (
        _GAP.join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
    head = _GAP.join(cell.ljust(wide) for cell, wide in zip(headings, widths, strict=True))
    return "\n".join([head.rstrip(), "─" * _total(widths), *lines])


def _wrapped(
    headings: Sequence[str], texts: Iterable[Sequence[str]], widths: Sequence[int], width: int
) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    least = _least(headings, widths, width)
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading, wide, kept in zip(headings, widths, least, strict=True):
        drawn.add_column(heading, overflow="fold", no_wrap=kept == wide, min_width=kept)
    for row in texts:
        drawn.add_row(*row)
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        no_color=True,
        force_terminal=False,
        safe_box=True,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _least(headings: Sequence[str], widths: Sequence[int], width: int) -> list[int]:
    """Return how narrow each column may become: short texts stay whole, and the first if it can."""
    found = [
        max(len(heading), min(wide, _SHORT)) for heading, wide in zip(headings, widths, strict=True)
    ]
    whole = [widths[0], *found[1:]]
    if _total(whole) <= width:
        return whole
    # Rich leaves out columns for which there is no room at all.
    return found if _total(found) <= width else [1] * len(found)


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Draw names and values in two columns, without the values that are None."""
    shown = [(name, str(value)) for name, value in rows if value is not None]
    widest = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"  {name:<{widest}}  {value}" for name, value in shown)
