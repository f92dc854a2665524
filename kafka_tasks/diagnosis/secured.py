"""A secured cluster: its certificates, what stays open, and a kcat that cannot log in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

from kafka_tasks.clients import processes
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.finding import Finding
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.secure import access
from kafka_tasks.runtimes.secure.store import SecureStore, now

_DAY_S = 86400.0
# The first librdkafka whose SCRAM Kafka 4 accepts.
_KCAT_FROM = (2, 6, 1)
_KCAT_S = 5.0


def certificates(exam: Examination) -> Iterator[Finding]:
    """Report files that are not kafka-tasks' own, and certificates that are no longer valid."""
    if exam.settings.security is None:
        return
    store, record = SecureStore.of(exam.project), exam.record
    try:
        index = store.index()
        if index is None and record and record.wanted == "running":
            raise store.foreign("index.json", "it is missing, and the cluster runs")
    except InvalidInput as error:
        yield of_error(error, "secure-files", area="configuration")
        return
    if index is None:
        return
    if not (store.root / "passwords.json").exists():
        lost = access.without_passwords(store)
        yield of_error(lost, "secure-files", area="configuration", level="warning")
    left = (index.ends - now()) / _DAY_S
    if index.is_valid(now()):
        said = f"certificates are valid for {left:.0f} days"
        yield Finding("certificates", "ok", said, area="configuration")
        return
    expired = not index.begins <= now() < index.ends
    yield Finding(
        "certificates-expire",
        "error" if expired else "warning",
        "The certificates of this cluster are not valid now."
        if expired
        else f"The certificates of this cluster expire in {left:.0f} days.",
        area="configuration",
        cause="A start renews them; brokers read them when they start.",
        fix="invoke kafka.restart",
        exit_code=3,
    )


def readable(exam: Examination) -> Iterator[Finding]:
    """Report private keys and passwords that other users may read."""
    store = SecureStore.of(exam.project)
    if found := store.readable_by_others():
        yield Finding(
            "secret-readable",
            "warning",
            "Other users may read private keys or passwords of this secured cluster.",
            area="configuration",
            evidence=tuple(f"{path}: mode {path.stat().st_mode & 0o777:03o}" for path in found[:5]),
            fix=f'chmod -R go-rwx "{store.root}"',
            exit_code=1,
        )


def open_servers(exam: Examination) -> Iterator[Finding]:
    """Report servers of a secured cluster that ask for no password."""
    if exam.settings.security is None or exam.settings.are_remote:
        return
    for said in roles.open_servers(exam.settings.topology, exam.runtime):
        yield Finding("open-beside-secured", "info", f"{said}.", area="configuration")


def kcat(exam: Examination) -> Iterator[Finding]:
    """Report an installed kcat whose SCRAM log-in Kafka 4 refuses."""
    security = exam.settings.security
    found = shutil.which("kcat")
    if security is None or security.kind != "scram" or found is None:
        return
    if exam.settings.line.kafka.split(".")[0] < "4":
        return
    try:
        said = processes.run([found, "-V"], timeout_s=_KCAT_S).output
    except MachineError:
        return
    match = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", said)
    if match is None or tuple(map(int, match.groups())) >= _KCAT_FROM:
        return
    yield Finding(
        "kcat-scram",
        "warning",
        f"kcat cannot log in to Kafka {exam.settings.line.kafka} by SCRAM.",
        area="configuration",
        cause="Kafka 4 refuses the SCRAM of librdkafka before 2.6.1.",
        evidence=(f"{found}: {match[0]}",),
        fix="invoke kafka.up --secure mtls after invoke kafka.down; or a kcat that is built on "
        "librdkafka 2.6.1 or newer",
        reference="confluentinc/librdkafka#4895",
    )


CHECKS = (
    Check("certificates", "configuration", certificates),
    Check("readable secrets", "configuration", readable),
    Check("open servers", "configuration", open_servers),
    Check("kcat", "configuration", kcat),
)
