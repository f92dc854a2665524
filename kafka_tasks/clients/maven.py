"""One jar by coordinates, verified: the only importer of jgo."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from textwrap import shorten
from typing import Any

from kafka_tasks.errors import JarsMissing, MachineError

# Prefix of the directory beside the target that holds a download until it is complete.
SCRATCH_PREFIX = ".fetch-"


def sha256(path: Path) -> str:
    """Return the sha256 of a file, as hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(coordinates: str, expected_sha256: str, target: Path) -> None:
    """Download a jar to `target`, complete and verified or not at all.

    Coordinates are `group:artifact[:type[:classifier]]:version`. Repositories are those of jgo's
    own configuration, then its default; proxies are those of the environment.

    Raises `JarsMissing` or `MachineError`.
    """
    import tempfile

    try:
        import requests
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError as error:
        raise JarsMissing(
            f"{coordinates} is not in the cache, and jgo, which fetches it, is not installed.",
            hint='pip install "kafka-tasks[embedded]"',
        ) from error
    mirrors = GlobalSettings.load().repositories
    remotes = mirrors if "central" in mirrors else {**mirrors, "central": MAVEN_CENTRAL_URL}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=SCRATCH_PREFIX) as scratch:
            context = MavenContext(repo_cache=Path(scratch), remote_repos=remotes, timeout=30)
            found = Path(context.create_dependency(_coordinate(coordinates)).artifact.resolve())
            _require_checksum(coordinates, found, expected_sha256)
            os.replace(found, target)
    # The errors of requests are OSErrors too; a full or read-only disk is a different problem.
    except (RuntimeError, requests.RequestException) as error:
        raise _unavailable(coordinates, error) from error
    except OSError as error:
        raise MachineError(
            f"{target.parent} cannot be written: {error.strerror or error}.",
            hint="set KAFKA_TASKS_CACHE to a writable directory",
        ) from error


def _require_checksum(coordinates: str, found: Path, expected: str) -> None:
    actual = sha256(found)
    if actual != expected:
        raise JarsMissing(
            f"{coordinates} arrived with another checksum than the locked one.",
            evidence=(f"expected sha256 {expected}", f"received sha256 {actual}"),
            hint="check the Maven mirror or proxy of this machine, then try again",
        )


def _coordinate(text: str) -> Any:
    """Return coordinates for jgo, which would read a type with a dot (tar.gz) as a version."""
    group, artifact, *more, version = text.split(":")
    if not more:
        return text
    from jgo.parse import Coordinate

    classifier = more[1] if len(more) > 1 else None
    return Coordinate(group, artifact, version, classifier=classifier, packaging=more[0])


def _unavailable(coordinates: str, error: Exception) -> JarsMissing:
    reason = type(error).__name__ if not str(error) else shorten(str(error).splitlines()[0], 240)
    return JarsMissing(
        f"{coordinates} is not in the cache and cannot be fetched.", evidence=(reason,)
    )
