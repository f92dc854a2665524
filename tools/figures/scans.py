"""Scans of the process table before the first server is started."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from figures.sources import ROOT

# Runs as a process of its own: it ends, by force, at the moment of the first start.
_CHILD = """
import os, sys
import psutil
from kafka_tasks.clients import processes
from kafka_tasks.runtimes.embedded import jars

scans = 0
real = psutil.process_iter

def counted(*arguments, **options):
    global scans
    scans += 1
    return real(*arguments, **options)

def started(*_, **__):
    print(f"scans={scans}", flush=True)
    os._exit(0)

def present(lock, cache, *_, **__):
    for path in (paths := tuple(jar.path(cache) for jar in lock.jars)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths

psutil.process_iter = counted
processes.find("-Dcounted.at.all")
assert scans == 1, "processes are found in another way than this script counts"
scans = 0
processes.spawn_detached = started
jars.ensure = present
from kafka_tasks.__main__ import main
main()
"""


def scans_before_start() -> int:
    """Return how often `up` on a fresh project scans the process table before it starts anything.

    `kafka-tasks up --runtime embedded` runs in an empty directory, with a home of its own, a Java
    that is a name only, empty jars, and `auto` ports, up to the call that would
    start the first server; nothing is started. A scan is a call of `psutil.process_iter`. Raises
    `RuntimeError` where it does not get there.
    """
    with tempfile.TemporaryDirectory(prefix="house-figures-") as scratch:
        place = Path(scratch).resolve()
        project, home = place / "project", place / "home"
        project.mkdir()
        home.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, "up", "--runtime", "embedded"],
            cwd=project,
            env=_environment(home, _java(place / "java")),
            capture_output=True,
            text=True,
            timeout=60,
        )
    for line in done.stdout.splitlines():
        if line.startswith("scans="):
            return int(line.removeprefix("scans="))
    raise RuntimeError(f"`up` started nothing:\n{done.stdout}{done.stderr}")


def _environment(home: Path, java: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KAFKA_TASKS_", "XDG_", "DOCKER_", "INVOKE_"))
    }
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "HOME": str(home),
        "KAFKA_TASKS_CACHE": str(home / "cache"),
        "KAFKA_TASKS_JAVA_HOME": str(java),
        "KAFKA_TASKS_PORT": "auto",
        "KAFKA_TASKS_ZOOKEEPER_PORT": "auto",
    }


def _java(home: Path) -> Path:
    """Make a directory that passes for a Java 17; nothing runs it."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text('JAVA_VERSION="17.0.9"\n', encoding="utf-8")
    return home
