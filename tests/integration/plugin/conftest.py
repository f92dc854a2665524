"""Runs of pytest inside a test, with the plugin and a user's environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from kafka_tasks.fixtures import kept
from tests.integration.conftest import PROJECT_PROPERTY, eventually

# What a user's environment does not say: the plugin decides it.
_UNSET = ("RUNTIME", "PORT", "ZOOKEEPER_PORT", "CONTROLLER_PORT")
_PLUGINS = ("kafka_tasks.pytest_plugin", "xdist.plugin", "no:cacheprovider")


@dataclass
class Inner:
    """Makes test files and runs pytest on them, as a user does."""

    pytester: pytest.Pytester
    root: Path
    _begun: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def write(self, **files: str) -> None:
        """Write Python files, by the names of their modules."""
        for name, text in files.items():
            path = self.pytester.path / f"{name}.py"
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest to its end, in a process of its own."""
        return self.pytester.runpytest_subprocess(*arguments, timeout=240)

    def run_on_kept(self, *arguments: str, root: Path | None = None) -> pytest.RunResult:
        """Run pytest on a cluster that other runs share: of this worker, or those of a root."""
        return self.run("--kafka-keep", f"--rootdir={root or self.root}", *arguments)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start pytest, for a test that interrupts it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.pytester.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._begun.append(process)
        return process

    def noted(self, name: str = "noted") -> list[str]:
        """Return the lines that the inner tests have written."""
        path = self.pytester.path / name
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

    def close(self) -> None:
        """Kill what a test has begun and not ended."""
        for process in self._begun:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)


def servers(project: str) -> list[int]:
    """Return the servers of a cluster, by its directory."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        arguments = process.info["cmdline"] or ()
        if f"{PROJECT_PROPERTY}{project}" in arguments:
            found += [process.pid] if process.info["status"] != psutil.STATUS_ZOMBIE else []
    return found


def require_gone(project: str) -> None:
    """Fail unless the servers and the directory of a cluster go away."""
    eventually(lambda: not servers(project), f"no server of {project} runs", 60)
    eventually(lambda: not Path(project).exists(), f"{project} is deleted", 60)


@pytest.fixture(scope="session")
def kept_root(
    warm: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The root of the runs that share one cluster, which is deleted in the end."""
    yield from deleted_in_the_end(tmp_path_factory.mktemp("kept").resolve(), environ)


def deleted_in_the_end(root: Path, environ: dict[str, str]) -> Iterator[Path]:
    """Give the root of runs, and delete the clusters that they kept."""
    yield root
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", environ["XDG_STATE_HOME"])
        kept.delete(root)


@pytest.fixture
def inner(
    pytester: pytest.Pytester,
    kept_root: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Inner]:
    """Runs of pytest in a directory of their own."""
    unset = {f"KAFKA_TASKS_{name}" for name in _UNSET} | {"CI"}
    for name in [*os.environ, *unset]:
        if name not in environ or name in unset:
            monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        if name not in unset:
            monkeypatch.setenv(name, value)
    # The plugins of this very environment, whether or not its entry points are up to date.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p {name}" for name in _PLUGINS))
    found = Inner(pytester, kept_root)
    yield found
    found.close()
