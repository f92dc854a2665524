from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import MachineError
from kafka_tasks.model.data_files import DataFile, as_tar
from kafka_tasks.snapshots import snapshot_file
from kafka_tasks.snapshots.manifest import Damaged
from kafka_tasks.snapshots.snapshot_file import Snapshot
from tests.unit.snapshots.conftest import CONTENT, META, content_of, described, files


def test_what_goes_in_comes_out(snapshot: Snapshot) -> None:
    """Names, bytes and times are the same, empty files and long names too."""
    again = snapshot_file.read(snapshot.path)
    assert again == snapshot
    assert content_of(again) == CONTENT
    assert {file.modified_s for file in _drained(again)} == {1_700_000_000}


def _drained(snapshot: Snapshot) -> list[DataFile]:
    return [file for file in snapshot_file.files(snapshot) if b"".join(file.chunks) is not None]


def test_tar_unpacks_it(snapshot: Snapshot, tmp_path: Path) -> None:
    """It is one tar for whoever has no kafka-tasks, the manifest first."""
    with tarfile.open(snapshot.path) as tar:
        assert tar.getnames() == ["manifest.json", *CONTENT]
        tar.extractall(tmp_path / "by-hand", filter="data")
    assert (tmp_path / "by-hand" / "kafka" / "meta.properties").read_bytes() == META


def test_it_is_private_and_alone(snapshot: Snapshot) -> None:
    """Only its owner can read it, and no draft stays behind."""
    assert snapshot.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in snapshot.path.parent.glob("*base*")] == ["base.tar.gz"]


def test_meta_properties_are_looked_at(tmp_path: Path) -> None:
    """The manifest is described by what each broker wrote about itself."""
    given: list[dict[str, bytes]] = []

    def describe(metas: Any) -> Any:
        given.append(metas)
        return described()

    snapshot_file.write(tmp_path / "x.tar.gz", files(CONTENT), describe)
    assert given == [{"kafka": META}]


def test_a_failure_leaves_what_was_there(snapshot: Snapshot) -> None:
    """An error in the middle removes the drafts and keeps the older snapshot."""
    before = snapshot.path.read_bytes()

    def broken() -> Any:
        yield from files({"kafka/a-0/x": b"1"})
        raise MachineError("the disk is full")

    with pytest.raises(MachineError):
        snapshot_file.write(snapshot.path, broken(), described)
    assert snapshot.path.read_bytes() == before
    assert [path.name for path in snapshot.path.parent.glob(".*")] == []


@pytest.mark.parametrize("size", [3, 5])
def test_a_file_that_changes_meanwhile_is_an_error(tmp_path: Path, size: int) -> None:
    """A server that still writes would make a snapshot of no moment at all."""
    changing = [DataFile("kafka/a-0/x", size, 0, [b"1234"])]
    with pytest.raises(MachineError, match="changed while it was read"):
        snapshot_file.write(tmp_path / "x.tar.gz", changing, described)
    assert not (tmp_path / "x.tar.gz").exists()


def test_every_flipped_bit_and_every_length_is_noticed(snapshot: Snapshot) -> None:
    """Whatever single damage the file has, it is noticed, or what it says is the same."""
    good = snapshot.path.read_bytes()
    harmless = []
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        snapshot.path.write_bytes(bad)
        try:
            assert snapshot_file.read(snapshot.path) == snapshot
        except Damaged:
            continue
        harmless.append(place)
    # A gzip's header has a time and a system, and its last byte of data may have unused bits.
    assert len(harmless) <= 8 and all(place < snapshot.body_at for place in harmless)
    for length in range(0, len(good), 7):
        snapshot.path.write_bytes(good[:length])
        with pytest.raises(Damaged):
            snapshot_file.read(snapshot.path)
    snapshot.path.write_bytes(good + b"\0")
    with pytest.raises(Damaged, match="bytes instead of"):
        snapshot_file.read(snapshot.path)


def forged(
    path: Path, add: Callable[[tarfile.TarFile], None], entries: dict[str, bytes], **changes: Any
) -> Snapshot:
    """Write a file with valid checksums around whatever `add` puts into its tar."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        add(tar)
    return packed(path, raw.getvalue(), entries, **changes)


def packed(path: Path, raw: bytes, entries: dict[str, bytes], **changes: Any) -> Snapshot:
    """Write a snapshot file around these bytes."""
    body = gzip.compress(raw)
    manifest = {
        "schema": 1,
        **described(),
        "body_bytes": len(body),
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "files": [[n, len(c), hashlib.sha256(c).hexdigest()] for n, c in entries.items()],
        **changes,
    }
    head = io.BytesIO()
    with tarfile.open(fileobj=head, mode="w", format=tarfile.GNU_FORMAT) as tar:
        content = msgspec.json.encode(manifest)
        info = tarfile.TarInfo("manifest.json")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(head.getvalue()) + body)
    return snapshot_file.read(path)


def member(name: str, content: bytes = b"", **changes: Any) -> Callable[[tarfile.TarFile], None]:
    """Return a function that adds one member."""

    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for key, value in changes.items():
            setattr(info, key, value)
        tar.addfile(info, io.BytesIO(content))

    return add


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.GNUTYPE_LONGLINK,
        b"Z",
    ],
)
def test_links_devices_and_directories_are_refused(tmp_path: Path, kind: bytes) -> None:
    """A member of the right name is refused unless it is a plain file."""
    add = member("kafka/a-0/x", type=kind, linkname="/etc/passwd")
    bad = forged(tmp_path / "bad.tar.gz", add, {"kafka/a-0/x": b""})
    with pytest.raises(Damaged, match="not a plain file"):
        content_of(bad)


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "kafka/../x", "kafka/b-0/x"])
def test_a_member_that_is_not_the_listed_one_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever the tar calls it, only what the manifest lists next is unpacked."""
    bad = forged(tmp_path / "bad.tar.gz", member(name, b"1"), {"kafka/a-0/x": b"1"})
    with pytest.raises(Damaged, match="not at its place"):
        content_of(bad)


