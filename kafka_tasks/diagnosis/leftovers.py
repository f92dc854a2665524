"""Leftovers of crashes and deleted projects, and the permissions of the state directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.model.finding import Finding
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded import process_tags


def _is_corrupt(project: Project) -> bool:
    """Return True for a state file that cannot be read."""
    return (project.state / state.FILE).exists() and state.read(project) is None


def drafts(project: Project) -> list[Path]:
    """Return half-written files, of a killed command or of a running one."""
    run = project.state / "run"
    return sorted([*project.state.glob(f"{state.FILE}.*.new"), *run.glob("*.new")])


def orphans() -> list[processes.Found]:
    """Return kafka-tasks servers on this machine whose project directory was deleted."""
    return [
        found
        for found in processes.find(process_tags.PROJECT_PROPERTY)
        if not _project_of(found).is_dir()
    ]


def _project_of(found: processes.Found) -> Path:
    """Return the project directory in a server's process tag."""
    return next(
        Path(argument.removeprefix(process_tags.PROJECT_PROPERTY))
        for argument in found.arguments
        if argument.startswith(process_tags.PROJECT_PROPERTY)
    )


def records(exam: Examination) -> Iterator[Finding]:
    """Report a corrupt state file, half-written files, and running servers without a record."""
    if _is_corrupt(exam.project):
        yield _finding(
            "state-corrupt",
            "The state file is corrupt.",
            cause="The file was edited or truncated; running servers are found by their tags.",
            evidence=(str(exam.project.state / state.FILE),),
            fix="invoke kafka.doctor --fix, which moves it aside; or invoke kafka.up",
            remedy="state",
        )
    if not exam.held and (left := drafts(exam.project)):
        yield _finding(
            "state-drafts",
            f"Half-written state files: {len(left)}.",
            cause="A command was killed while it wrote them.",
            evidence=tuple(str(path) for path in left[:3]),
            fix="invoke kafka.doctor --fix",
            remedy="drafts",
        )
    if exam.runtime in ("embedded", None) and not exam.held:
        yield from _strays(exam)


def _strays(exam: Examination) -> Iterator[Finding]:
    record = exam.record
    mine = record if record and record.runtime == "embedded" else None
    _, strays = process_tags.with_strays(exam.project.path, mine, "embedded")
    if strays and not _is_corrupt(exam.project):
        yield _finding(
            "stray-processes",
            f"Running, but not recorded: {', '.join(strays)}.",
            cause="A command was killed before it recorded them, or the record is lost.",
            fix="invoke kafka.doctor --fix, which records them; or invoke kafka.down",
            remedy="strays",
        )


def permissions(exam: Examination) -> Iterator[Finding]:
    """Report a state directory that other users can read."""
    folder = exam.project.state
    if not folder.is_dir():
        return
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield _finding(
            "state-readable",
            "Other users can read the state directory.",
            evidence=(f"{folder}: mode {mode:o}",),
            fix=f'chmod 700 "{folder}"',
            remedy="state-mode",
        )
        return
    yield Finding(
        "state", "ok", "only its owner can read the state directory", area="configuration"
    )


def _orphans(_: Examination) -> Iterator[Finding]:
    """Report servers of projects whose directory was deleted."""
    found = orphans()
    if found:
        yield _finding(
            "orphans",
            f"Running servers of deleted projects: {len(found)}.",
            cause="Their directory was deleted while they ran; their data is lost.",
            evidence=tuple(
                f"process {one.identity.pid} of {_project_of(one)}" for one in found[:5]
            ),
            fix="invoke kafka.doctor --fix, which stops them",
            remedy="orphans",
        )


def _finding(id: str, title: str, **more: object) -> Finding:
    return Finding(id, "warning", title, area="configuration", exit_code=1, **more)  # type: ignore[arg-type]


CHECKS = tuple(
    Check(name, "configuration", ask)
    for name, ask in (
        ("records", records),
        ("permissions", permissions),
        ("leftovers", _orphans),
    )
)
