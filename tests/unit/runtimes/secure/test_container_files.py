"""Copies of certificates and keys for containers."""

from __future__ import annotations

import stat
from pathlib import Path

from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import kraft_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import container_files, issuing, snapshot_files
from kafka_tasks.runtimes.secure.store import SecureStore


def written(project: Project, kind: Security) -> SecureStore:
    """Return the store of a project with the copies of such a cluster."""
    project.make_state()
    kept = SecureStore.of(project)
    issuing.ensure(kept, kind)
    container_files.write(kept, kind)
    return kept


def names(root: Path) -> set[str]:
    """Return the files below a directory."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def mode(path: Path) -> int:
    """Return the rights to a file or directory."""
    return stat.S_IMODE(path.stat().st_mode)


def test_each_container_gets_what_its_server_reads(project: Project) -> None:
    """No key of an authority, and no key of kafka-tasks."""
    kept = written(project, Security("scram"))
    assert names(kept.copies / "broker") == {
        *("server.pem", "ca.crt"),
        *("internal/ca.crt", "internal/broker.pem"),
    }
    assert names(kept.copies / "controller") == {"internal/ca.crt", "internal/controller.pem"}
    controller, broker = kraft_cluster(1, controllers=1)
    assert container_files.folder(kept, broker) == kept.copies / "broker"
    assert container_files.folder(kept, controller) == kept.copies / "controller"


def test_the_images_user_can_read_them_and_other_users_cannot_reach_them(project: Project) -> None:
    """The directory above is its owner's alone; doctor finds nothing that others may read."""
    kept = written(project, Security("scram"))
    assert [mode(path) for path in (kept.root, kept.copies)] == [0o700, 0o700]
    assert mode(kept.copies / "broker" / "internal") == 0o755
    assert mode(kept.copies / "broker" / "server.pem") == 0o644
    assert kept.readable_by_others() == []


def test_passwords_are_copied_for_plain_alone(project: Project) -> None:
    """Another kind takes them away again."""
    kept = written(project, Security("plain"))
    passwords = kept.passwords()
    assert passwords is not None
    text = (kept.copies / "broker" / "users.properties").read_text()
    assert all(f'user_{name}="{word}"' for name, word in passwords.users.items())
    assert text.startswith("login=org.apache.kafka.common.security.plain.PlainLoginModule")
    container_files.write(kept, Security("scram"))
    assert "users.properties" not in names(kept.copies / "broker")


def test_a_snapshot_does_not_carry_them(project: Project) -> None:
    """They are made again by each start."""
    kept = written(project, Security("scram"))
    assert not any("containers" in file.below for file in snapshot_files.files(project))
    container_files.forget(kept)
    assert not kept.copies.exists() and kept.index() is not None
