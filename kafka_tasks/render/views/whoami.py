"""Who the user of a connection is, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kafka_tasks.model.access import Resource, every_right
from kafka_tasks.model.client_names import OAUTHBEARER
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import pairs, table


@dataclass(frozen=True, slots=True)
class Identity:
    """How a connection logs in, and its rights on each resource that it sees.

    `principal` is None for a certificate or a token on a remote cluster: its brokers may map the
    subject to another name. `is_super` is known of a secured cluster that is started here.
    """

    cluster_id: str | None
    log_in: str
    principal: str | None
    has_authorizer: bool
    rights: Mapping[Resource, tuple[str, ...]]
    is_super: bool = False


def document(found: Identity) -> Document:
    """Return principal, log-in, and the rights by resource."""
    return {
        "schema": SCHEMA,
        "cluster_id": found.cluster_id,
        "principal": found.principal,
        "super_user": found.is_super,
        "log_in": found.log_in,
        "authorizer": found.has_authorizer,
        "resources": [
            {"resource": each.kind, "name": each.name, "rights": list(rights)}
            for each, rights in found.rights.items()
        ],
    }


def text(found: Identity, *, width: int) -> str:
    """Return who it is, and a row for resources with the same rights."""
    head = pairs(
        [
            (
                "principal",
                _principal(found),
            ),
            ("log-in", found.log_in),
            ("cluster", found.cluster_id),
        ]
    )
    if not found.has_authorizer:
        return f"{head}\n\nThe cluster has no authorizer: every client may do everything."
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for resource, rights in found.rights.items():
        rows.setdefault((resource.kind, rights), []).append(resource.pattern)
    lines = [(kind, _said(kind, held), ", ".join(names)) for (kind, held), names in rows.items()]
    return f"{head}\n\n" + table(["resource", "rights", "name"], lines, width=width)


def _principal(found: Identity) -> str:
    if found.principal is None:
        source = "token" if found.log_in.startswith(OAUTHBEARER) else "certificate"
        return f"not known: brokers derive it from the {source}"
    limit = ", a super user: the brokers permit it everything" if found.is_super else ""
    return f"{found.principal}{limit}"


def _said(kind: str, rights: tuple[str, ...]) -> str:
    if set(every_right(kind)) <= set(rights):
        return "all"
    return ", ".join(rights) or "none"
