"""The choices of a project's last start, for settings that are not set."""

from __future__ import annotations

from typing import Any

from kafka_tasks.model import kafka_line
from kafka_tasks.model.kafka_line import UnknownVersion
from kafka_tasks.model.security import Security
from kafka_tasks.project import restoring, state, written_by
from kafka_tasks.project.directory import Project


def remembered(project: Project) -> dict[str, Any]:
    """Return the project's own choices, for settings that are not set."""
    if (begun := restoring.read(project)) and begun.committed:
        return begun.choices
    record = state.read(project)
    if record is None:
        return _of_data(project)
    return _remembered(record) if record.topology.brokers else {}


def _of_data(project: Project) -> dict[str, Any]:
    """Return how the data of a cluster is secured whose record is lost."""
    kinds = (found.security for _, found in written_by.every(project))
    return next((kind.choices for kind in kinds if isinstance(kind, Security)), {})


def _remembered(record: state.ClusterRecord) -> dict[str, Any]:
    found = record.topology
    choices: dict[str, Any] = {"brokers": len(found.brokers)}
    if record.security:
        choices |= record.security.choices
    if _known(record.version):
        choices["version"] = record.version
    if found.mode:
        choices["recorded_mode"] = found.mode
    if found.voters:
        combined = sum(each.role.serves_clients for each in found.voters)
        choices |= {"controllers": len(found.voters) - combined, "combined": combined}
    return choices


def _known(version: str) -> bool:
    try:
        return bool(kafka_line.of_version(version))
    except UnknownVersion:
        return False
