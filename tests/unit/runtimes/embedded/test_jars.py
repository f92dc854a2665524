from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from kafka_tasks.clients import maven
from kafka_tasks.errors import InvalidInput, JarsMissing, MachineError
from kafka_tasks.model import kafka_line
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.runtimes.embedded import jars
from kafka_tasks.runtimes.embedded.jars import Jar, Lock
from kafka_tasks.settings import load


def _jar(name: str) -> Jar:
    content = name.encode()
    return Jar(f"org.example:{name}:1.0", hashlib.sha256(content).hexdigest(), len(content))


LOCK = Lock("3.9.1", (_jar("alpha"), _jar("beta"), _jar("gamma"), _jar("delta")))


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is fetched, from a repository that has everything."""
    asked: list[str] = []

    def fetch(coordinates: str, expected_sha256: str, target: Path) -> None:
        asked.append(coordinates)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(coordinates.split(":")[1].encode())

    monkeypatch.setattr(maven, "fetch", fetch)
    return asked


@pytest.mark.parametrize("line", jars.supported_lines())
def test_every_lock_file_is_whole(line: str) -> None:
    """Each line has exact coordinates, a sha256, a size, no doubles, and what a start needs."""
    lock = jars.load_lock(line)
    assert lock.kafka.startswith(f"{line}.")
    for jar in lock.jars:
        assert re.fullmatch(r"[\w.-]+:[\w.-]+:\d[\w.-]*", jar.coordinates)
        assert re.fullmatch(r"[0-9a-f]{64}", jar.sha256)
        assert 1_000 < jar.bytes < 100_000_000
    modules = [jar.coordinates.rpartition(":")[0] for jar in lock.jars]
    assert len(set(modules)) == len(modules)
    assert len({jar.sha256 for jar in lock.jars}) == len(lock.jars)
    assert f"org.apache.kafka:kafka_2.13:{lock.kafka}" in [jar.coordinates for jar in lock.jars]
    assert 30e6 < sum(jar.bytes for jar in lock.jars) < 150e6


@pytest.mark.parametrize("line", jars.supported_lines())
def test_every_jar_of_kafka_is_of_the_locked_version(line: str) -> None:
    """Kafka with clients of another version starts, and fails later."""
    lock = jars.load_lock(line)
    own = [jar for jar in lock.jars if jar.coordinates.startswith("org.apache.kafka:")]
    assert len(own) >= 10
    assert {jar.coordinates.rpartition(":")[2] for jar in own} == {lock.kafka}


@pytest.mark.parametrize("line", jars.supported_lines())
def test_every_lock_has_the_log_backend_and_the_coordination_of_its_line(line: str) -> None:
    """Without its binding a backend logs nothing; both parts of log4j 2 are of one version."""
    known = kafka_line.of_version(line).line
    versions = {
        jar.coordinates.rpartition(":")[0]: jar.coordinates.rpartition(":")[2]
        for jar in jars.load_lock(line).jars
    }
    group = "org.apache.logging.log4j"
    backends = {
        "reload4j": ("ch.qos.reload4j:reload4j", "org.slf4j:slf4j-reload4j"),
        "log4j2": tuple(f"{group}:log4j-{part}" for part in ("api", "core", "slf4j-impl")),
    }
    for name, modules in backends.items():
        assert (versions.keys() >= set(modules)) is (name == known.log_backend)
    assert len({v for module, v in versions.items() if module.startswith(group)}) <= 1
    assert ("org.apache.zookeeper:zookeeper" in versions) is ("zookeeper" in known.modes)


def test_a_lock_is_of_the_newest_patch_known() -> None:
    """An Apache line that is named alone means the version that is locked."""
    for line in jars.supported_lines():
        assert jars.load_lock(line).kafka == kafka_line.of_version(line).text


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("7.9", None),
        ("4.4", None),
        ("4.4.0", None),
        ("7.9.3", "runs every 7.9 version, 7.9.3 too, as Apache Kafka 3.9.2"),
        ("8.2.0", "runs every 8.2 version, 8.2.0 too, as Apache Kafka 4.2.2"),
    ],
)
def test_another_confluent_patch_is_said(tmp_path: Path, version: str, said: str | None) -> None:
    """The embedded runtime has one patch a line; who asks for another Confluent patch is told."""
    settings = load(tmp_path, environ={"KAFKA_TASKS_VERSION": version})
    found = jars.other_patch(settings, jars.lock_to_start(settings))
    assert (found is None) if said is None else (said in (found or ""))


def test_another_apache_patch_is_refused_with_the_line(tmp_path: Path) -> None:
    """An Apache version is exact, unless it is the project that remembers another one."""
    settings = load(tmp_path, flags={"version": "4.4.9"}, environ={})
    with pytest.raises(InvalidInput) as caught:
        jars.lock_to_start(settings)
    assert caught.value.message.startswith("--kafka-version is 4.4.9; of the line 4.4")
    assert "Kafka 4.4.0 alone" in caught.value.message
    assert caught.value.hint == "KAFKA_TASKS_VERSION=4.4"
    remembered = load(tmp_path, environ={}, remembered={"version": "4.4.9"})
    assert jars.lock_to_start(remembered).kafka == "4.4.0"
    assert jars.other_patch(remembered, jars.load_lock("4.4")) is None


def test_the_lines_that_are_asked_for_have_locks() -> None:
    """Every supported version has a lock file, and no lock file is of another."""
    names = [f"3.{minor}" for minor in range(5, 10)] + [f"4.{minor}" for minor in range(5)]
    assert list(jars.supported_lines()) == names


def test_a_line_without_a_lock_is_invalid() -> None:
    """A Kafka line that is not packaged is exit 3 and lists those that are."""
    with pytest.raises(InvalidInput, match=r"has no Kafka 3\.99; it has .*3\.9"):
        jars.load_lock("3.99")


def test_a_cold_cache_is_filled_and_a_warm_one_left_alone(
    tmp_path: Path, fetched: list[str]
) -> None:
    """Missing jars are fetched once; the class path has the lock's order."""
    found = jars.ensure(LOCK, tmp_path, Recorder())
    assert found == tuple(
        tmp_path / "jars" / "org.example" / f"{name}-1.0.jar"
        for name in ("alpha", "beta", "gamma", "delta")
    )
    assert sorted(fetched) == sorted(jar.coordinates for jar in LOCK.jars)
    fetched.clear()
    assert jars.ensure(LOCK, tmp_path, Recorder()) == found
    assert fetched == []