def test_other_content_is_refused(tmp_path: Path) -> None:
    """A file's own checksum is checked once it is read."""
    bad = forged(tmp_path / "bad.tar.gz", member("kafka/a-0/x", b"2"), {"kafka/a-0/x": b"1"})
    with pytest.raises(Damaged, match="its checksum differs"):
        content_of(bad)


def test_more_or_less_than_listed_is_refused(tmp_path: Path) -> None:
    """A member too many, one too few, or a longer one."""
    path = tmp_path / "bad.tar.gz"

    def two(tar: tarfile.TarFile) -> None:
        member("kafka/a-0/x", b"1")(tar)
        member("kafka/a-0/y", b"1")(tar)

    with pytest.raises(Damaged, match="more than its manifest lists"):
        content_of(forged(path, two, {"kafka/a-0/x": b"1"}))
    with pytest.raises(Damaged, match="not at its place"):
        content_of(forged(path, lambda _: None, {"kafka/a-0/x": b"1"}))
    with pytest.raises(Damaged, match="not at its place"):
        content_of(forged(path, member("kafka/a-0/x", b"123"), {"kafka/a-0/x": b"1"}))


def test_a_header_that_asks_for_memory_is_refused(tmp_path: Path) -> None:
    """Neither a long name nor an extended header of a gigabyte is ever read."""
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 1 << 30
        raw = info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)
        bad = packed(tmp_path / "bad.tar.gz", raw, {"kafka/a-0/x": b"1"})
        with pytest.raises(Damaged):
            content_of(bad)


def test_a_bomb_is_not_unpacked_beyond_what_is_listed(tmp_path: Path) -> None:
    """A body of 64 MB of zeros after a file of one byte ends with the member after that file."""

    def bomb(tar: tarfile.TarFile) -> None:
        member("kafka/a-0/x", b"1")(tar)
        info = tarfile.TarInfo("kafka/a-0/y")
        info.size = 64 << 20
        tar.addfile(info, io.BytesIO(bytes(info.size)))

    bad = forged(tmp_path / "bad.tar.gz", bomb, {"kafka/a-0/x": b"1"})
    assert bad.bytes < 100_000
    with pytest.raises(Damaged, match="more than its manifest lists"):
        content_of(bad)


def test_a_manifest_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    """What unpacks to more than a manifest may have is given up there."""
    path = tmp_path / "bad.tar.gz"
    path.write_bytes(gzip.compress(bytes(65 << 20)))
    with pytest.raises(Damaged, match="its manifest has more than"):
        snapshot_file.read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello, world", "not a snapshot"),
        (gzip.compress(b"", mtime=0), "not a tar file"),
        (gzip.compress(bytes(1024), mtime=0), "does not begin with a manifest"),
        (gzip.compress(b"x" * 1024, mtime=0), "not a tar file"),
        (gzip.compress(bytes(10), mtime=0)[:-4], "ends within"),
    ],
)
def test_other_files_are_no_snapshots(tmp_path: Path, content: bytes, words: str) -> None:
    """Whatever else may lie there is said to be damaged, with the reason."""
    path = tmp_path / "other.tar.gz"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=words):
        snapshot_file.read(path)


@pytest.mark.parametrize("moment", [-(1 << 40), 1 << 62])
def test_moments_that_no_clock_has_are_moved_into_what_there_is(
    tmp_path: Path, moment: int
) -> None:
    """A file system would refuse them."""
    add = member("kafka/a-0/x", mtime=moment)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        add(tar)
    found = packed(tmp_path / "odd.tar.gz", raw.getvalue(), {"kafka/a-0/x": b""})
    (file,) = snapshot_file.files(found)
    assert 0 <= file.modified_s < 8**11


@given(st.data())
def test_whatever_is_in_the_tar_only_listed_files_come_out(data: st.DataObject) -> None:
    """Bytes that are changed anywhere end in an error, or in files that are listed and whole."""
    listed = {"kafka/a-0/x": b"1" * 600, f"kafka/{'t' * 150}-0/y": b"", "kafka/b-0/z": b"3"}
    raw = bytearray()
    for name, content in listed.items():
        for block in as_tar(snapshot_file._info(name, len(content), 0), [content]):
            raw += block
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(raw) - 1))
        raw[begin : begin + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    with tempfile.TemporaryDirectory() as folder:
        changed = packed(Path(folder) / "changed.tar.gz", bytes(raw), listed)
        try:
            for file in snapshot_file.files(changed):
                assert b"".join(file.chunks) == listed[file.name]
        except Damaged:
            pass
