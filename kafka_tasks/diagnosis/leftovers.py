"""What crashes and deleted projects leave behind, and who may read the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.model.finding import Finding
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded import process_tags


def corrupt_record(project: Project) -> bool:
    """Whether there is a state file that cannot be read as one."""
    return (project.state / state.FILE).exists() and state.read(project) is None


def drafts(project: Project) -> list[Path]:
    """Files that a killed command was writing, or that one is writing just now."""
    run = project.state / "run"
    return sorted([*project.state.glob(f"{state.FILE}.*.new"), *run.glob("*.new")])


def orphans() -> list[processes.Found]:
    """Servers of ours, anywhere on this machine, whose project directory is gone."""
    return [
        found
        for found in processes.find(process_tags.PROJECT_PROPERTY)
        if not owner(found).is_dir()
    ]


def owner(found: processes.Found) -> Path:
    """The project directory that a server's mark names."""
    return next(
        Path(argument.removeprefix(process_tags.PROJECT_PROPERTY))
        for argument in found.arguments
        if argument.startswith(process_tags.PROJECT_PROPERTY)
    )


def records(exam: Examination) -> Iterator[Finding]:
    """The state file, half-written files beside it, and running servers that it lacks."""
    if corrupt_record(exam.project):
        yield _finding(
            "state-corrupt",
            "The state file cannot be read.",
            cause="It was edited or cut off; running servers are found by their marks.",
            evidence=(str(exam.project.state / state.FILE),),
            fix="invoke kafka.doctor --fix, which moves it aside; or invoke kafka.up",
            remedy="state",
        )
    if not exam.held and (left := drafts(exam.project)):
        yield _finding(
            "state-drafts",
            f"Half-written state files were left behind: {len(left)}.",
            cause="A command was killed while it wrote them.",
            evidence=tuple(str(path) for path in left[:3]),
            fix="invoke kafka.doctor --fix",
            remedy="drafts",
        )
    if exam.runtime in ("embedded", None) and not exam.held:
        record = exam.record
        mine = record if record and record.runtime == "embedded" else None
        _, strays = process_tags.with_strays(exam.project.path, mine, "embedded")
        if strays and not corrupt_record(exam.project):
            yield _finding(
                "stray-processes",
                f"Running, and not recorded: {', '.join(strays)}.",
                cause="A command was killed before it wrote them down, or the record is lost.",
                fix="invoke kafka.doctor --fix, which records them; or invoke kafka.down",
                remedy="strays",
            )


def permissions(exam: Examination) -> Iterator[Finding]:
    """Who may read the state directory."""
    folder = exam.project.state
    if not folder.is_dir():
        return
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield _finding(
            "state-readable",
            "Others on this machine may read the state directory.",
            evidence=(f"{folder}: mode {mode:o}",),
            fix=f'chmod 700 "{folder}"',
            remedy="state-mode",
        )
        return
    yield Finding("state", "ok", "the state is readable by its owner alone", area="configuration")


def abandoned(_case: Examination) -> Iterator[Finding]:
    """Servers of projects whose directory was deleted."""
    found = orphans()
    if found:
        yield _finding(
            "orphans",
            f"Servers of deleted projects are running: {len(found)}.",
            cause="Their directory was removed while they ran; nothing can use their data.",
            evidence=tuple(f"process {one.identity.pid} of {owner(one)}" for one in found[:5]),
            fix="invoke kafka.doctor --fix, which ends them",
            remedy="orphans",
        )


def _finding(id: str, title: str, **more: object) -> Finding:
    return Finding(id, "warning", title, area="configuration", exit_code=1, **more)  # type: ignore[arg-type]


CHECKS = tuple(
    Check(name, "configuration", ask)
    for name, ask in (
        ("records", records),
        ("permissions", permissions),
        ("leftovers", abandoned),
    )
)
