"""Nox sessions for other people's noxfiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nox

# The cluster is stopped and removed after Ctrl-C; Nox would otherwise kill it after half a second.
_PATIENCE_S = 60.0


def register(
    *,
    runtimes: Sequence[str] = ("embedded",),
    python: str | Sequence[str] | None = None,
    install: Sequence[str] = ("kafka-tasks[embedded]",),
    name: str = "acceptance",
    environ: Callable[[nox.Session, str], Mapping[str, str]] | None = None,
) -> None:
    """Add the acceptance session: start, verify, restart, verify again, stop.

    One session a runtime, `nox -s "acceptance(embedded)"` say. `install` is what pip gets. Each
    writes report.json and junit.xml into the current directory, or with several runtimes into
    `acceptance-RUNTIME/`. `environ` is asked for further variables, by session and runtime; what
    it does first (images to build, say) and whether it skips the session is its own affair.
    """
    import nox

    @nox.session(name=name, python=python)
    @nox.parametrize("runtime", [nox.param(runtime, id=runtime) for runtime in runtimes])
    def acceptance(session: nox.Session, runtime: str) -> None:
        """The acceptance suite, with a cluster of its own and a restart in the middle."""
        session.install(*install)
        further = environ(session, runtime) if environ else {}
        folder = f"acceptance-{runtime}/" if len(runtimes) > 1 else ""
        session.run(
            "python",
            "-m",
            "kafka_tasks.acceptance",
            f"--runtime={runtime}",
            f"--report={folder}report.json",
            f"--junit={folder}junit.xml",
            *session.posargs,
            env=dict(further),
            interrupt_timeout=_PATIENCE_S,
            terminate_timeout=_PATIENCE_S,
        )
