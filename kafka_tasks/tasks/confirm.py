"""Before data is deleted: a question, --yes, and on a remote cluster --cluster-id."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.session import Session


def require_yes(call: Call, question: list[str], *, yes: bool) -> None:
    """Ask at a terminal unless `yes`; raises `Refused` without an answer or without a terminal."""
    if yes:
        return
    from kafka_tasks.errors import Refused
    from kafka_tasks.tasks.repeated import repeated

    hint = repeated(call, yes=True)
    if sys.stdin is None or not sys.stdin.isatty():
        raise Refused(f"{question[0]} Not confirmed: stdin is not a terminal.", hint=hint)
    from kafka_tasks.render.printable import printable

    settings = call.settings(call.project())
    context = settings.remote
    if context is not None:
        where = ",".join(map(str, settings.bootstrap_servers or ()))
        question = [f"Context {context.name}: {where}", *question]
    name = context.name if context is not None and context.asks_name else None
    prompt = "Continue? [y/N] " if name is None else f"Type {name} to continue: "
    print(printable("\n".join(question)), file=sys.stderr)
    print(prompt, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if not (answer.lower() in ("y", "yes") if name is None else answer == name):
        raise Refused("Not confirmed; nothing was changed.", hint=hint)


def require_cluster_id(
    call: Call,
    session: Session,
    admin: Admin,
    given: str | None,
    *,
    doing: str = "deleting on it",
) -> None:
    """Raise `Refused` for another cluster's id, and for none on a remote cluster."""
    from kafka_tasks.errors import Refused
    from kafka_tasks.tasks.repeated import repeated

    actual = admin.view().cluster_id
    if given is not None and given != actual:
        raise Refused(
            f"--cluster-id is {given}, but this cluster is {actual}.",
            hint="invoke kafka.config shows which cluster the settings name",
        )
    if given is None and not session.is_local:
        raise Refused(
            f"This is the remote cluster {actual}; {doing} needs --cluster-id.",
            hint=repeated(call, cluster_id=actual),
        )


def require_cluster(
    call: Call, session: Session, admin: Admin, given: str | None, settings: Iterable[str]
) -> None:
    """Require the cluster's id for changes of these settings, which may delete records."""
    names = ", ".join(settings)
    if names or given is not None:
        doing = f"this change of {names} may delete records, and" if names else "a change"
        require_cluster_id(call, session, admin, given, doing=doing)
