"""From a lock file to a verified class path in the user's cache, shared by all projects."""

from __future__ import annotations

import contextlib
import shutil
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from kafka_tasks.errors import InvalidInput, JarsMissing, KafkaTasksError, MachineError
from kafka_tasks.model import kafka_line
from kafka_tasks.model.events import Recorder
from kafka_tasks.retry import Deadline
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles
from kafka_tasks.settings import Settings

_LOCKS = Path(__file__).with_name("locks")
_PARALLEL_DOWNLOADS = 6
# A silent mirror must not hold Ctrl-C back for longer.
_LAST_WORDS_S = 0.5


class Jar(msgspec.Struct, frozen=True):
    """One locked file; `bytes` is its size.

    `coordinates` are Maven's own: `group:artifact[:type[:classifier]]:version`; a type is `jar`
    unless it is named.
    """

    coordinates: str
    sha256: str
    bytes: int

    def path(self, cache: Path) -> Path:
        """Return its place in the cache."""
        group, artifact, *more, version = self.coordinates.split(":")
        kind, classifier = (*more, "jar", "")[:2] if len(more) < 2 else more
        tail = f"-{classifier}" if classifier else ""
        return cache / "jars" / group / f"{artifact}-{version}{tail}.{kind}"


class Lock(msgspec.Struct, frozen=True):
    """The class path of one Kafka version, in order."""

    kafka: str
    jars: tuple[Jar, ...]


def supported_lines() -> tuple[str, ...]:
    """Return the Kafka lines that have a lock file, oldest first."""
    names = (entry.name for entry in _LOCKS.iterdir())
    return tuple(sorted(name[6:-5] for name in names if name.endswith(".json")))


def load_lock(line: str) -> Lock:
    """Return the lock of a Kafka line such as 3.9; raises `InvalidInput` for a line without one."""
    try:
        content = (_LOCKS / f"kafka-{line}.json").read_bytes()
    except FileNotFoundError as error:
        lines = ", ".join(supported_lines())
        raise InvalidInput(
            f"The embedded runtime has no Kafka {line}; it has {lines}.",
            hint=f"KAFKA_TASKS_VERSION={kafka_line.DEFAULT.text}",
        ) from error
    return msgspec.json.decode(content, type=Lock)


def lock_to_start(settings: Settings) -> Lock:
    """Return the lock of the version that is set.

    Raises `InvalidInput` where the user asked for another patch of Apache Kafka.
    """
    lock, wanted = load_lock(settings.line.kafka), settings.kafka
    other = wanted.family == "apache" and wanted.text != lock.kafka
    if other and settings.explicit("version"):
        place = settings.origins["version"].place or "KAFKA_TASKS_VERSION"
        raise InvalidInput(
            f"{place} is {wanted.text}; of the line {wanted.line.kafka} the embedded runtime has "
            f"Kafka {lock.kafka} alone.",
            hint=f"KAFKA_TASKS_VERSION={wanted.line.kafka}",
        )
    return lock


def other_patch(settings: Settings, lock: Lock) -> str | None:
    """Return what to say where the user asked for another Confluent patch than the newest known."""
    wanted = settings.kafka
    newest = wanted.family == "apache" or wanted.text == wanted.newest.text
    if newest or not settings.explicit("version"):
        return None
    return (
        f"the embedded runtime runs every {wanted.line.confluent} version, {wanted.text} too, as "
        f"Apache Kafka {lock.kafka}"
    )


def _missing(lock: Lock, cache: Path) -> list[Jar]:
    index = VerifiedFiles(cache / "jars" / "verified.json")
    missing = [jar for jar in lock.jars if not index.holds(jar.path(cache), jar.sha256)]
    index.save()
    return missing


