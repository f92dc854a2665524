"""Draws `docs/images/up.svg`: a real run on a terminal, exported by Rich.

`python tools/draw_picture.py` starts a cluster in a temporary directory, on the ports of the
settings (9092 and 2181, or KAFKA_TASKS_PORT and KAFKA_TASKS_ZOOKEEPER_PORT), and deletes it.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "up.svg"
COLUMNS, ROWS = 88, 60
COMMANDS = (("invoke", "kafka.up", "kafka.topic"), ("invoke", "kafka.status"))
UNDO = ("invoke", "kafka.down", "--wipe", "--yes")
# Viewers such as GitHub load no fonts for pictures.
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"


def main() -> int:
    """Run, record, draw; return the exit code of a failed command, or 0."""
    screen = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory(prefix="shop-") as parent:
        project = Path(parent) / "shop"
        project.mkdir()
        shutil.copy(ROOT / "tasks.py", project)
        try:
            for command in COMMANDS:
                code, raw = _on_terminal(command, project)
                if code:
                    sys.stderr.write("\n".join(_final_lines(raw)) + "\n")
                    return code
                screen.print(Text(f"$ {' '.join(command)}", style="bold"))
                for line in _final_lines(raw.replace(str(project), "/home/you/shop")):
                    screen.print(Text.from_ansi(line))
        finally:
            _on_terminal(UNDO, project)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(_without_web_fonts(screen.export_svg(title="shop")), encoding="utf-8")
    print(TARGET.relative_to(ROOT))
    return 0


def _on_terminal(command: Sequence[str], project: Path) -> tuple[int, str]:
    """Run a command on its own terminal; return its exit code and output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    path = os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", "")))
    environ |= {"TERM": "xterm-256color", "PATH": path}
    child = subprocess.Popen(
        command, cwd=project, stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    written = bytearray()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # on Linux, the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return child.wait(), written.decode()


def _final_lines(raw: str) -> list[str]:
    """Return the lines that stay on the screen: without overwritten ones, with colours."""
    lines = [""]
    for piece in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|[^\x1b\r\n]+|\n|\r", raw):
        if piece == "\n":
            lines.append("")
        elif piece == "\x1b[1A":
            lines.pop()
        elif piece == "\x1b[2K":
            lines[-1] = ""
        elif piece[0] != "\r" and (piece[0] != "\x1b" or piece.endswith("m")):
            lines[-1] += piece
    return lines[:-1] if not lines[-1] else lines


def _without_web_fonts(svg: str) -> str:
    """Replace the picture's fonts with whatever fixed-width font the reader has."""
    svg = re.sub(r"\s*@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: (Fira Code|arial)[^;]*;", f"font-family: {FONTS};", svg)


if __name__ == "__main__":
    sys.exit(main())
