"""The cluster: its services, the readiness layer that fails, and known failures in its logs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from kafka_tasks.diagnosis import hints, last_failure, registrations, signatures
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.errors import CannotConnect, KafkaTasksError
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.evidence import last_start, name_an_error, telling
from kafka_tasks.model.finding import Finding, Level
from kafka_tasks.model.topic import TopicState
from kafka_tasks.probes import readiness as probes
from kafka_tasks.project.lock import holder

_SHOWN = 5
# What a broker logs of a client with a wrong password or certificate.
_REFUSED = "Failed authentication with /"
_LOOK_AT_REPLICAS = "invoke kafka.topic.list --under-replicated"
# Other checks look for these each time: an earlier failure may be over.
_CHECKED_EACH_TIME = frozenset(
    {"compose-missing", "disk-full", "engine-elsewhere", "engine-forbidden", "engine-missing"}
    | {"listeners-invalid", "port-taken", "wrong-java"}
)


def _finding(id: str, level: Level, title: str, **more: object) -> Finding:
    return Finding(id, level, title, area="cluster", **{"exit_code": 5, **more})  # type: ignore[arg-type]


def readiness(exam: Examination) -> Iterator[Finding]:
    """Report whether the cluster runs and is ready, else the failed layer and the reason."""
    session = exam.session
    if session is None:
        return
    if exam.held:
        who = holder(exam.project) or "another command"
        yield _finding("lock-held", "info", f"{who} is changing the cluster")
    if not exam.alive():
        yield from _stopped(exam, session)
        return
    glance = probes.glance(session.cluster(), session.watch, session.recorder)
    if exam.held and glance.failed is not None:
        yield _finding("starting", "info", f"layer {glance.failed} does not hold yet")
        return
    yield from _dead(exam, session)
    yield from _suspended(exam)
    yield from _minority(exam, session)
    if glance.failed is None:
        names = ", ".join(service.name for service in exam.services)
        yield _finding("ready", "ok", f"ready ({session.runtime.name}: {names})")
        if glance.absent:
            numbers = ", ".join(map(str, sorted(glance.absent)))
            title = f"Brokers with replicas are not registered: {numbers}."
            yield _finding("brokers-absent", "warning", title, fix=_LOOK_AT_REPLICAS)
    elif glance.refused is not None:
        yield _refused(glance.refused)
    else:
        yield from _not_ready(exam, glance.failed, glance.reason)
    yield from _logged(exam, session, ready=glance.failed is None)


def _refused(error: CannotConnect) -> Finding:
    reference = "docs/how-to/use-a-remote-cluster.md"
    return of_error(error, error.finding or error.code, "cluster", reference=reference)


def _not_ready(exam: Examination, layer: str, reason: str | None) -> Iterator[Finding]:
    problem = f"layer {layer} does not hold"
    fix = "invoke kafka.up, which starts dead services; invoke kafka.logs"
    yield _finding(
        "not-ready",
        "error",
        f"The cluster is not ready: {problem}.",
        evidence=(reason or "",),
        fix=hints.ADDRESSES if exam.runtime == "remote" else fix,
        reference="docs/explanation/readiness.md",
    )
    yield from _from_signatures(exam, {"tool": [problem]})


def _stopped(exam: Examination, session: Session) -> Iterator[Finding]:
    """Report why nothing runs: it was stopped, its start failed, or every service died."""
    failure = last_failure.recall(exam.project)
    record = exam.record
    if failure is not None:
        yield _finding(
            "last-start-failed",
            "warning" if failure.findings else "error",
            f"The last kafka.{failure.doing} failed at {failure.when}: {failure.message}",
            fix="invoke kafka.up",
        )
        yield from (
            replace(found, level="warning") if _is_past(found) else found
            for found in failure.findings
        )
    elif record and record.wanted == "running" and not exam.held:
        yield from _dead(exam, session)
        yield from _logged(exam, session, ready=False)
    else:
        yield _finding(
            "stopped", "info", "no cluster is running here; `invoke kafka.up` starts one"
        )


def _is_past(found: Finding) -> bool:
    """Return True if another check reports the finding in case it still holds."""
    return found.id in _CHECKED_EACH_TIME and found.service in ("tool", "engine", None)


def _dead(exam: Examination, session: Session) -> Iterator[Finding]:
    for service in exam.services:
        if service.alive:
            continue
        lines = telling(_log(session, service.name, 400), limit=_SHOWN)
        died = name_an_error(lines)
        yield _finding(
            "service-dead",
            "error",
            f"{service.name} is not running{f' ({service.ended})' if service.ended else ''}.",
            cause="The service was killed, or it died; its last lines give the reason."
            if died
            else "The service was killed from outside, by kill -9 or for lack of memory: "
            "its log ends without an error.",
            evidence=tuple(lines if died else lines[-1:]),
            fix="invoke kafka.up, which starts dead services",
            service=service.name,
        )


def _minority(exam: Examination, session: Session) -> Iterator[Finding]:
    """Report a quorum that cannot have a leader."""
    voters = [voter.name for voter in session.cluster().topology.voters]
    alive = {service.name for service in exam.alive() if not service.suspended}
    running = [name for name in voters if name in alive]
    if len(voters) > 1 and len(running) * 2 <= len(voters):
        yield _finding(
            "quorum-lost",
            "error",
            f"The quorum has no majority: {len(running)} of {len(voters)} controllers run.",
            cause="Without a majority no controller leads: topics cannot be created or described, "
            "groups cannot be found, and brokers answer with what they remember.",
            evidence=tuple(f"{name}: {'runs' if name in alive else 'down'}" for name in voters),
            fix="invoke kafka.up, which starts dead services",
        )


def _suspended(exam: Examination) -> Iterator[Finding]:
    for service in exam.services:
        if service.suspended:
            yield _finding(
                "service-suspended",
                "error",
                f"{service.name} is suspended.",
                cause="SIGSTOP, a debugger or `docker pause` suspended it; no data is lost.",
                evidence=(f"process {service.pid}" if service.pid else f"{service.container}",),
                fix="invoke kafka.up, which resumes it",
                service=service.name,
            )


def _logged(exam: Examination, session: Session, *, ready: bool) -> Iterator[Finding]:
    """Report known signatures in the log of each service's last start."""
    texts = {
        service.name: last_start(
            _without_refusals(session, _log(session, service.name, signatures.LINES)),
            _started(session, service),
        )
        for service in exam.services
    }
    names = signatures.names_of(exam.services)
    if ready:
        lingering = [hit for hit in signatures.search(texts, names) if hit[1].signature.lingers]
        found = [_of_hit(exam, *hit, names, level="warning") for hit in lingering]
    else:
        found = _from_signatures(exam, texts, names)
    yield from found
    if texts and not found:
        lines = sum(len(lines) for lines in texts.values())
        yield _finding("logs", "ok", f"no known failure in {lines} log lines of the last start")


