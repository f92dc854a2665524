"""Snapshots of secured clusters: their certificates, keys and passwords, out and back."""

from __future__ import annotations

import shutil
import stat
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.events import Event
from kafka_tasks.model.security import Security
from kafka_tasks.project import choices, restoring
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.runtimes.secure import issuing
from kafka_tasks.runtimes.secure.snapshot_files import StagedFiles
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Origin
from kafka_tasks.snapshots.manifest import Damaged, decode
from kafka_tasks.snapshots.restore import require_fitting, restore
from kafka_tasks.snapshots.save import save
from kafka_tasks.snapshots.snapshot_file import Snapshot
from kafka_tasks.testing import FakeRuntime
from tests.unit.snapshots.conftest import CONTENT, content_of, files
from tests.unit.snapshots.test_manifest import encoded

_SCRAM = Security("scram", acl=True)


def _contents(project: Project) -> dict[str, bytes]:
    root = SecureStore.of(project).root
    return {
        f"secure/{path.relative_to(root)}": path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def _in_clear(session: Session) -> Session:
    """Return the session of `--secure none`."""
    origins = {**session.settings.origins, "secure": Origin("flag", "--secure")}
    return replace(session, settings=replace(session.settings, secure="none", origins=origins))


@pytest.fixture
def secured(session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A stopped secured cluster with data; another choice of runtime finds the same."""
    monkeypatch.setattr(registry, "make", lambda *_: runtime)
    monkeypatch.setattr(registry, "_may_have_engine", lambda _: False)
    session.project.make_state()
    issuing.ensure(SecureStore.of(session.project), _SCRAM)
    return replace(session, settings=replace(session.settings, secure="scram", acl=True))


@pytest.fixture
def saved(secured: Session) -> Snapshot:
    """Its snapshot, which is all that is left."""
    return save(secured, "base").snapshot


def test_certificates_and_passwords_are_saved_for_their_owner(secured: Session) -> None:
    """Beside the data, each with its checksum; the tar file gives no one else a right."""
    found = save(secured, "base").snapshot
    assert found.manifest.security == _SCRAM
    assert content_of(found) == {**CONTENT, **_contents(secured.project)}
    with tarfile.open(found.path) as archive:
        members = archive.getmembers()
    assert {member.mode for member in members} == {0o600}
    assert "secure/passwords.json" in {member.name for member in members}


def test_a_cluster_without_security_has_no_files_of_it(session: Session, secured: Session) -> None:
    """Also where an earlier cluster of the project has left some."""
    found = save(session, "base").snapshot
    assert found.manifest.security is None
    assert content_of(found) == CONTENT


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"foreign")])
def test_what_is_damaged_is_not_saved(
    secured: Session, runtime: FakeRuntime, damage: Callable[[Path], Any]
) -> None:
    """The file is named before the cluster stops."""
    up(_in_clear(secured))
    runtime.calls.clear()
    damage(SecureStore.of(secured.project).root / "server.pem")
    with pytest.raises(InvalidInput, match=r"server\.pem does not belong"):
        save(secured, "base")
    shutil.rmtree(SecureStore.of(secured.project).root)
    with pytest.raises(InvalidInput, match="has no certificates or no passwords of it"):
        save(secured, "base")
    assert runtime.calls == []


def test_an_empty_project_becomes_the_secured_cluster(
    session: Session, runtime: FakeRuntime, saved: Snapshot, heard: list[Event]
) -> None:
    """With the same certificates and users, for their owner alone, and without a flag."""
    before = _contents(session.project)
    root = SecureStore.of(session.project).root
    shutil.rmtree(root)
    runtime.files.there = {}
    restore(session, require_fitting(session, "base"))
    assert _contents(session.project) == before
    assert runtime.files.there == CONTENT
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert not [path for path in root.parent.iterdir() if path.name.startswith("secure.")]
    assert not [event.text for event in heard if "secure" in event.text]


def test_a_project_that_is_not_secured_stays_so_and_is_told(
    session: Session, saved: Snapshot, heard: list[Event]
) -> None:
    """The notice has the flags that secure the restored cluster."""
    origins = {**session.settings.origins, "secure": Origin("environment")}
    mine = replace(session, settings=replace(session.settings, origins=origins))
    restore(mine, require_fitting(mine, "base"), confirmed=True)
    (notice,) = (event.text for event in heard if "--secure" in event.text)
    assert notice.endswith("after kafka.down, kafka.up --secure scram --acl starts it so")


def test_a_snapshot_without_certificates_leaves_those_of_the_project(
    secured: Session, session: Session, heard: list[Event]
) -> None:
    """The users of its data get the passwords of the project, and that is said."""
    snapshot = save(session, "plain").snapshot
    before = _contents(secured.project)
    restore(secured, snapshot, confirmed=True)
    assert _contents(secured.project) == before
    assert [event.text for event in heard if "has no certificates and passwords" in event.text]


def test_the_project_takes_a_complete_restore_for_secured(session: Session) -> None:
    """Also where the command that restored was killed."""
    begun = restoring.Restoring(name="base", runtime="fake", brokers=1, security=_SCRAM)
    restoring.write(session.project, begun.complete())
    found = choices.remembered(session.project)
    assert (found["secure"], found["acl"]) == ("scram", True)


def test_other_names_in_the_certificate_are_no_other_kind(
    secured: Session, saved: Snapshot, heard: list[Event]
) -> None:
    """The next start issues it for the names of this project, and users log in as before."""
    settings = replace(secured.settings, san="kafka.test")
    restore(replace(secured, settings=settings), saved, confirmed=True)
    assert not [event.text for event in heard if "--secure" in event.text]


@pytest.mark.parametrize("committed", [True, False])
def test_an_interrupted_restore_has_the_old_files_or_the_new(
    session: Session, runtime: FakeRuntime, saved: Snapshot, committed: bool
) -> None:
    """They count in the moment in which the data does."""
    old = _contents(session.project)
    runtime.files.staged = dict(CONTENT)
    staged = StagedFiles(session.project)
    content = dict.fromkeys(old, b"new")
    assert list(staged.apart_from(files(content))) == []
    assert _contents(session.project) == old
    begun = restoring.Restoring(name="base", runtime="fake", brokers=1, committed=committed)
    restoring.write(session.project, begun)
    up(_in_clear(session))
    assert _contents(session.project) == (content if committed else old)
    assert not [path for path in session.project.state.iterdir() if path.suffix in (".new", ".old")]


def test_a_secured_snapshot_without_its_keys_is_damaged() -> None:
    """A manifest that promises them must list them; one that does not must not have any."""
    security = {"kind": "scram", "acl": True}
    names = ("secure/index.json", "secure/passwords.json")
    assert decode(encoded(*names, security=security)).security == _SCRAM
    with pytest.raises(Damaged, match="neither a host name nor"):
        decode(encoded(*names, security={**security, "hosts": ["../x"]}))
    with pytest.raises(Damaged, match=r"certificates or the passwords .* are missing"):
        decode(encoded(names[0], security=security))
    with pytest.raises(Damaged, match="a file named"):
        decode(encoded(*names))
