"""The format step of KRaft: what a node's data directory has in it before its first start.

`kafka-storage format` takes half a second and writes, besides the ids, a checkpoint that is the
same for every node of one Kafka version. It is made once by the real tool and kept in the cache.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from kafka_tasks.clients import processes
from kafka_tasks.clients.maven import sha256
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project import json_files, private
from kafka_tasks.project.directory import unwritable
from kafka_tasks.runtimes import node_data
from kafka_tasks.runtimes.embedded import class_archive, known_topics
from kafka_tasks.runtimes.embedded.class_archive import Archives
from kafka_tasks.runtimes.embedded.properties import render
from kafka_tasks.runtimes.node_data import META, NodeData

_SUMS = "sums.json"
_TIMEOUT_S = 60.0


def check(data: Path, topology: Topology, cluster_id: str | None = None) -> dict[str, NodeData]:
    """Return what each node's data says; raises `InvalidInput` where it cannot be started.

    `cluster_id` is what the last start recorded.
    """
    found = {}
    for service in topology.voters and topology:
        directory = data / service.name
        seen = node_data.read(directory)
        if seen is not None:
            node_data.require_fit(service, topology, seen, place=f"data/{service.name}/{META}")
            found[service.name] = seen
        elif not node_data.is_empty(directory):
            raise InvalidInput(
                f"The data of {service.name} has no {META}, which says whose it is.",
                evidence=(f"{directory}: {len(list(directory.iterdir()))} entries, no {META}",),
                hint="bring the file back, or restore a snapshot: invoke kafka.snapshot.list; "
                "invoke kafka.down --wipe --yes deletes the data",
            )
    places = {f"data/{name}/{META}": seen for name, seen in found.items()}
    node_data.require_one_cluster(places, cluster_id)
    if topology.voters:
        known_topics.require_known(data, topology)
    return found


class Storage(Struct, frozen=True):
    """The data directories of one project, and the cache that has the checkpoints."""

    data: Path
    cache: Path
    archives: Archives
    kafka: str

    def format(self, topology: Topology, seen: Mapping[str, NodeData]) -> str | None:
        """Give every node without data its ids and the checkpoint; in ZooKeeper mode, nothing.

        Returns the cluster id that the nodes have. Raises `MachineError` where Kafka's own tool
        fails.
        """
        fresh = [each for each in topology.voters and topology if each.name not in seen]
        known = next((each.cluster_id for each in seen.values() if each.cluster_id), None)
        if not fresh:
            return known
        cluster_id = known or node_data.new_id()
        template = self._template()
        for service in fresh:
            self._lay_out(service, cluster_id, template)
        return cluster_id

    def _lay_out(self, service: Service, cluster_id: str, template: Mapping[str, bytes]) -> None:
        """Write a node's files beside its place, and rename them into it in one step."""
        draft, final = self.data / f".{service.name}.new", self.data / service.name
        try:
            shutil.rmtree(draft, ignore_errors=True)
            for name, content in template.items():
                _write(draft / name, content)
            text = node_data.rendered(cluster_id, service.node_id, node_data.new_id())
            _write(draft / META, text.encode("ascii"))
            if final.is_dir():
                (final / ".lock").unlink(missing_ok=True)
            os.replace(draft, final)
        except OSError as error:
            raise unwritable(self.data, error) from error

    def _template(self) -> dict[str, bytes]:
        """Return the files of this Kafka version's checkpoint, made by its tool if need be."""
        place = self.cache / "formats" / f"kafka-{self.kafka}"
        if (kept := _kept(place)) is not None:
            return kept
        with tempfile.TemporaryDirectory(prefix="kafka-tasks-format-") as scratch:
            made = self._made(Path(scratch))
        with contextlib.suppress(OSError):
            _keep(place, made)
        return made

    def _made(self, scratch: Path) -> dict[str, bytes]:
        config = scratch / "node.properties"
        config.write_text(render(_SAMPLE), encoding="ascii")
        done = processes.run(
            [
                str(self.archives.java.executable),
                *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                *("-cp", os.pathsep.join(map(str, self.archives.class_path))),
                *("kafka.tools.StorageTool", "format", "-t", node_data.new_id(), "-c", str(config)),
            ],
            timeout_s=_TIMEOUT_S,
            cwd=scratch,
            environ=class_archive.java_environment(),
        )
        data = scratch / "data"
        if done.code or not (data / META).exists():
            raise MachineError(
                f"Kafka's storage tool could not format a data directory (exit code {done.code}).",
                evidence=done.output.strip().splitlines()[-5:],
                hint="invoke kafka.doctor",
            )
        paths = (path for path in sorted(data.rglob("*")) if path.is_file() and path.name != META)
        return {path.relative_to(data).as_posix(): path.read_bytes() for path in paths}


# Roles, ids and ports do not show in the checkpoint.
_SAMPLE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:19093",
    "controller.listener.names": "CONTROLLER",
    "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19093",
    "advertised.listeners": "PLAINTEXT://127.0.0.1:9092",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "log.dirs": "./data",
}


def _kept(place: Path) -> dict[str, bytes] | None:
    """Return the files of a checkpoint as they were made; None where one is missing or damaged."""
    sums = json_files.recall(place / _SUMS, dict[str, str])
    if not sums:
        return None
    found = {}
    for name, expected in sums.items():
        path = place / name
        if ".." in Path(name).parts or Path(name).is_absolute() or not path.is_file():
            return None
        if sha256(path) != expected:
            return None
        found[name] = path.read_bytes()
    return found


def _keep(place: Path, made: Mapping[str, bytes]) -> None:
    """Put the files in their place; the sums come last, and in one step."""
    sums = {}
    for name, content in made.items():
        draft = place / f"{name}.{os.getpid()}.draft"
        _write(draft, content)
        sums[name] = sha256(draft)
        os.replace(draft, place / name)
    draft = place / f"{_SUMS}.{os.getpid()}.draft"
    _write(draft, msgspec.json.encode(sums))
    os.replace(draft, place / _SUMS)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=private.DIRECTORY_MODE, parents=True, exist_ok=True)
    private.write(path, content)