def test_only_what_is_missing_or_damaged_is_fetched(tmp_path: Path, fetched: list[str]) -> None:
    """A jar that was changed, or removed, is fetched again; the others are not."""
    alpha, beta, *_ = jars.ensure(LOCK, tmp_path, Recorder())
    fetched.clear()
    alpha.write_bytes(b"damaged")
    beta.unlink()
    jars.ensure(LOCK, tmp_path, Recorder())
    assert sorted(fetched) == ["org.example:alpha:1.0", "org.example:beta:1.0"]
    assert alpha.read_bytes() == b"alpha"


def test_the_progress_ends_at_the_whole(tmp_path: Path, fetched: list[str]) -> None:
    """A progress bar begins at nothing and ends with all bytes."""
    seen: list[Event] = []
    jars.ensure(LOCK, tmp_path, Recorder(seen.append))
    total = sum(jar.bytes for jar in LOCK.jars)
    steps = [(event.done, event.total) for event in seen if event.kind == "progress"]
    assert steps[0] == (0, total)
    assert steps[-1] == (total, total)
    assert len(steps) == len(LOCK.jars) + 1


def test_without_a_network_it_says_what_is_missing_and_how_to_bring_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cold cache and no network: exit 4, the jars by name, and the way to carry them over."""

    def fetch(coordinates: str, expected_sha256: str, target: Path) -> None:
        raise JarsMissing(f"{coordinates} cannot be fetched.", evidence=("no route to host",))

    monkeypatch.setattr(maven, "fetch", fetch)
    with pytest.raises(JarsMissing) as caught:
        jars.ensure(LOCK, tmp_path, Recorder())
    error = caught.value
    assert error.exit_code == 4
    assert error.message == (
        f"4 of 4 jars of Kafka 3.9.1 are missing in {tmp_path} and cannot be fetched."
    )
    assert error.evidence[0] == (
        "missing: org.example:alpha:1.0, org.example:beta:1.0, org.example:gamma:1.0 and 1 more"
    )
    assert error.evidence[-1] == "no route to host"
    assert "kafka.pull" in (error.hint or "") and str(tmp_path) in (error.hint or "")


def test_a_repository_that_serves_something_else_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in place after the download is verified once more."""

    def fetch(coordinates: str, expected_sha256: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"something else")

    monkeypatch.setattr(maven, "fetch", fetch)
    with pytest.raises(JarsMissing, match="did not stay in"):
        jars.ensure(LOCK, tmp_path, Recorder())


def test_a_cache_that_cannot_be_written_is_exit_4(tmp_path: Path, fetched: list[str]) -> None:
    """The hint names the setting that moves the cache."""
    (tmp_path / "jars").touch()
    with pytest.raises(MachineError, match="cannot be written") as caught:
        jars.ensure(LOCK, tmp_path, Recorder())
    assert "KAFKA_TASKS_CACHE" in (caught.value.hint or "")


def test_a_cache_with_a_colon_is_refused(tmp_path: Path, fetched: list[str]) -> None:
    """A class path is separated by colons, so none may be in the cache's path."""
    with pytest.raises(InvalidInput, match="has a colon"):
        jars.ensure(LOCK, tmp_path / "a:b", Recorder())
    assert fetched == []
