"""What lies in `secure/`, after something else wrote over it."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import KINDS, Security
from kafka_tasks.model.topology import kraft_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import access, issuing, snapshot_files
from kafka_tasks.runtimes.secure.store import SecureStore, checksum
from tests.fuzz.conftest import Room
from tests.fuzz.judging import Campaign, Case
from tests.fuzz.mutations import damaged, twisted


def test_secure_files(fuzz: Campaign, room: Room) -> None:
    """What a start makes of them: a sentence, or certificates and users; nothing is elsewhere."""
    project = Project(room.project)
    project.make_state()
    store = SecureStore.of(project)
    issuing.ensure(store, Security("mtls"))
    whole = {str(path.relative_to(store.root)): path.read_bytes() for path in _below(store.root)}

    def make(rng: random.Random) -> Case:
        name, security = rng.choice(sorted(whole)), Security(rng.choice(KINDS))
        kind, given = _changed(rng, name, whole)
        shutil.rmtree(store.root)
        for each, content in {**whole, **given}.items():
            if content is not None:
                _put(store.root / each, content)

        def act() -> object:
            issuing.ensure(store, security)
            topology = replace(kraft_cluster(1), security=security)
            cluster = Cluster(project.path, "embedded", topology, (), 1)
            found = store.passwords()
            for user in found.users if found else ():
                access.as_user(cluster, user)
            return [file.name for file in snapshot_files.files(project)]

        return Case((security.kind, given), act, kind)

    fuzz.run("hostile files of secure/", 0.005, make, room.root)


def _changed(
    rng: random.Random, name: str, whole: dict[str, bytes]
) -> tuple[str, dict[str, bytes | None]]:
    """Return what is wrong in a word, and the files that are so, some listed in the index."""
    if rng.random() < 0.1:
        return "missing", {name: None}
    content = whole[name]
    if name.endswith(".json") and rng.random() < 0.7:
        return f"twisted {name}", {name: twisted(rng, json.loads(content))}
    other = damaged(rng, content, tuple(whole.values()))
    if rng.random() < 0.5:
        return "damaged", {name: other}
    index = json.loads(whole["index.json"])
    index["files"][name] = checksum(other)
    index["hosts"] = []
    return "listed", {name: other, "index.json": json.dumps(index).encode()}


def _below(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file()]


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)
