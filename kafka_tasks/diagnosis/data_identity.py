"""The data: of which cluster and of which broker it is, and how much there is of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import ZOOKEEPER, broker_id
from kafka_tasks.model.finding import Finding

_LARGE = 5_000_000_000
# Walking stops here: who has more files than that waits for no count of bytes.
_FILES_LOOKED_AT = 20_000
# ZooKeeper is asked beside all the other checks, in seconds.
_ANSWER_S = 2.5


@dataclass(frozen=True, slots=True)
class Meta:
    """What a broker's meta.properties says, and which id the broker is going to have."""

    service: str
    expected: int
    cluster_id: str | None
    broker_id: int | None


def meta(service: str, expected: int, text: str) -> Meta:
    """Read one."""
    cluster = re.search(r"^cluster\.id=(\S+)", text, re.MULTILINE)
    broker = re.search(r"^broker\.id=(\d{1,9})$", text, re.MULTILINE)
    return Meta(
        service,
        expected,
        cluster[1] if cluster else None,
        int(broker[1]) if broker else None,
    )


def _metas(exam: Examination) -> list[Meta]:
    """The identity that each broker's data has."""
    if exam.runtime == "embedded":
        return _on_disk(exam.project.state / "data")
    return _in_volumes(exam) if exam.runtime == "compose" else []


def _on_disk(data: Path) -> list[Meta]:
    found = []
    for path in sorted(data.glob("kafka*/meta.properties")):
        with suppress(OSError):
            text = path.read_text(encoding="ascii", errors="replace")
            found.append(meta(path.parent.name, broker_id(path.parent.name), text))
    return found


def _in_volumes(exam: Examination) -> list[Meta]:
    """Read through the containers; a project that is down has none, and nothing is started."""
    from kafka_tasks.runtimes.compose import containers
    from kafka_tasks.runtimes.compose.volumes import ComposeData

    found = []
    with suppress(KafkaTasksError):
        there = containers.by_service(exam.engine(), exam.project.path)
        data = ComposeData(exam.engine(), there)
        told = data.broker_ids()
        for service in sorted(there, key=containers.order):
            if service != ZOOKEEPER and (text := data.meta(service)) is not None:
                found.append(meta(service, told.get(service, broker_id(service)), text))
    return found


def identity(exam: Examination) -> Iterator[Finding]:
    """Whether Kafka's data is of this ZooKeeper, and each directory of this broker."""
    known = _metas(exam)
    if not known:
        return
    for one in known:
        if one.broker_id is not None and one.broker_id != one.expected:
            yield _another_broker(exam, one, one.broker_id)
    ids = {one.service: one.cluster_id for one in known if one.cluster_id}
    keeper = _zookeepers_id(exam)
    if keeper is not None:
        ids = {ZOOKEEPER: keeper, **ids}
    if len(set(ids.values())) > 1:
        yield Finding(
            "cluster-id-differs",
            "error",
            "The data is of different clusters.",
            area="cluster",
            cause="ZooKeeper's data was lost or wiped and Kafka's was not, or the other way round.",
            evidence=tuple(f"{name}: {value}" for name, value in ids.items()),
            fix="bring the lost half back; or invoke kafka.down --wipe --yes; invoke kafka.up",
            exit_code=5,
            reference="conduktor/kafka-stack-docker-compose#105",
        )
    elif ids:
        both = "ZooKeeper and data agree" if keeper else "the data is of one cluster"
        yield Finding("cluster-id", "ok", f"{both}: {next(iter(ids.values()))}", area="cluster")


def _another_broker(exam: Examination, found: Meta, number: int) -> Finding:
    embedded = exam.runtime == "embedded"
    mend = (
        f"sed -i 's/^broker.id=.*/broker.id={found.expected}/' "
        f".kafka-tasks/data/{found.service}/meta.properties, if the data is its own"
        if embedded
        else f"give {found.service} KAFKA_BROKER_ID {number} in the Compose file"
    )
    where = f"data/{found.service}" if embedded else f"the volume of {found.service}"
    return Finding(
        "broker-id-differs",
        "error",
        f"The data of {found.service} belongs to broker {number}.",
        area="cluster",
        cause="The broker id was changed, or the directory is another broker's.",
        evidence=(f"{where}: meta.properties: broker.id={number}",),
        fix=f"{mend}; else invoke kafka.down --wipe",
        exit_code=5,
        service=found.service,
        reference="Yolean/kubernetes-kafka#214",
    )


def _zookeepers_id(exam: Examination) -> str | None:
    from kafka_tasks.clients import zookeeper

    session = exam.session
    if session is None or not any(service.name == ZOOKEEPER for service in exam.alive()):
        return None
    address = session.runtime.cluster(exam.settings).zookeeper
    try:
        return zookeeper.cluster_id(address, _ANSWER_S) if address else None
    except (zookeeper.Unanswered, KafkaTasksError):
        return None


def size(exam: Examination) -> Iterator[Finding]:
    """How much the data takes up."""
    if exam.runtime == "embedded":
        folder = exam.project.state / "data"
        total, more = _walked(folder)
        where, look = str(folder), f'du -sh "{folder}"/kafka*/* | sort -h | tail'
    elif exam.runtime == "compose":
        from kafka_tasks.runtimes.compose import compose_file

        project = compose_file.project_of(exam.project.path, exam.record)
        total, more = _of_volumes(exam, project), ""
        where, look = f"volumes of {project}", "docker system df --verbose"
    else:
        return
    if total is None:
        return
    seen = f"the data takes {more}{total / 1e6:.0f} MB ({where})"
    if total < _LARGE:
        yield Finding("data-size", "ok", seen, area="cluster")
        return
    yield Finding(
        "data-size",
        "warning",
        f"{seen[0].upper()}{seen[1:]}.",
        area="cluster",
        fix=f"{look}; invoke kafka.down --wipe",
    )


def _walked(folder: Path) -> tuple[int | None, str]:
    """Bytes below a directory, and whether there is more than was looked at."""
    total, files = 0, 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            # Index files are sparse: what counts are the blocks.
            total += path.lstat().st_blocks * 512
            files += 1
        if files >= _FILES_LOOKED_AT:
            return total, "more than "
    return total if files else None, ""


def _of_volumes(exam: Examination, project: str) -> int | None:
    try:
        return exam.engine().volumes_bytes(project)
    except KafkaTasksError:
        return None  # without an engine there is a finding already; one that counts takes its time


CHECKS = (Check("identity", "cluster", identity), Check("data size", "cluster", size))
