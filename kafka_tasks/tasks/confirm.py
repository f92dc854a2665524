"""Before data is deleted: a question, --yes, and on a remote cluster --cluster-id."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.settings.contexts import Context


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
    call.tell(settings)
    print(printable("\n".join(question)), file=sys.stderr)
    print(_prompt(context), end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    by_name = context is not None and answer == context.name
    if not (by_name if context and context.asks_name else answer.lower() in ("y", "yes")):
        raise Refused("Not confirmed; nothing was changed.", hint=hint)


def _prompt(context: Context | None) -> str:
    if context is None:
        return "Continue? [y/N] "
    from kafka_tasks.tasks.terminal import in_color

    name = in_color(context.name, context.color, sys.stderr)
    return f"Type {name} to continue: " if context.asks_name else f"Continue on {name}? [y/N] "


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
