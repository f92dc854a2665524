"""Nox sessions for a project's noxfile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nox

# After Ctrl-C the suite stops and removes its cluster; by default Nox kills it after 0.5 s.
_CLEANUP_S = 60.0


def register(
    *,
    runtimes: Sequence[str] = ("embedded",),
    versions: Sequence[str] = (),
    python: str | Sequence[str] | None = None,
    install: Sequence[str] = ("kafka-tasks[embedded]",),
    name: str = "acceptance",
    environ: Callable[[nox.Session, str], Mapping[str, str]] | None = None,
    tests: Sequence[str] = (),
) -> None:
    """Add the acceptance session: start, verify, restart, verify again, stop.

    There is one session per runtime, `nox -s "acceptance(embedded)"`, with the Kafka version that
    is set; `versions` adds one for each of these, `nox -s "acceptance(embedded-4.4)"`. `install`
    lists what pip installs. Each session writes report.json and junit.xml into the current
    directory, or where there are several into `acceptance-embedded-4.4/` and the like. `environ`
    gets the session and its case (embedded-4.4) and returns further variables; it may build images
    first, or skip the session.
    """
    import nox

    cases = [*runtimes, *(f"{runtime}-{version}" for version in versions for runtime in runtimes)]

    def surroundings(session: nox.Session, case: str) -> dict[str, str]:
        _, version = _parts(case)
        further = {"KAFKA_TASKS_VERSION": version} if version else {}
        return {**further, **(environ(session, case) if environ else {})}

    @nox.session(name=name, python=python)
    @nox.parametrize("case", [nox.param(case, id=case) for case in cases])
    def acceptance(session: nox.Session, case: str) -> None:
        """Run the acceptance suite on a cluster of its own, with a restart in the middle."""
        session.install(*install)
        runtime, _ = _parts(case)
        folder = f"acceptance-{case}/" if len(cases) > 1 else ""
        session.run(
            "python",
            "-m",
            "kafka_tasks.acceptance",
            f"--runtime={runtime}",
            f"--report={folder}report.json",
            f"--junit={folder}junit.xml",
            *session.posargs,
            env=surroundings(session, case),
            interrupt_timeout=_CLEANUP_S,
            terminate_timeout=_CLEANUP_S,
        )

    if not tests:
        return

    @nox.session(python=python)
    @nox.parametrize("case", [nox.param(case, id=case) for case in cases])
    def kafka_tests(session: nox.Session, case: str) -> None:
        """Run the project's own tests that use Kafka, on a cluster of their own."""
        session.install(*install)
        runtime, _ = _parts(case)
        session.run(
            "pytest",
            *tests,
            *session.posargs,
            env={"KAFKA_TASKS_RUNTIME": runtime, **surroundings(session, case)},
            interrupt_timeout=_CLEANUP_S,
            terminate_timeout=_CLEANUP_S,
        )


def _parts(case: str) -> tuple[str, str]:
    """Return the runtime and the version of a case; of the version that is set, nothing."""
    runtime, _, version = case.partition("-")
    return runtime, version
