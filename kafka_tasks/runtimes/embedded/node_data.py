"""What a node's data directory says about itself: `meta.properties` and the voters it knew."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

META = "meta.properties"
_VOTERS = Path("__cluster_metadata-0", "quorum-state")


@dataclass(frozen=True, slots=True)
class NodeData:
    """The ids in a data directory; `voters` are those of its last election, if there was one."""

    cluster_id: str | None
    node_id: int | None
    is_kraft: bool
    voters: frozenset[int] | None


def read(directory: Path) -> NodeData | None:
    """Return what a data directory says; None where nothing says anything."""
    try:
        text = (directory / META).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = dict(re.findall(r"^([\w.]+)=(.*?)\s*$", text, re.MULTILINE))
    number = str(found.get("node.id", found.get("broker.id", "")))
    return NodeData(
        cluster_id=found.get("cluster.id") or None,
        node_id=int(number) if number.isdecimal() else None,
        # Version 0 is a broker's that registers with ZooKeeper.
        is_kraft=found.get("version") == "1",
        voters=_voters(directory / _VOTERS),
    )


def _voters(path: Path) -> frozenset[int] | None:
    try:
        content = json.loads(path.read_bytes())
        return frozenset(int(each["voterId"]) for each in content["currentVoters"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
