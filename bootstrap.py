"""From a fresh clone to a proven Kafka: `python3 bootstrap.py`.

Makes `.venv` beside this file, so that a distribution's protected Python is no obstacle, installs
the project with everything its tests need, and runs `invoke kafka.up kafka.topic` there. Needs
nothing but Python 3.11 or newer. `--only-install` stops before the cluster is started.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Install, then start; returns the exit code of what failed, or 0."""
    if unknown := [argument for argument in arguments if argument != "--only-install"]:
        return say_no(f"{unknown[0]} is not known here.", "python3 bootstrap.py [--only-install]")
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        return say_no(
            f"Python 3.11 or newer is needed; this is {found}.", "python3.11 bootstrap.py"
        )
    try:
        install()
    except subprocess.CalledProcessError as error:
        return say_no(f"{error.cmd[0]} failed (exit code {error.returncode}).", "see above")
    except NoPip:
        hint = "on Debian and Ubuntu: sudo apt install python3-venv"
        return say_no("This Python can make no virtual environment with pip in it.", hint)
    if "--only-install" in arguments:
        return 0
    return subprocess.call([VENV / "bin" / "invoke", "kafka.up", "kafka.topic"], cwd=HERE)


def install() -> None:
    """Make `.venv` unless it works already, and install the project into it."""
    if not works(VENV):
        print(f"making {VENV.name}", flush=True)
        make_venv()
    print("installing kafka-tasks and what its tests need", flush=True)
    pip("install", "--quiet", "--upgrade", "pip>=25.1")
    pip("install", "--quiet", "--editable", ".[embedded]", "--group", "dev")


class NoPip(Exception):
    """Neither ensurepip nor pip is there."""


def make_venv() -> None:
    """With the Python's own pip; where a distribution left ensurepip out, with its pip."""
    if find_spec("ensurepip") and distribution_has_wheels():
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        return
    if find_spec("pip") is None:
        raise NoPip
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", VENV / "bin" / "python", "install", "pip"],
        check=True,
    )


def distribution_has_wheels() -> bool:
    """Debian keeps a module named ensurepip without what it would install."""
    probe = [sys.executable, "-c", "import ensurepip; ensurepip.version()"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def works(venv: Path) -> bool:
    """Whether the environment's Python runs and is new enough."""
    python = venv / "bin" / "python"
    code = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    if not python.exists():
        return False
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def pip(*arguments: str) -> None:
    """Run the environment's pip."""
    subprocess.run([VENV / "bin" / "python", "-m", "pip", *arguments], cwd=HERE, check=True)


def say_no(sentence: str, hint: str) -> int:
    """One sentence and what to type; returns the exit code."""
    print(f"Error: {sentence}\nHint: {hint}", file=sys.stderr)
    return 4


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