def ensure(lock: Lock, cache: Path, recorder: Recorder) -> tuple[Path, ...]:
    """Return every jar of the lock, verified; download those that are missing or damaged.

    Raises `JarsMissing` when one is not to be had and `MachineError` when the cache cannot be
    written.
    """
    if ":" in str(cache):
        raise InvalidInput(
            f"The cache directory {cache} has a colon in its path, which separates jars in a "
            "Java class path.",
            hint="set KAFKA_TASKS_CACHE to another directory",
        )
    if _missing(lock, cache):
        _download(lock, cache, recorder)
    return tuple(jar.path(cache) for jar in lock.jars)


def _download(lock: Lock, cache: Path, recorder: Recorder) -> None:
    from filelock import FileLock, Timeout

    try:
        (cache / "jars").mkdir(parents=True, exist_ok=True)
        guard = FileLock(cache / "jars" / "lock")
        try:
            guard.acquire(timeout=0)
        except Timeout:
            recorder.notice(f"waiting for another project that fetches jars into {cache}")
            guard.acquire()
    except OSError as error:
        raise MachineError(
            f"The cache directory {cache} cannot be written: {error.strerror or error}.",
            hint="set KAFKA_TASKS_CACHE to a directory that can",
        ) from error
    try:
        missing = _missing(lock, cache)
        if missing:
            _fetch_all(lock, missing, cache, recorder)
            if still := _missing(lock, cache):
                raise JarsMissing(f"{still[0].coordinates} did not stay in {cache}.")
    finally:
        guard.release()


def _fetch_all(lock: Lock, missing: list[Jar], cache: Path, recorder: Recorder) -> None:
    from kafka_tasks.clients.maven import fetch

    total = sum(jar.bytes for jar in missing)
    done = 0
    title = f"Kafka {lock.kafka}: {len(missing)} jars, {total / 1e6:.0f} MB"
    recorder.progress(title, 0, total)
    todo: SimpleQueue[Jar] = SimpleQueue()
    ended: SimpleQueue[tuple[Jar, Exception | None]] = SimpleQueue()

    def work() -> None:
        with contextlib.suppress(Empty):
            while True:
                jar = todo.get_nowait()
                try:
                    fetch(jar.coordinates, jar.sha256, jar.path(cache))
                except Exception as error:
                    ended.put((jar, error))
                else:
                    ended.put((jar, None))

    for jar in missing:
        todo.put(jar)
    # Daemons, unlike a pool's threads: a silent mirror does not hold Ctrl-C back until it answers.
    count = min(_PARALLEL_DOWNLOADS, len(missing))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for _ in missing:
            jar, error = ended.get()
            if error is not None:
                raise error
            done += jar.bytes
            recorder.progress(title, done, total)
    except JarsMissing as error:
        raise _explained(lock, missing, cache, error) from error
    finally:
        with contextlib.suppress(Empty):
            while True:
                todo.get_nowait()
        # Who is in the middle of a jar would lay down its scratch directory after the sweep.
        last_words = Deadline.after(_LAST_WORDS_S)
        for thread in threads:
            thread.join(last_words.remaining())
        _sweep(cache)


def _sweep(cache: Path) -> None:
    """Remove what downloads left that were interrupted or killed, earlier ones too."""
    from kafka_tasks.clients.maven import SCRATCH_PREFIX

    for scratch in (cache / "jars").glob(f"*/{SCRATCH_PREFIX}*"):
        shutil.rmtree(scratch, ignore_errors=True)


def _explained(lock: Lock, missing: list[Jar], cache: Path, error: JarsMissing) -> KafkaTasksError:
    names = [jar.coordinates for jar in missing[:3]]
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return JarsMissing(
        f"{len(missing)} of {len(lock.jars)} jars of Kafka {lock.kafka} are missing in "
        f"{cache} and cannot be fetched.",
        evidence=(f"missing: {', '.join(names)}{more}", error.message, *error.evidence),
        hint=error.hint
        or f"on a connected machine: invoke kafka.pull; then bring its cache directory to {cache}",
    )
