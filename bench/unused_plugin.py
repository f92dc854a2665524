"""The row about the pytest plugin where no test uses it."""

from __future__ import annotations

import base64
import hashlib
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import cache_from_source, find_spec
from pathlib import Path

from bench.children import Unmeasured, timed
from bench.rows import Pair, row
from bench.surroundings import CHECKOUT, Surroundings
from kafka_tasks.version import VERSION

# What a run of pytest imports.
_PYTEST = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
_NAME = "kafka_tasks"


@row(
    "pytest-unused",
    what="CPU of pytest on an empty test, with the plugin",
    against="with -p no:kafka_tasks",
    limit=5,
    unit="ms",
    compare="difference",
    repeats=9,
)
def unused(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes of a project that uses no fixture of the plugin.

    Pytest finds the plugin as users have it, by its entry point. It costs milliseconds of CPU,
    which waiting for a processor would hide.
    """
    packages = _packages(surroundings, installed=True)
    with_plugin = _Runs(surroundings, packages)
    return _measured(pairs, with_plugin, _Runs(surroundings, packages, "-p", f"no:{_NAME}"))


@row(
    "pytest-installed",
    what="CPU of pytest on an empty test, beside the installed package",
    against="without the package",
    limit=10,
    unit="ms",
    compare="difference",
    repeats=9,
)
def installed(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure what the package costs on top of the plugin.

    Pytest reads the list of all files of a package that has a plugin, and so does it with
    -p no:kafka_tasks. The limit is twice what this takes on Python 3.11; from 3.12 on, Python looks
    for each file, which takes four times as long.
    """
    both = (_packages(surroundings, installed=there) for there in (True, False))
    return _measured(pairs, *(_Runs(surroundings, packages) for packages in both))


def _link(packages: Path, names: tuple[str, ...]) -> None:
    """Link packages of this environment into a directory."""
    for name in names:
        found = find_spec(name)
        if found is None or found.origin is None:
            raise Unmeasured(f"{name} is not installed beside this Python")
        origin = Path(found.origin)
        place = origin.parent if origin.stem == "__init__" else origin
        (packages / place.name).symlink_to(place)


def _install(packages: Path) -> None:
    """Copy this package, with the files that describe it, as pip installs a wheel.

    Pytest reads the list of all its files.
    """
    place = packages / _NAME
    shutil.copytree(CHECKOUT / _NAME, place, ignore=shutil.ignore_patterns("__pycache__"))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    described = packages / f"{_NAME}-{VERSION}.dist-info"
    described.mkdir()
    plugins = project["entry-points"]["pytest11"].items()
    texts = {
        "METADATA": f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {VERSION}\n",
        "entry_points.txt": "[pytest11]\n" + "".join(f"{key} = {at}\n" for key, at in plugins),
        "RECORD": "".join(sorted(_record(packages))),
    }
    for name, text in texts.items():
        (described / name).write_text(text, encoding="utf-8")


def _record(packages: Path) -> Iterator[str]:
    """Yield a line for each file of the package, and for the bytecode that pip makes of it."""
    for path in filter(Path.is_file, (packages / _NAME).rglob("*")):
        content = path.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        name = path.relative_to(packages)
        yield f"{name},sha256={digest},{len(content)}\n"
        if path.suffix == ".py":
            yield f"{cache_from_source(str(name))},,\n"


def _measured(pairs: int, *both: _Runs) -> Iterator[Pair]:
    # The first run of each writes bytecode.
    for runs in both:
        runs.cpu_ms()
    for _ in range(pairs):
        yield Pair(*(runs.cpu_ms() for runs in both))


class _Runs:
    """Runs of pytest on an empty test, with these packages and no others."""

    def __init__(self, surroundings: Surroundings, packages: Path, *options: str) -> None:
        self._project = surroundings.directory("empty-")
        test = self._project / "test_measured.py"
        test.write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        # Without -S, the packages of this environment would be there as well.
        command = [sys.executable, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        self._command = [*command, *options]
        self._environ = {**surroundings.environ, "PYTHONPATH": str(packages)}

    def cpu_ms(self) -> float:
        """Return what one run takes of the CPU, in milliseconds."""
        return 1000 * timed(self._command, cwd=self._project, environ=self._environ).cpu_s


def _packages(surroundings: Surroundings, *, installed: bool) -> Path:
    """Return a directory with pytest and, where it is installed, this package."""
    found = surroundings.directory("packages-")
    _link(found, _PYTEST)
    if installed:
        _install(found)
    return found
