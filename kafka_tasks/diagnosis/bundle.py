"""One archive for a bug report: settings, versions, states, logs and findings, without secrets."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import os
import platform
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import to_builtins

from kafka_tasks.diagnosis.examination import Examination
from kafka_tasks.diagnosis.secrets import MASK, Masker, known
from kafka_tasks.errors import InvalidInput, KafkaTasksError
from kafka_tasks.lifecycle.status import status
from kafka_tasks.project import private
from kafka_tasks.project.directory import unwritable
from kafka_tasks.version import VERSION

_LOG_LINES = 5000
# In bytes: a larger file is not a configuration file.
_FILE_LIMIT = 1_000_000
_PACKAGES = ("confluent-kafka", "docker", "invoke", "kazoo", "psutil", "pytest", "rich", "tenacity")


def default_name() -> str:
    """Return the default name of the archive."""
    return f"kafka-doctor-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz"


def write(path: Path, exam: Examination, documents: Mapping[str, str]) -> list[str]:
    """Write the archive, readable by its owner only, and return the names in it.

    The archive includes `documents` (name → text). Known secrets, and values that look secret, are
    masked in all of it. Raises `InvalidInput` if the file exists.
    """
    mask = Masker(known(exam.settings, exam.environ))
    names = []
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    if path.exists():
        raise InvalidInput(f"{path} exists.", hint=f"--bundle {default_name()}")
    try:
        with (
            open(draft, "xb", opener=private.opener) as file,
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive,
        ):
            for name, text in _entries(exam, documents):
                _add(archive, name, mask(text))
                names.append(name)
        os.replace(draft, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)
    return names


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode("utf-8", "replace")
    info = tarfile.TarInfo(f"kafka-doctor/{name}")
    info.size, info.mode, info.mtime = len(content), private.MODE, int(time.time())
    archive.addfile(info, io.BytesIO(content))


def _entries(exam: Examination, documents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from documents.items()
    yield "versions.json", _json(_versions(exam))
    yield "settings.json", _json(_settings(exam))
    if exam.session is not None:
        with contextlib.suppress(KafkaTasksError):
            yield "status.json", _json(to_builtins(status(exam.session), enc_hook=str))
    yield from _files(exam)
    for service in exam.services:
        yield f"logs/{service.name}.log", "\n".join(_log(exam, service.name))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _versions(exam: Examination) -> dict[str, object]:
    found: dict[str, object] = {
        "kafka-tasks": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "runtime": exam.runtime,
        "runtime_reason": exam.session.reason if exam.session else None,
        "kafka_line": exam.settings.line.kafka,
    }
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _settings(exam: Examination) -> list[dict[str, object]]:
    return [
        {
            "name": variable.name,
            "value": None if value is None else MASK if variable.secret else _plain(value),
            "origin": str(origin),
        }
        for variable, value, origin in exam.settings.entries()
    ]


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, (bool, int, float)) else str(value)


def _files(exam: Examination) -> Iterator[tuple[str, str]]:
    """Yield the state file, the servers' configuration files, and the Compose file in use."""
    folder = exam.project.state
    wanted = [folder / "state.json", folder / "run" / "last-failure.json"]
    wanted += sorted((folder / "conf").glob("*"))
    wanted += sorted((folder / "data").glob("*/meta.properties"))
    if exam.settings.broker_properties is not None:
        wanted.append(exam.settings.broker_properties)
    compose = _compose_file(exam)
    wanted += [compose] if compose else []
    for path in wanted:
        try:
            if path.is_file() and path.stat().st_size <= _FILE_LIMIT:
                yield f"files/{_within(path, exam)}", path.read_text("utf-8", "replace")
        except OSError:
            continue


def _within(path: Path, exam: Examination) -> str:
    """Return a name inside the archive, without parent directories."""
    try:
        return str(path.relative_to(exam.project.path)).lstrip(".")
    except ValueError:
        return path.name


def _compose_file(exam: Examination) -> Path | None:
    if exam.runtime != "compose":
        return None
    from kafka_tasks.runtimes.compose import compose_file as file

    with contextlib.suppress(KafkaTasksError):
        return file.choose(exam.settings).path
    return None


def _log(exam: Examination, service: str) -> list[str]:
    try:
        return exam.session.logs(service, _LOG_LINES) if exam.session else []
    except KafkaTasksError as error:
        return [f"({error.message})"]
