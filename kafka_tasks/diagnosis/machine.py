"""The machine: memory, disk, ports, clock, limits, proxies and localhost."""

from __future__ import annotations

import platform
import resource
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.clients import machine, processes
from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.model.finding import Finding
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import ports, roles
from kafka_tasks.runtimes.port_holder import holder_of

_MEGABYTE = 1_000_000
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
# A JVM's memory besides its heap: classes, threads, buffers; measured 60 to 90 MB.
_OFF_HEAP = 100 * _MEGABYTE
_DISK_NEEDED, _DISK_WARNING = 64 * _MEGABYTE, 1000 * _MEGABYTE
_FILES_NEEDED = 4096
_CLOCK_SLACK_S = 120.0
# The start of 2024: an earlier time means that the clock is wrong.
_MIN_TIME = 1_704_067_200


def heap_bytes(text: str) -> int:
    """Return a heap size such as 512m in bytes."""
    return int(text[:-1]) * _UNITS[text[-1].lower()]


def _python(_case: Examination) -> Iterator[Finding]:
    """Report the Python version."""
    where = f"Python {platform.python_version()} in {sys.prefix}"
    yield Finding("python", "ok", where)


def memory(exam: Examination) -> Iterator[Finding]:
    """Report whether the free memory suffices for the servers that do not run yet."""
    _, available = machine.memory_bytes()
    alive = {service.name for service in exam.alive()}
    heaps = [
        getattr(exam.settings, roles.of(service.role).heap_setting)
        for service in exam.settings.topology
        if service.name not in alive
    ]
    needed = sum(heap_bytes(heap) + _OFF_HEAP for heap in heaps)
    title = f"{available / _MEGABYTE:.0f} MB of memory are free"
    if exam.runtime == "remote" or available >= needed:
        yield Finding("memory", "ok", title)
        return
    yield Finding(
        "memory",
        "warning",
        f"{title}, but a start may need {needed / _MEGABYTE:.0f} MB.",
        cause="The sum has the heaps of all servers and the JVMs' other memory.",
        fix="KAFKA_TASKS_HEAP=256m KAFKA_TASKS_ZOOKEEPER_HEAP=64m invoke kafka.up",
        exit_code=4,
    )


def disk(exam: Examination) -> Iterator[Finding]:
    """Report the free disk space for the data and for the cache."""
    for what, path in _places(exam):
        free = machine.free_bytes(path)
        title = f"{free / _MEGABYTE:.0f} MB are free for {what} ({path})"
        if free >= _DISK_WARNING:
            yield Finding("disk", "ok", title)
            continue
        full = free < _DISK_NEEDED
        yield Finding(
            "disk-full" if full else "disk",
            "error" if full else "warning",
            f"Only {title}.",
            cause=f"A start needs {_DISK_NEEDED // _MEGABYTE} MB, and the data grows.",
            fix=f'df -h "{path}"; du -sh .kafka-tasks/data/*',
            exit_code=4,
        )


def _places(exam: Examination) -> Iterator[tuple[str, Path]]:
    """Yield the directories that kafka-tasks writes to, one for each file system."""
    places = [
        ("the project", exam.project.path),
        ("the cache", _nearest_directory(exam.settings.cache)),
    ]
    places += [
        (f"the data of {path.name}", path)
        for path in sorted((exam.project.state / "data").glob("*"))
        if path.is_dir()
    ]
    seen = set()
    for what, path in places:
        if (device := path.stat().st_dev) not in seen:
            seen.add(device)
            yield what, path


def _nearest_directory(path: Path) -> Path:
    """Return the path itself or its nearest parent that is a directory."""
    return next((found for found in (path, *path.parents) if found.is_dir()), Path("/"))


