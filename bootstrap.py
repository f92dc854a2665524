"""Start a proven Kafka from a fresh clone: `python3 bootstrap.py`.

Creates `.venv` beside this file, because distributions protect their own Python, installs the
project and its test dependencies, and runs `invoke kafka.up kafka.topic`. Needs only Python 3.11 or
newer. `--only-install` installs and does not start the cluster.
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
    """Install, then start the cluster; return the exit code of the failed step, or 0."""
    if unknown := [argument for argument in arguments if argument != "--only-install"]:
        return fail(f"Unknown argument {unknown[0]}.", "python3 bootstrap.py [--only-install]")
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        return fail(f"Python {found} is too old; use 3.11 or newer.", "python3.11 bootstrap.py")
    try:
        install()
    except subprocess.CalledProcessError as error:
        return fail(f"{error.cmd[0]} failed with exit code {error.returncode}.", "see above")
    except NoPip:
        hint = "sudo apt install python3-venv (Debian, Ubuntu)"
        return fail("This Python cannot create a virtual environment with pip.", hint)
    if "--only-install" in arguments:
        return 0
    return subprocess.call([VENV / "bin" / "invoke", "kafka.up", "kafka.topic"], cwd=HERE)


def install() -> None:
    """Create `.venv` unless it works already, and install the project into it."""
    if not works(VENV):
        print(f"creating {VENV.name}", flush=True)
        make_venv()
    print("installing kafka-tasks and its test dependencies", flush=True)
    pip("install", "--quiet", "--upgrade", "pip>=25.1")
    pip("install", "--quiet", "--editable", ".[embedded]", "--group", "dev")
    # Invoke writes no bytecode for what it imports, and pip none of an editable project.
    compile_all = ("-m", "compileall", "-q", "kafka_tasks", "tasks.py")
    subprocess.run([VENV / "bin" / "python", *compile_all], cwd=HERE, check=True)


class NoPip(Exception):
    """Neither ensurepip nor pip is there."""


def make_venv() -> None:
    """Create `.venv` with the bundled pip, or the distribution's where ensurepip is left out."""
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
    """Return false where ensurepip lacks the wheels that it installs, as on Debian."""
    probe = [sys.executable, "-c", "import ensurepip; ensurepip.version()"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def works(venv: Path) -> bool:
    """Return whether the environment's Python runs, has pip, and is new enough."""
    python = venv / "bin" / "python"
    code = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    if not python.exists():
        return False
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def pip(*arguments: str) -> None:
    """Run the environment's pip."""
    subprocess.run([VENV / "bin" / "python", "-m", "pip", *arguments], cwd=HERE, check=True)


def fail(sentence: str, hint: str) -> int:
    """Print an error and its hint; return the exit code."""
    print(f"Error: {sentence}\nHint: {hint}", file=sys.stderr)
    return 4


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
