"""Who the user of this connection is, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.model.cluster import Cluster


@task(help=ANSWERS)
def whoami(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """Show the user of this connection, and what it may do."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import authorized
    from kafka_tasks.model.security import super_users
    from kafka_tasks.render.views import whoami as view

    with connected(call) as (_, cluster, admin):
        log_in, principal = _identity(cluster)
        identity = view.Identity(
            admin.view().cluster_id,
            log_in,
            principal,
            _has_authorizer(admin),
            authorized.rights(admin),
            cluster.topology.security is not None and principal in super_users(),
        )
    return shown(identity, view)


def _identity(cluster: Cluster) -> tuple[str, str | None]:
    """Return how the connection logs in, and its principal where that is certain."""
    from kafka_tasks.model.client_names import OAUTHBEARER
    from kafka_tasks.model.security import TOOL

    client = cluster.client
    protocol = client.get("security.protocol", "PLAINTEXT").upper()
    if protocol.startswith("SASL"):
        mechanism = client.get("sasl.mechanism", "GSSAPI")
        if mechanism == OAUTHBEARER:
            return f"{mechanism} over {protocol}{_of_token(cluster)}", None
        user = client.get("sasl.username")
        return f"{mechanism} over {protocol}", f"User:{user}" if user else None
    if protocol == "SSL" and (path := client.get("ssl.certificate.location")):
        own = cluster.topology.security is not None
        return f"certificate {path}", f"User:CN={TOOL}" if own else None
    return f"none ({protocol})", "User:ANONYMOUS"


def _of_token(cluster: Cluster) -> str:
    """Return for whom the token of a connection is, as far as that is known."""
    from kafka_tasks.clients.kafka import token_source
    from kafka_tasks.model.client_names import CLIENT_ID

    if (client_id := cluster.client.get(CLIENT_ID)) is not None:
        return f", client {client_id}"
    source = token_source.of(cluster)
    latest = source.latest if source else None
    return f", token of {latest.subject}" if latest and latest.subject else ""


def _has_authorizer(admin: Admin) -> bool:
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.errors import NoAuthorizer, NotPermitted

    try:
        acls.rules(admin)
    except NoAuthorizer:
        return False
    except NotPermitted:
        return True
    return True