def port_holders(exam: Examination) -> Iterator[Finding]:
    """Report the holders of ports that stopped servers need."""
    if exam.runtime == "remote":
        return
    wanted = list(_wanted(exam))
    held = [each for each in wanted if not processes.port_is_free(each.port)]
    for each in held:
        yield _held(exam, each)
    if not held:
        numbers = ", ".join(str(each.port) for each in wanted)
        yield Finding(
            "ports", "ok", f"the ports are free ({numbers})" if numbers else "no port is needed"
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A port that a stopped service needs, and the setting that decides it."""

    service: str
    port: int
    setting: str


def _wanted(exam: Examination) -> Iterator[_Wanted]:
    """Yield the ports of the services that do not run: as recorded where they should."""
    record, settings = exam.record, exam.settings
    alive = {service.name for service in exam.alive()}
    for service in ports.as_set(settings, settings.topology):
        if service.name in alive:
            continue
        before = record.topology.service(service.name) if record else None
        known, now = ports.of(before) if before else {}, ports.of(service)
        running = record is not None and record.wanted == "running"
        for setting, port in ({**now, **known} if running else {**known, **now}).items():
            yield _Wanted(service.name, port, setting)


def _held(exam: Examination, wanted: _Wanted) -> Finding:
    """Return the finding for a port in use: an error unless the next start picks another."""
    name, port = wanted.service, wanted.port
    holder = holder_of(port, exam.engine)
    # Without root rights the system names no process of another user.
    stop = holder.stop or f"sudo ss -ltnp sport = :{port} names the process"
    if ports.is_automatic(exam.settings, wanted.setting):
        said = f"port {port} of {name} is held by {holder.name}; up picks another port"
        return Finding("ports", "info", said)
    return Finding(
        "port-taken",
        "error",
        f"Port {port}, which {name} needs, is held by {holder.name}.",
        cause="Only one process can listen on a port.",
        fix=f"{stop}, or {ports.another(name, wanted.setting, exam.own_file)}",
        exit_code=4,
        reference="docker/compose#4950",
        service=name,
    )


def clock(exam: Examination) -> Iterator[Finding]:
    """Report a clock that is behind the newest file of the cluster."""
    now = time.time()
    newest = max((moment for moment in _written_at(exam.project)), default=0.0)
    if now < _MIN_TIME or newest > now + _CLOCK_SLACK_S:
        ahead = f", {newest - now:.0f} s before the newest file of the cluster" if newest else ""
        yield Finding(
            "clock",
            "warning",
            f"The clock is wrong: it shows {time.strftime('%Y-%m-%d %H:%M:%S')}{ahead}.",
            cause="It was set back, or a virtual machine slept; retention and TLS depend on it.",
            fix="sudo timedatectl set-ntp true; timedatectl",
            exit_code=4,
        )
        return
    yield Finding("clock", "ok", f"the clock shows {time.strftime('%Y-%m-%d %H:%M:%S %Z')}")


def _written_at(project: Project) -> Iterator[float]:
    for folder in ("", "logs", "data"):
        for path in sorted((project.state / folder).glob("*"))[:50]:
            try:
                yield path.stat().st_mtime
            except OSError:
                continue


def open_files(_case: Examination) -> Iterator[Finding]:
    """Report the limit of open files; a JVM raises the soft limit to the hard limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    shown = "any number of" if hard == resource.RLIM_INFINITY else str(hard)
    if hard == resource.RLIM_INFINITY or hard >= _FILES_NEEDED:
        yield Finding("open-files", "ok", f"a process can open {shown} files")
        return
    yield Finding(
        "open-files",
        "warning",
        f"A process can open only {shown} files.",
        cause="A broker keeps several files open for each partition.",
        fix=f"ulimit -Hn {_FILES_NEEDED}; set nofile in /etc/security/limits.conf to keep it",
        exit_code=4,
    )


def proxies(exam: Examination) -> Iterator[Finding]:
    """Report proxies that would get connections to localhost."""
    names = [n for n in exam.environ if n.lower() in ("http_proxy", "https_proxy", "all_proxy")]
    java = exam.environ.get("JAVA_TOOL_OPTIONS", "") + exam.environ.get("_JAVA_OPTIONS", "")
    if "socksProxyHost" in java:
        names.append("JAVA_TOOL_OPTIONS")
    excepted = exam.environ.get("no_proxy", "") + "," + exam.environ.get("NO_PROXY", "")
    exceptions = {part.strip() for part in excepted.split(",")}
    if not names:
        yield Finding("proxy", "ok", "the environment has no proxy")
    elif "*" in exceptions or {"localhost", "127.0.0.1"} <= exceptions:
        yield Finding("proxy", "ok", f"{', '.join(names)} excludes localhost (no_proxy)")
    else:
        yield Finding(
            "proxy",
            "warning",
            f"{', '.join(names)} is set, and no_proxy lacks localhost or 127.0.0.1.",
            cause="Docker over TCP and Java clients connect to this machine through the proxy.",
            fix="export no_proxy=localhost,127.0.0.1,::1 NO_PROXY=localhost,127.0.0.1,::1",
            exit_code=4,
        )


def localhost(_case: Examination) -> Iterator[Finding]:
    """Report a localhost that does not resolve to 127.0.0.1 first."""
    try:
        found = [
            str(entry[4][0])
            for entry in socket.getaddrinfo("localhost", 9092, type=socket.SOCK_STREAM)
        ]
    except OSError as error:
        found = [str(error)]
    if "127.0.0.1" not in found:
        yield Finding(
            "localhost",
            "error",
            "localhost does not resolve to 127.0.0.1, where the servers listen.",
            evidence=(", ".join(found),),
            fix="add the line `127.0.0.1 localhost` to /etc/hosts",
            exit_code=4,
        )
    elif found[0] == "127.0.0.1":
        yield Finding("localhost", "ok", "localhost resolves to 127.0.0.1")
    else:
        yield Finding(
            "ipv6-localhost",
            "info",
            f"localhost resolves to {found[0]} before 127.0.0.1, where the servers listen",
            cause="Clients that try only the first address get a refused connection.",
            fix="use 127.0.0.1 instead of localhost, or set broker.address.family=v4 in the client",
            reference="confluentinc/confluent-kafka-python#229",
        )


CHECKS = tuple(
    Check(name, "machine", ask)
    for name, ask in (
        ("python", _python),
        ("memory", memory),
        ("disk", disk),
        ("ports", port_holders),
        ("clock", clock),
        ("open files", open_files),
        ("proxies", proxies),
        ("localhost", localhost),
    )
)
