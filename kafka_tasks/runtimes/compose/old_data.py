"""The data that a project's volumes have already: whose it is, and whether it fits a start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kafka_tasks.clients.container import Container
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import node_data, roles
from kafka_tasks.runtimes.node_data import META, VOTERS, NodeData

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine


def cluster_id(
    engine: Engine | None,
    containers: Mapping[str, Container],
    topology: Topology,
    before: ClusterRecord | None,
    new_id: str,
) -> str | None:
    """Return the id that nodes without data are formatted with; None in ZooKeeper mode.

    It is that of the data, else the one recorded or set before, else `new_id`.
    """
    if not topology.voters:
        return None
    nodes = _of_nodes(engine, containers, topology) if engine else ()
    for _, seen in nodes:
        if seen.cluster_id:
            return seen.cluster_id
    recorded = before.cluster_id if before else None
    told = (found.environment.get("CLUSTER_ID") for found in containers.values())
    return recorded or next(filter(None, told), None) or new_id


def require_fit(
    engine: Engine, containers: Mapping[str, Container], topology: Topology, *, packaged: bool
) -> None:
    """Raise `InvalidInput` where the volumes have the data of another mode, node or quorum.

    Node ids and voters are those of our file alone; in another one they may be any.
    """
    found = {}
    require = node_data.require_fit if packaged else node_data.require_mode
    for service, seen in _of_nodes(engine, containers, topology):
        place = f"volume of {service.name}: {META}"
        require(service, topology, seen, place)
        found[place] = seen
    node_data.require_one_cluster(found)


def require_same_quorum(before: ClusterRecord, planned: Topology) -> None:
    """Raise `InvalidInput` where volumes without a container were written by another quorum."""
    first = planned.brokers[0]
    voters = frozenset(voter.node_id for voter in before.topology.voters)
    seen = NodeData(before.cluster_id, first.node_id, before.topology.mode, voters or None)
    node_data.require_fit(first, planned, seen, "the record of the last start")


def _of_nodes(
    engine: Engine, containers: Mapping[str, Container], topology: Topology
) -> Iterator[tuple[Service, NodeData]]:
    """Yield what the volumes of brokers and controllers say, through their containers."""
    for service in topology:
        container = containers.get(service.name)
        image = roles.of(service.role).container
        if container is None or image.directory_variable is None:
            continue
        moved = container.environment.get(image.directory_variable, image.data[0])
        directory = moved.partition(",")[0]
        meta = engine.read_file(container.id, f"{directory}/{META}")
        if meta is not None:
            state = engine.read_file(container.id, f"{directory}/{VOTERS}")
            yield service, node_data.parse(meta.decode("utf-8", "replace"), state)
