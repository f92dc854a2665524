"""The prerequisites of a start: Java and jars, or an engine, Compose and images."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.errors import EngineMissing, JavaUnfit, KafkaTasksError
from kafka_tasks.model.finding import Finding
from kafka_tasks.runtimes import roles

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

# Names of an architecture in Python → in Docker.
_DOCKER_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def _java(exam: Examination) -> Iterator[Finding]:
    """Report the Java that would run the servers, and the reason."""
    from kafka_tasks.runtimes.embedded import java as javas

    needed = exam.runtime in ("embedded", None)
    try:
        found = javas.choose(exam.settings)
    except JavaUnfit as error:
        yield of_error(error, "wrong-java", "machine", level="error" if needed else "info")
        return
    yield Finding("java", "ok", f"Java {found.version} in {found.home}: {found.why}")
    for text in found.passed_over:
        yield Finding("java-passed-over", "info", f"skipped {text}")


def _jars(exam: Examination) -> Iterator[Finding]:
    """Report jars that a start would have to download."""
    if exam.runtime not in ("embedded", None):
        return
    from kafka_tasks.runtimes.embedded import jars as store
    from kafka_tasks.runtimes.embedded.verified import VerifiedFiles

    lock = store.load_lock(exam.settings.line.kafka)
    cache = exam.settings.cache
    index = VerifiedFiles(cache / "jars" / "verified.json")
    missing = [jar for jar in lock.jars if not index.holds(jar.path(cache), jar.sha256)]
    if not missing:
        yield Finding("jars", "ok", f"{len(lock.jars)} jars of Kafka {lock.kafka} are in {cache}")
        return
    damaged = [jar.coordinates for jar in missing if jar.path(cache).exists()]
    note = f" ({len(damaged)} of them damaged)" if damaged else ""
    yield Finding(
        "jars",
        "warning",
        f"{len(missing)} of {len(lock.jars)} jars of Kafka {lock.kafka} are missing{note}.",
        cause="The next start downloads them, which needs a network.",
        evidence=tuple((damaged or [jar.coordinates for jar in missing])[:3]),
        fix="invoke kafka.pull",
        exit_code=4,
        remedy="pull",
    )


def _class_archive(exam: Examination) -> Iterator[Finding]:
    """Report a class archive, which makes starts fast, that is missing or damaged."""
    if exam.runtime not in ("embedded", None):
        return
    from kafka_tasks.runtimes.embedded import class_archive as archives
    from kafka_tasks.runtimes.embedded import jars as store
    from kafka_tasks.runtimes.embedded import java as javas

    lock = store.load_lock(exam.settings.line.kafka)
    class_path = tuple(jar.path(exam.settings.cache) for jar in lock.jars)
    if not all(path.exists() for path in class_path):
        return
    try:
        chosen = javas.choose(exam.settings)
    except JavaUnfit:
        return  # the check of Java reports it
    names = roles.archives(exam.settings.topology)
    found = archives.locate(exam.settings.cache, chosen, class_path, lock.kafka, names)
    if found.is_built():
        yield Finding("class-archive", "ok", "the Java class archive is complete")
    elif damaged := found.damaged():
        yield Finding(
            "class-archive",
            "warning",
            "The Java class archive is damaged: starts are slow without it.",
            evidence=tuple(str(found.path(name)) for name in sorted(damaged)),
            fix="invoke kafka.doctor --fix; the next start builds it again",
            exit_code=4,
            remedy="archive",
        )
    else:
        yield Finding(
            "class-archive", "info", "no Java class archive yet; the next start builds it"
        )


def engine(exam: Examination) -> Iterator[Finding]:
    """Report the Docker engine that answers this user."""
    needed = exam.runtime == "compose"
    configured = exam.environ.get("DOCKER_HOST") or exam.environ.get("DOCKER_CONTEXT")
    if not needed and not configured and shutil.which("docker") is None:
        yield Finding("engine", "info", "Docker is not installed; the embedded runtime needs none")
        return
    try:
        found = exam.engine()
    except EngineMissing as error:
        yield of_error(error, "engine-missing", "machine", level="error" if needed else "info")
        return
    local = "" if found.is_local else ", on another machine"
    yield Finding("engine", "ok", f"Docker {found.version} answers at {found.host}{local}")
    if needed:
        yield from _engine_for_compose(exam, found)


def _engine_for_compose(exam: Examination, found: Engine) -> Iterator[Finding]:
    if not found.is_local:
        yield Finding(
            "engine-elsewhere",
            "error",
            f"The Docker engine is on another machine ({found.host}).",
            cause="Ports that it publishes on 127.0.0.1 are on that machine, not on this one.",
            fix="docker context use default; or invoke kafka.up --runtime embedded",
            exit_code=4,
        )
    total = exam.engine().memory_bytes()
    if total and total < 1_500_000_000:
        yield Finding(
            "engine-memory",
            "warning",
            f"The engine's machine has only {total / 1e6:.0f} MB of memory.",
            fix="give Docker's virtual machine 2 GB or more",
            exit_code=4,
        )


def _compose(exam: Examination) -> Iterator[Finding]:
    """Report a Docker Compose that is missing or too old."""
    needed = exam.runtime == "compose"
    if not needed:
        return
    from kafka_tasks.runtimes.compose import command

    try:
        version = command.require_compose()
    except KafkaTasksError as error:
        yield of_error(error, "compose-missing", "machine")
        return
    yield Finding("compose", "ok", f"Compose {'.'.join(map(str, version))}")


def images(exam: Examination) -> Iterator[Finding]:
    """Report images that are missing, or built for another architecture."""
    if exam.runtime != "compose":
        return
    try:
        answering = exam.engine()
    except EngineMissing:
        return  # the check of the engine reports it
    from kafka_tasks.runtimes.compose.site import images_to_start

    machine = _DOCKER_NAMES.get(platform.machine(), platform.machine())
    theirs = answering.architecture
    own = _DOCKER_NAMES.get(theirs, theirs) or machine
    for name in images_to_start(exam.project, exam.settings):
        yield _image(name, answering.image_architecture(name), own)


def _image(name: str, architecture: str | None, own: str) -> Finding:
    if architecture is None:
        return Finding(
            "image",
            "warning",
            f"The image {name} is not on this machine.",
            cause="The next start pulls it, which needs a network.",
            fix="invoke kafka.pull",
            exit_code=4,
            remedy="pull",
        )
    if architecture == own:
        return Finding("image", "ok", f"the image {name} is on this machine ({architecture})")
    return Finding(
        "architecture",
        "error",
        f"The image {name} is built for {architecture}, the engine for {own}.",
        cause="It runs under emulation or not at all; a JVM under emulation crashes.",
        fix=f"docker image rm {name}; unset DOCKER_DEFAULT_PLATFORM; invoke kafka.pull",
        exit_code=4,
        reference="confluentinc/kafka-images#80",
    )


CHECKS = tuple(
    Check(name, "machine", ask)
    for name, ask in (
        ("java", _java),
        ("jars", _jars),
        ("class archive", _class_archive),
        ("engine", engine),
        ("compose", _compose),
        ("images", images),
    )
)
