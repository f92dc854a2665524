"""Snapshots that were carried about, cut, patched and packed anew."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Iterator

import msgspec

from kafka_tasks.model.data_files import DataFile
from kafka_tasks.project import restoring
from kafka_tasks.project.directory import Project
from kafka_tasks.render.views import snapshots
from kafka_tasks.snapshots import snapshot_file
from kafka_tasks.snapshots.manifest import Damaged
from tests.fuzz.conftest import Room
from tests.fuzz.judging import Campaign, Case
from tests.fuzz.mutations import damaged, twisted

_CONTENT = {
    "zookeeper/version-2/snapshot.0": b"snap",
    "kafka/meta.properties": b"#\nversion=0\nbroker.id=1\ncluster.id=the-id\n",
    f"kafka/{'t' * 200}-0/00000000000000000000.log": b"records" * 100,
}
_SAID = {
    "name": "base",
    "taken_at": 1_700_000_000.5,
    "version": "7.9.6",
    "kafka_version": "3.9.1",
    "runtime": "embedded",
    "brokers": 1,
    "broker_ids": {"kafka": 1},
    "cluster_id": "the-id",
}
_RESTORING = {"schema": 1, "name": "base", "runtime": "embedded", "brokers": 1, "committed": False}


def _files() -> Iterator[DataFile]:
    for name, data in _CONTENT.items():
        yield DataFile(name, len(data), 1_700_000_000, [data])


def test_snapshots(fuzz: Campaign, room: Room) -> None:
    """Whole or damaged, and shown either way; so is the note about a restore."""
    path = room.project / "base.snapshot"
    whole = snapshot_file.write(path, _files(), lambda _: _SAID)
    content = path.read_bytes()
    manifest, body = msgspec.to_builtins(whole.manifest), content[whole.body_at :]
    project = Project(room.project)
    project.make_state()

    def make(rng: random.Random) -> Case:
        if rng.random() < 0.5:
            given = damaged(rng, content, (body,))
            path.write_bytes(given)
        else:
            given = twisted(rng, manifest)
            path.write_bytes(_packed(given) + body)
        note = twisted(rng, _RESTORING)
        (project.state / restoring.FILE).write_bytes(note)

        def act() -> object:
            restoring.read(project)
            try:
                found = snapshot_file.read(path)
                snapshots.document([found.seen()])
                snapshots.text([found.seen()], width=80)
                return [b"".join(file.chunks) for file in snapshot_file.files(found)]
            except Damaged as error:
                return str(error)

        return Case((given, note), act)

    fuzz.run("snapshots", 0.02, make, room.root)


def _packed(manifest: bytes) -> bytes:
    """As `archive` packs a manifest, whatever stands in it."""

    with io.BytesIO() as packed:
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as out:
            info = tarfile.TarInfo(snapshot_file.MANIFEST)
            info.size = len(manifest)
            out.write(info.tobuf(tarfile.GNU_FORMAT))
            out.write(manifest + bytes(-len(manifest) % tarfile.BLOCKSIZE))
        return packed.getvalue()
