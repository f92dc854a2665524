"""The data: the cluster and the broker that it belongs to, and its size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.finding import Finding
from kafka_tasks.model.topology import identify
from kafka_tasks.runtimes import roles

_LARGE = 5_000_000_000
# The count stops here: more files would take too long.
_MAX_FILES = 20_000
# What stands before a size that is not exact.
_MORE_THAN, _AT_MOST = "more than ", "at most "
# In seconds: the check runs beside all others.
_TIMEOUT_S = 2.5


@dataclass(frozen=True, slots=True)
class _Meta:
    """A broker's meta.properties, and the id that the broker will have."""

    service: str
    expected: int
    cluster_id: str | None
    broker_id: int | None


def _parsed(service: str, expected: int, text: str) -> _Meta:
    cluster = re.search(r"^cluster\.id=(\S+)", text, re.MULTILINE)
    broker = re.search(r"^broker\.id=(\d{1,9})$", text, re.MULTILINE)
    return _Meta(
        service,
        expected,
        cluster[1] if cluster else None,
        int(broker[1]) if broker else None,
    )


def _metas(exam: Examination) -> list[_Meta]:
    """Return the identity of each broker's data."""
    if exam.runtime == "embedded":
        return _on_disk(exam.project.state / "data")
    return _in_volumes(exam) if exam.runtime == "compose" else []


def _on_disk(data: Path) -> list[_Meta]:
    found = []
    for path in sorted(data.glob("kafka*/meta.properties")):
        with suppress(OSError):
            text = path.read_text(encoding="ascii", errors="replace")
            service = identify(path.parent.name)
            if service and service.role.serves_clients:
                found.append(_parsed(service.name, service.number, text))
    return found


def _in_volumes(exam: Examination) -> list[_Meta]:
    """Read the identities through the existing containers; none after `down`."""
    from kafka_tasks.runtimes.compose import containers
    from kafka_tasks.runtimes.compose.volumes import ComposeData

    found = []
    with suppress(KafkaTasksError):
        record = exam.record
        there = containers.by_service(exam.engine(), exam.project.path, record)
        topology = containers.topology(there, record.topology if record else None)
        data = ComposeData(exam.engine(), topology, there)
        ids = data.broker_ids()
        for broker in topology.brokers:
            if (text := data.meta(broker)) is not None:
                found.append(_parsed(broker.name, ids.get(broker.our_name, broker.node_id), text))
    return found


def identity(exam: Examination) -> Iterator[Finding]:
    """Report data of another cluster than ZooKeeper's, or of another broker."""
    known = _metas(exam)
    if not known:
        return
    for one in known:
        if one.broker_id is not None and one.broker_id != one.expected:
            yield _another_broker(exam, one, one.broker_id)
    ids = {one.service: one.cluster_id for one in known if one.cluster_id}
    coordinators = _coordinators_ids(exam)
    ids = {**{name: told for name, (told, _) in coordinators.items()}, **ids}
    if len(set(ids.values())) > 1:
        yield _different_clusters(ids)
    elif ids:
        titles = list(dict.fromkeys(title for _, title in coordinators.values()))
        together = f"{', '.join(titles)} and the data belong"
        owner = together if titles else "the data belongs"
        title = f"{owner} to one cluster: {next(iter(ids.values()))}"
        yield Finding("cluster-id", "ok", title, area="cluster")


def _different_clusters(ids: Mapping[str, str]) -> Finding:
    return Finding(
        "cluster-id-differs",
        "error",
        "The data belongs to different clusters.",
        area="cluster",
        cause="ZooKeeper's data was lost or wiped and Kafka's was not, or the other way round.",
        evidence=tuple(f"{name}: {value}" for name, value in ids.items()),
        fix="restore the lost half; or invoke kafka.down --wipe --yes; invoke kafka.up",
        exit_code=5,
        reference="conduktor/kafka-stack-docker-compose#105",
    )


def _another_broker(exam: Examination, found: _Meta, number: int) -> Finding:
    embedded = exam.runtime == "embedded"
    repair = (
        f"sed -i 's/^broker.id=.*/broker.id={found.expected}/' "
        f".kafka-tasks/data/{found.service}/meta.properties, if the data is its own"
        if embedded
        else f"set KAFKA_BROKER_ID: {number} for {found.service} in the Compose file"
    )
    where = f"data/{found.service}" if embedded else f"the volume of {found.service}"
    return Finding(
        "broker-id-differs",
        "error",
        f"The data of {found.service} belongs to broker {number}.",
        area="cluster",
        cause="The broker id was changed, or the directory belongs to another broker.",
        evidence=(f"{where}: meta.properties: broker.id={number}",),
        fix=f"{repair}; else invoke kafka.down --wipe",
        exit_code=5,
        service=found.service,
        reference="Yolean/kubernetes-kafka#214",
    )


def _coordinators_ids(exam: Examination) -> dict[str, tuple[str, str]]:
    """Return the cluster id that each running coordinator has, and its title, by its name."""
    if exam.session is None:
        return {}
    alive = {service.name for service in exam.alive()}
    found = {}
    for coordinator in roles.coordinators(exam.session.cluster()):
        name = coordinator.service.name
        if name not in alive:
            continue
        with suppress(Unanswered, KafkaTasksError):
            if told := coordinator.cluster_id(_TIMEOUT_S):
                found[name] = told, roles.of(coordinator.service.role).title
    return found


def size(exam: Examination) -> Iterator[Finding]:
    """Report the size of the data."""
    total, more, where, command = _measured(exam)
    if total is None:
        return
    title = f"the data takes {more}{total / 1e6:.0f} MB ({where})"
    if total < _LARGE or more == _AT_MOST:
        yield Finding("data-size", "ok", title, area="cluster")
        return
    yield Finding(
        "data-size",
        "warning",
        f"{title[0].upper()}{title[1:]}.",
        area="cluster",
        fix=f"{command}; invoke kafka.down --wipe",
    )


def _measured(exam: Examination) -> tuple[int | None, str, str, str]:
    """Return the bytes, how exact they are, the place, and a command for details."""
    if exam.runtime == "embedded":
        folder = exam.project.state / "data"
        return *_disk_usage(folder), str(folder), f'du -sh "{folder}"/kafka*/* | sort -h | tail'
    if exam.runtime == "compose":
        from kafka_tasks.runtimes.compose import compose_file

        project = compose_file.project_of(exam.project.path, exam.record)
        total, more = _of_volumes(exam, project)
        return total, more, f"volumes of {project}", "docker system df --verbose"
    return None, "", "", ""


def _disk_usage(folder: Path) -> tuple[int | None, str]:
    """Return the bytes below a directory, and whether the count stopped early."""
    total, files = 0, 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            # Index files are sparse: only blocks take space.
            total += path.lstat().st_blocks * 512
            files += 1
        if files >= _MAX_FILES:
            return total, _MORE_THAN
    return total if files else None, ""


def _of_volumes(exam: Examination, project: str) -> tuple[int | None, str]:
    """Return the bytes that containers count, else the engine's, which count sparse files whole."""
    try:
        engine = exam.engine()
        holders = [found for found in engine.of_project(project) if found.volumes]
        if all(found.status == "running" for found in holders):
            sizes = [engine.disk_usage(found) for found in holders]
            if known := [size for size in sizes if size is not None]:
                return sum(known), "" if len(known) == len(sizes) else _MORE_THAN
        return engine.volumes_bytes(project), _AT_MOST
    except KafkaTasksError:
        return None, ""  # the check of the engine reports it, or the engine takes too long


CHECKS = (Check("identity", "cluster", identity), Check("data size", "cluster", size))
