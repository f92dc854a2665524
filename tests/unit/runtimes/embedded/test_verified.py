from __future__ import annotations

import os
from pathlib import Path

import pytest

from kafka_tasks.clients.maven import sha256
from kafka_tasks.runtimes.embedded import verified
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose content is read."""
    names: list[str] = []

    def count(path: Path) -> str:
        names.append(path.name)
        return sha256(path)

    monkeypatch.setattr(verified, "sha256", count)
    return names


def _index(tmp_path: Path) -> VerifiedFiles:
    return VerifiedFiles(tmp_path / "verified.json")


def test_a_file_is_hashed_once(tmp_path: Path, hashed: list[str]) -> None:
    """What was verified is trusted as long as size and time are the same, also by a later run."""
    (tmp_path / "a.jar").write_bytes(b"a")
    first = _index(tmp_path)
    found = first.checksum(tmp_path / "a.jar")
    assert found is not None and first.holds(tmp_path / "a.jar", found)
    first.save()
    assert _index(tmp_path).holds(tmp_path / "a.jar", found)
    assert hashed == ["a.jar"]


@pytest.mark.parametrize("change", ["size", "time"])
def test_another_size_or_time_means_another_look(
    tmp_path: Path, hashed: list[str], change: str
) -> None:
    """A file that was touched is hashed again, and a damaged one no longer holds."""
    path = tmp_path / "a.jar"
    path.write_bytes(b"abc")
    index = _index(tmp_path)
    before = index.checksum(path)
    assert before is not None
    now = path.stat()
    path.write_bytes(b"abcd" if change == "size" else b"abx")
    later = now.st_mtime_ns + (0 if change == "size" else 1_000_000)
    os.utime(path, ns=(now.st_atime_ns, later))
    assert not index.holds(path, before)
    assert hashed == ["a.jar", "a.jar"]


def test_a_missing_file_does_not_hold(tmp_path: Path, hashed: list[str]) -> None:
    """What is not there has no checksum."""
    assert _index(tmp_path).checksum(tmp_path / "a.jar") is None
    assert not _index(tmp_path).holds(tmp_path / "a.jar", "x")
    assert hashed == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a.jar": 1}', b"\xff"])
def test_a_damaged_index_costs_a_hash(tmp_path: Path, hashed: list[str], content: bytes) -> None:
    """An unreadable index is as good as none, and is replaced."""
    (tmp_path / "a.jar").write_bytes(b"a")
    (tmp_path / "verified.json").write_bytes(content)
    index = _index(tmp_path)
    found = index.checksum(tmp_path / "a.jar")
    index.save()
    assert _index(tmp_path).checksum(tmp_path / "a.jar") == found
    assert hashed == ["a.jar"]


def test_an_index_that_cannot_be_written_costs_a_hash_each_time(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache for reading only works, a little slower."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    (tmp_path / "a.jar").write_bytes(b"a")
    for _ in range(2):
        index = _index(tmp_path)
        index.checksum(tmp_path / "a.jar")
        index.save()
    assert hashed == ["a.jar", "a.jar"]


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    """A run that verified nothing anew leaves the index as it is."""
    _index(tmp_path).save()
    assert list(tmp_path.iterdir()) == []
