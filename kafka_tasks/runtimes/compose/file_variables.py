"""The variables of the packaged Compose files, by settings and topology."""

from __future__ import annotations

from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles.broker import offsets_partitions
from kafka_tasks.settings import PREFIX, Settings

# The port of the listener for controllers, inside each container.
CONTROLLER_PORT = 29093
# A check takes 0.05 s from a start, which does not wait for it; by hand, Compose's --wait does.
_CHECK_START_INTERVAL = "2s"


def of(
    settings: Settings, topology: Topology, project: str, cluster_id: str | None = None
) -> dict[str, str]:
    """Return what Compose puts into the file; none of it reaches a container by itself."""
    replicas = min(3, len(topology.brokers))
    found = {
        PREFIX + "VERSION": settings.version,
        PREFIX + "LAUNCH": _launch(settings, topology),
        PREFIX + "NETWORK": settings.network or f"kafka-tasks-{project}",
        PREFIX + "NETWORK_EXTERNAL": "true" if settings.network_external else "false",
        "INTERNAL_REPLICATION_FACTOR": str(replicas),
        "INTERNAL_MIN_ISR": str(max(1, replicas - 1)),
        "OFFSETS_PARTITIONS": str(offsets_partitions(topology)),
        "CHECK_START_INTERVAL": _CHECK_START_INTERVAL,
        **_of_quorum(topology, cluster_id),
    }
    for service in topology:
        recipe = roles.of(service.role)
        image = recipe.container.image_setting
        found[PREFIX + image.upper()] = str(getattr(settings, image))
        kind = "BROKER" if service.role.serves_clients else service.role.upper()
        first = service.number == 1
        port = recipe.port_variable if first else f"{kind}_{service.number}_PORT"
        # Without a port, as before a first start, the file's own default counts, and not the word
        # auto, which Compose would read in .env.
        if service.port is not None or first:
            found[port] = str(service.port or "")
    return found


def _launch(settings: Settings, topology: Topology) -> str:
    """Return how servers start; a listener with TLS is no reason for the images' own start."""
    is_direct = settings.launch == "direct"
    return "secured" if is_direct and topology.security is not None else settings.launch


def _of_quorum(topology: Topology, cluster_id: str | None) -> dict[str, str]:
    """Return the variables of KRaft mode: the voters, and which nodes are among them."""
    voters = topology.voters
    if not voters:
        return {}
    combined = [voter for voter in voters if voter.role.serves_clients]
    found = {
        "QUORUM_VOTERS": ",".join(f"{v.node_id}@{v.name}:{CONTROLLER_PORT}" for v in voters),
        "COMBINED_3": "yes" if len(combined) > 1 else "",
        **({} if combined else {"COMBINED_1": ""}),
        **({"CLUSTER_ID": cluster_id} if cluster_id else {}),
    }
    for number, voter in enumerate(voters, start=1):
        port = PREFIX + "CONTROLLER_PORT" if number == 1 else f"CONTROLLER_{number}_PORT"
        if voter.quorum_port is not None or number == 1:
            found[port] = str(voter.quorum_port or "")
    return found
