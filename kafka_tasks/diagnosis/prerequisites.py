"""What a start is made of: Java and jars, or an engine, Compose and images."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator

from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.errors import EngineMissing, JavaUnfit, KafkaTasksError
from kafka_tasks.model.finding import Finding

_SAME = {"x86_64": "amd64", "aarch64": "arm64"}


def java(exam: Examination) -> Iterator[Finding]:
    """Which Java would run the servers, and why that one."""
    from kafka_tasks.runtimes.embedded import java as javas

    needed = exam.runtime in ("embedded", None)
    try:
        found = javas.choose(exam.settings)
    except JavaUnfit as error:
        yield of_error(error, "wrong-java", "machine", level="error" if needed else "info")
        return
    yield Finding("java", "ok", f"Java {found.version} in {found.home}: {found.why}")
    for text in found.passed_over:
        yield Finding("java-passed-over", "info", f"passed over {text}")


def jars(exam: Examination) -> Iterator[Finding]:
    """Whether the embedded runtime could start without a network."""
    if exam.runtime not in ("embedded", None):
        return
    from kafka_tasks.runtimes.embedded import jars as store
    from kafka_tasks.runtimes.embedded.verified import VerifiedFiles

    lock = store.load_lock(exam.settings.kafka_line)
    cache = exam.settings.cache
    index = VerifiedFiles(cache / "jars" / "verified.json")
    lacking = [jar for jar in lock.jars if not index.holds(jar.path(cache), jar.sha256)]
    if not lacking:
        yield Finding("jars", "ok", f"{len(lock.jars)} jars of Kafka {lock.kafka} are in {cache}")
        return
    there = [jar.coordinates for jar in lacking if jar.path(cache).exists()]
    damaged = f" ({len(there)} of them damaged)" if there else ""
    yield Finding(
        "jars",
        "warning",
        f"{len(lacking)} of {len(lock.jars)} jars of Kafka {lock.kafka} are missing{damaged}.",
        cause="The next start fetches them, which needs a network.",
        evidence=tuple((there or [jar.coordinates for jar in lacking])[:3]),
        fix="invoke kafka.pull",
        exit_code=4,
        remedy="pull",
    )


def archive(exam: Examination) -> Iterator[Finding]:
    """Whether the class archive, which makes starts fast, is there and sound."""
    if exam.runtime not in ("embedded", None):
        return
    from kafka_tasks.runtimes.embedded import class_archive as archives
    from kafka_tasks.runtimes.embedded import jars as store
    from kafka_tasks.runtimes.embedded import java as javas

    lock = store.load_lock(exam.settings.kafka_line)
    class_path = tuple(jar.path(exam.settings.cache) for jar in lock.jars)
    if not all(path.exists() for path in class_path):
        return
    try:
        chosen = javas.choose(exam.settings)
    except JavaUnfit:
        return  # said already
    found = archives.locate(exam.settings.cache, chosen, class_path, lock.kafka)
    if found.is_built():
        yield Finding("class-archive", "ok", "the Java class archive is there")
    elif (found.directory / "built.json").exists():
        yield Finding(
            "class-archive",
            "warning",
            "The Java class archive is damaged, so it is not used and starts are slow.",
            evidence=(str(found.directory),),
            fix="invoke kafka.doctor --fix; the next start makes it anew",
            exit_code=4,
            remedy="archive",
        )
    else:
        yield Finding("class-archive", "info", "no Java class archive yet; the next start makes it")


def engine(exam: Examination) -> Iterator[Finding]:
    """Whether a Docker engine answers this user, and which."""
    needed = exam.runtime == "compose"
    configured = exam.environ.get("DOCKER_HOST") or exam.environ.get("DOCKER_CONTEXT")
    if not needed and not configured and shutil.which("docker") is None:
        yield Finding("engine", "info", "there is no Docker here; the embedded runtime needs none")
        return
    try:
        found = exam.engine()
    except EngineMissing as error:
        told = of_error(error, "engine-missing", "machine", level="error" if needed else "info")
        yield told
        return
    local = "" if found.is_local else ", on another machine"
    yield Finding("engine", "ok", f"Docker {found.version} answers at {found.host}{local}")
    if needed and not found.is_local:
        yield Finding(
            "engine-elsewhere",
            "error",
            f"The Docker engine is on another machine ({found.host}).",
            cause="A port that it publishes on 127.0.0.1 is there, not here.",
            fix="docker context use default; or invoke kafka.up --runtime embedded",
            exit_code=4,
        )
    if needed:
        yield from _engine_memory(exam)


def _engine_memory(exam: Examination) -> Iterator[Finding]:
    total = exam.engine().memory_bytes()
    if total and total < 1_500_000_000:
        yield Finding(
            "engine-memory",
            "warning",
            f"The engine's machine has {total / 1e6:.0f} MB of memory in all, which is little.",
            fix="give Docker's virtual machine 2 GB or more",
            exit_code=4,
        )


def compose(exam: Examination) -> Iterator[Finding]:
    """Whether Docker Compose is there and new enough."""
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
    """Whether the images are there, and made for this machine."""
    if exam.runtime != "compose":
        return
    try:
        answering = exam.engine()
    except EngineMissing:
        return  # said already
    machine = _SAME.get(platform.machine(), platform.machine())
    own = _SAME.get(answering.architecture, answering.architecture) or machine
    for name in (exam.settings.zookeeper_image, exam.settings.kafka_image):
        made_for = answering.image_architecture(name)
        if made_for is None:
            yield Finding(
                "image",
                "warning",
                f"The image {name} is not on this machine.",
                cause="The next start pulls it, which needs a network.",
                fix="invoke kafka.pull",
                exit_code=4,
                remedy="pull",
            )
        elif made_for != own:
            yield Finding(
                "architecture",
                "error",
                f"The image {name} is made for {made_for}, and this engine is {own}.",
                cause="It runs under emulation, or not at all; a JVM under emulation crashes.",
                fix=f"docker image rm {name}; unset DOCKER_DEFAULT_PLATFORM; invoke kafka.pull",
                exit_code=4,
                reference="confluentinc/kafka-images#80",
            )
        else:
            yield Finding("image", "ok", f"the image {name} is there ({made_for})")


CHECKS = tuple(
    Check(name, "machine", ask)
    for name, ask in (
        ("java", java),
        ("jars", jars),
        ("class archive", archive),
        ("engine", engine),
        ("compose", compose),
        ("images", images),
    )
)
