"""What a node's data directory says about itself: `meta.properties` and the voters it knew."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.topology import Service, Topology

META = "meta.properties"
# The version in `meta.properties` is the mode in which it was written.
_MODES: dict[str, Mode] = {"0": "zookeeper", "1": "kraft"}
VOTERS = Path("__cluster_metadata-0", "quorum-state")


class NodeData(Struct, frozen=True):
    """The ids in a data directory; `voters` are those of its last election, if there was one."""

    cluster_id: str | None
    node_id: int | None
    mode: Mode | None
    voters: frozenset[int] | None


def read(directory: Path) -> NodeData | None:
    """Return what a data directory says; None where nothing says anything."""
    try:
        text = (directory / META).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    try:
        state: bytes | None = (directory / VOTERS).read_bytes()
    except OSError:
        state = None
    return parse(text, state)


def parse(meta: str, quorum_state: bytes | None) -> NodeData:
    """Return what the text of `meta.properties` says, and the state of the last election."""
    found = dict(re.findall(r"^([\w.]+)=(.*?)\s*$", meta, re.MULTILINE))
    number = str(found.get("node.id", found.get("broker.id", "")))
    return NodeData(
        cluster_id=found.get("cluster.id") or None,
        node_id=int(number) if number.isdecimal() else None,
        mode=_MODES.get(str(found.get("version"))),
        voters=_voters(quorum_state or b""),
    )


def _voters(quorum_state: bytes) -> frozenset[int] | None:
    try:
        content = json.loads(quorum_state)
        return frozenset(int(each["voterId"]) for each in content["currentVoters"]) or None
    except (ValueError, KeyError, TypeError):
        return None


def require_mode(service: Service, topology: Topology, seen: NodeData, place: str) -> None:
    """Raise `InvalidInput` where a node's data is of another mode."""
    if seen.mode not in (None, topology.mode):
        raise InvalidInput(
            f"The data of {service.name} was written in the mode {seen.mode}, and these settings "
            f"start the mode {topology.mode}.",
            evidence=(f"{place}: {seen.mode}",),
            hint=f"KAFKA_TASKS_MODE={seen.mode} with a version that has it; or "
            "invoke kafka.topic.export; invoke kafka.down --wipe --yes; invoke kafka.up",
        )


def require_fit(service: Service, topology: Topology, seen: NodeData, place: str) -> None:
    """Raise `InvalidInput` where a node's data is of another mode, node or quorum."""
    require_mode(service, topology, seen, place)
    if seen.node_id != service.node_id:
        raise InvalidInput(
            f"The data of {service.name} belongs to node {seen.node_id}, and {service.name} is "
            f"node {service.node_id}.",
            evidence=(f"{place}: node.id={seen.node_id}",),
            hint="bring its own data back, or restore a snapshot: invoke kafka.snapshot.list",
        )
    wanted = frozenset(voter.node_id for voter in topology.voters)
    if seen.voters is not None and seen.voters != wanted:
        raise InvalidInput(
            f"The data of {service.name} has the voters {_numbers(seen.voters)}, and these "
            f"settings have {_numbers(wanted)}: a quorum that is changed so may lose its topics.",
            evidence=(f"{place}: voters {_numbers(seen.voters)}",),
            hint="set KAFKA_TASKS_CONTROLLERS and KAFKA_TASKS_BROKERS as they were; or "
            "invoke kafka.topic.export; invoke kafka.down --wipe --yes; invoke kafka.up",
        )


def require_one_cluster(found: Mapping[str, NodeData], expected: str | None = None) -> None:
    """Raise `InvalidInput` where the data in these places belongs to different clusters.

    Also where it is not the `expected` one, of the last start.
    """
    ids = {name: seen.cluster_id for name, seen in found.items()}
    if len(set(ids.values())) > 1:
        raise InvalidInput(
            "The data of these nodes belongs to different clusters.",
            evidence=[f"{name}: cluster.id={known}" for name, known in ids.items()],
            hint="invoke kafka.snapshot.list shows what can be restored; or "
            "invoke kafka.down --wipe --yes",
        )

    other = {name: known for name, known in ids.items() if expected and known != expected}
    if other:
        raise InvalidInput(
            f"The data belongs to the cluster {next(iter(other.values()))}, and the last start "
            f"here was of the cluster {expected}.",
            evidence=[f"{name}: cluster.id={known}" for name, known in other.items()],
            hint="bring its own data back, or restore a snapshot: invoke kafka.snapshot.list; "
            "invoke kafka.down --wipe --yes deletes the data",
        )


def _numbers(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


def is_empty(directory: Path) -> bool:
    """Return whether no server has left anything in a directory."""
    try:
        return all(path.name == ".lock" for path in directory.iterdir())
    except FileNotFoundError:
        return True


def rendered(cluster_id: str, node_id: int, directory_id: str) -> str:
    """Return the `meta.properties` of a new node in KRaft mode.

    Kafka 3.5 and 3.6 write no directory id, and tolerate one.
    """
    return f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={directory_id}\n"


def new_id() -> str:
    """Return a new id as Kafka writes them: 16 random bytes, in base64 for URLs, unpadded."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode("ascii")
        # Kafka avoids ids that read as a flag on a command line.
        if not text.startswith("-"):
            return text
