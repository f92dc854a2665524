"""Copies of the certificates and keys that servers in containers read, and nothing else.

An image runs its server as a user of its own, who cannot read `.kafka-tasks/secure/`. The copies
are readable by all, in a directory that only its owner may enter. The engine mounts what is in it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from kafka_tasks.model.security import BROKER, CONTROLLER, Security
from kafka_tasks.model.topology import Service
from kafka_tasks.project import private
from kafka_tasks.project.directory import unwritable
from kafka_tasks.runtimes.roles import secured
from kafka_tasks.runtimes.secure.store import SecureStore

# What a broker reads its PLAIN users from: a file and its one key.
USERS_FILE, USERS_KEY = "users.properties", "login"
# The directory for services with listeners for clients, and that for others, with their files.
_SERVING, _OTHERS = "broker", "controller"
_FILES = {
    _SERVING: ("server.pem", "ca.crt", "internal/ca.crt", f"internal/{BROKER}.pem"),
    _OTHERS: ("internal/ca.crt", f"internal/{CONTROLLER}.pem"),
}
_READABLE, _ENTERABLE = 0o644, 0o755


def folder(kept: SecureStore, service: Service) -> Path:
    """Return the directory that is mounted into the container of this service."""
    return kept.copies / (_SERVING if service.role.serves_clients else _OTHERS)


def make_folders(kept: SecureStore) -> None:
    """Make the directories, which have to be there before a container is created."""
    try:
        for path in (kept.root, kept.copies):
            path.mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
            path.chmod(private.DIRECTORY_MODE)
        for name in _FILES:
            for path in (kept.copies / name, kept.copies / name / "internal"):
                path.mkdir(exist_ok=True)
                path.chmod(_ENTERABLE)
    except OSError as error:
        raise unwritable(kept.copies, error) from error


def write(kept: SecureStore, wanted: Security) -> None:
    """Copy what brokers and controllers need; PLAIN needs the users' passwords as well."""
    make_folders(kept)
    users = _users(kept) if wanted.kind == "plain" else {}
    try:
        for place, names in _FILES.items():
            found = {name: (kept.root / name).read_bytes() for name in names}
            _replace(kept.copies / place, {**found, **(users if place == _SERVING else {})})
    except OSError as error:
        raise unwritable(kept.copies, error) from error


def _users(kept: SecureStore) -> dict[str, bytes]:
    passwords = kept.passwords()
    login = secured.plain_login(passwords.users if passwords else {})
    return {USERS_FILE: f"{USERS_KEY}={login}\n".encode()}


def forget(kept: SecureStore) -> None:
    """Delete the copies of a cluster that is no longer secured."""
    shutil.rmtree(kept.copies, ignore_errors=True)


def _replace(root: Path, files: Mapping[str, bytes]) -> None:
    """Write these files, each in one step, and delete the others."""
    for name, content in files.items():
        path = root / name
        if path.is_file() and path.read_bytes() == content:
            continue
        draft = path.with_name(f"{path.name}.new")
        private.write(draft, content)
        draft.chmod(_READABLE)
        os.replace(draft, path)
    for path in root.rglob("*"):
        if path.is_file() and str(path.relative_to(root)) not in files:
            path.unlink()
