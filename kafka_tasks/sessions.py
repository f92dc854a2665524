"""Nox sessions for a project's noxfile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nox

# After Ctrl-C the suite stops and removes its cluster; by default Nox kills it after 0.5 s.
_CLEANUP_S = 60.0
# Behind `--`: the cases that are left to a release, too.
_FULL = "--full"


def register(
    *,
    runtimes: Sequence[str] = ("embedded",),
    versions: Sequence[str] = (),
    secure: Sequence[str] = (),
    release: Sequence[str] = (),
    python: str | Sequence[str] | None = None,
    install: Sequence[str] = ("kafka-tasks[embedded]",),
    name: str = "acceptance",
    environ: Callable[[nox.Session, str], Mapping[str, str]] | None = None,
    tests: Sequence[str] = (),
) -> None:
    """Add the acceptance session: start, verify, restart, verify again, stop.

    There is one session per runtime, `nox -s "acceptance(embedded)"`, with the Kafka version that
    is set; `versions` adds one for each of these, `nox -s "acceptance(embedded-4.4)"`, and `secure`
    secured clusters of these kinds, with an authorizer: `nox -s "acceptance(embedded-4.4-scram)"`.
    The sessions of the cases in `release` run with `-- --full` alone. `install` lists what pip
    installs. Each session writes report.json and junit.xml into the current directory, or where
    there are several into `acceptance-embedded-4.4/` and the like. `environ` gets the session and
    its case (embedded-4.4) and returns further variables; it may build images first, or skip the
    session.
    """
    import nox

    cases = [*runtimes, *(f"{runtime}-{version}" for version in versions for runtime in runtimes)]
    if "embedded" in runtimes:
        plain = [case for case in cases if case.partition("-")[0] == "embedded"]
        cases += [f"{case}-{kind}" for kind in secure for case in plain]

    def prepare(session: nox.Session, case: str) -> dict[str, str]:
        if case in release and _FULL not in session.posargs:
            session.skip(f"it runs before a release: -- {_FULL}")
        session.install(*install)
        return {**_settings(case, secure), **(environ(session, case) if environ else {})}

    @nox.session(name=name, python=python)
    @nox.parametrize("case", [nox.param(case, id=case) for case in cases])
    def acceptance(session: nox.Session, case: str) -> None:
        """Run the acceptance suite on a cluster of its own, with a restart in the middle."""
        environment = prepare(session, case)
        folder = f"acceptance-{case}/" if len(cases) > 1 else ""
        session.run(
            "python",
            "-m",
            "kafka_tasks.acceptance",
            f"--runtime={case.partition('-')[0]}",
            f"--report={folder}report.json",
            f"--junit={folder}junit.xml",
            *_further(session),
            env=environment,
            interrupt_timeout=_CLEANUP_S,
            terminate_timeout=_CLEANUP_S,
        )

    if not tests:
        return

    @nox.session(python=python)
    @nox.parametrize("case", [nox.param(case, id=case) for case in cases])
    def kafka_tests(session: nox.Session, case: str) -> None:
        """Run the project's own tests that use Kafka, on a cluster of their own."""
        environment = prepare(session, case)
        session.run(
            "pytest",
            *tests,
            *_further(session),
            env={"KAFKA_TASKS_RUNTIME": case.partition("-")[0], **environment},
            interrupt_timeout=_CLEANUP_S,
            terminate_timeout=_CLEANUP_S,
        )


def _further(session: nox.Session) -> list[str]:
    """Return what was typed behind `--` for the command of a session."""
    return [argument for argument in session.posargs if argument != _FULL]


def _settings(case: str, kinds: Sequence[str]) -> dict[str, str]:
    """Return the settings that a case names behind its runtime: a version, a kind of log-in."""
    found: dict[str, str] = {}
    for part in case.split("-")[1:]:
        if part in kinds:
            found |= {"KAFKA_TASKS_SECURE": part, "KAFKA_TASKS_ACL": str(part != "tls").lower()}
        else:
            found["KAFKA_TASKS_VERSION"] = part
    return found