def _without_refusals(session: Session, lines: list[str]) -> list[str]:
    """Return a log without the clients whom a secured cluster refused, as it should."""
    if session.settings.security is None:
        return lines
    return [line for line in lines if _REFUSED not in line]


def _started(session: Session, service: ServiceState) -> float | None:
    """Return the process's start time; None for containers, whose clocks may differ."""
    if session.runtime.name != "embedded" or service.uptime_s is None:
        return None
    return time.time() - service.uptime_s


def _log(session: Session, service: str, lines: int) -> list[str]:
    try:
        return session.logs(service, lines)
    except KafkaTasksError:
        return []


def _from_signatures(
    exam: Examination, texts: Mapping[str, list[str]], names: Mapping[str, str] | None = None
) -> list[Finding]:
    """Return a finding for each signature in these texts (service → lines)."""
    known = names or {}
    return [_of_hit(exam, *hit, known) for hit in signatures.search(texts, known)]


def _of_hit(
    exam: Examination,
    service: str,
    hit: signatures.Match,
    names: Mapping[str, str],
    level: Level = "error",
) -> Finding:
    own = exam.own_file is not None
    return hit.finding(
        service=service, runtime=exam.runtime, names=names, own_file=own, level=level
    )


# -- partitions -------------------------------------------------------------


def _partitions(exam: Examination) -> Iterator[Finding]:
    """Report partitions without a leader, or with replicas that are not in sync."""
    session = exam.session
    if session is None or not any(s.role.serves_clients for s in exam.alive()):
        return
    if not session.cluster().topology.is_coordinated({s.name for s in exam.alive()}):
        return  # brokers tell what they remember
    from kafka_tasks.clients.kafka.admin import Admin

    try:
        with Admin(session.cluster()) as admin:
            topics = admin.topics(timeout_s=1.0)
    except KafkaTasksError:
        return  # the check of readiness reports it
    yield from partition_findings(topics)


def partition_findings(topics: Mapping[str, TopicState]) -> Iterator[Finding]:
    """Report what these topics' partitions lack."""
    leaderless = [
        f"{t.name}-{p.id}" for t in topics.values() for p in t.partitions if p.leader is None
    ]
    lagging = [text for topic in topics.values() for text in _lagging(topic)]
    if leaderless:
        yield _finding(
            "leaderless",
            "error",
            f"Partitions without a leader: {len(leaderless)}.",
            cause="All their replicas are on brokers that are dead or not ready yet.",
            evidence=tuple(leaderless[:_SHOWN]),
            fix="invoke kafka.up, which starts dead services",
        )
    if lagging:
        yield _finding(
            "under-replicated",
            "warning",
            f"Partitions with too few in-sync replicas: {len(lagging)}.",
            cause="A broker is dead or still catching up.",
            evidence=tuple(lagging[:_SHOWN]),
            fix="invoke kafka.status; invoke kafka.up",
        )
    count = sum(len(topic.partitions) for topic in topics.values())
    if not count:
        # A user without rights sees the same as one of a cluster without topics.
        yield _finding("partitions", "ok", "no topic is visible, so nothing is known of partitions")
    elif not leaderless and not lagging:
        yield _finding(
            "partitions", "ok", f"all {count} partitions have a leader and in-sync replicas"
        )


def _lagging(topic: TopicState) -> Iterator[str]:
    """Yield each partition that has a leader but too few in-sync replicas."""
    for part in topic.partitions:
        if part.leader is not None and len(part.isr) < len(part.replicas):
            replicas, in_sync = _ids(part.replicas), _ids(part.isr)
            yield f"{topic.name}-{part.id}: replicas {replicas}, in sync {in_sync}"


def _ids(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


CHECKS = tuple(
    Check(name, "cluster", ask)
    for name, ask in (
        ("readiness", readiness),
        ("registrations", registrations.registrations),
        ("partitions", _partitions),
    )
)
