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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from kafka_tasks import lifecycle
from kafka_tasks.diagnosis.examination import Case
from kafka_tasks.diagnosis.secrets import MASK, Masker, known
from kafka_tasks.errors import InvalidInput, KafkaTasksError
from kafka_tasks.project import private
from kafka_tasks.project.directory import unwritable
from kafka_tasks.version import VERSION

_LOG_LINES = 5000
# A configuration file is small; whatever is larger is none.
_FILE_LIMIT = 1_000_000
_PACKAGES = ("confluent-kafka", "docker", "invoke", "kazoo", "psutil", "pytest", "rich", "tenacity")


def default_name() -> str:
    """The file that is written where none is named."""
    return f"kafka-doctor-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz"


def write(path: Path, case: Case, documents: Mapping[str, str]) -> list[str]:
    """Write the archive, readable by its owner alone; returns the names in it.

    `documents` (name → text) are put in as well. Whatever is known to be secret, and whatever
    looks like it, is masked in all of it. Raises `InvalidInput` where the file exists.
    """
    mask = Masker(known(case.settings, case.environ))
    names = []
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    if path.exists():
        raise InvalidInput(f"{path} exists already.", hint=f"--bundle {default_name()}")
    try:
        with (
            open(draft, "xb", opener=private.opener) as file,
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive,
        ):
            for name, text in _entries(case, documents):
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


def _entries(case: Case, documents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from documents.items()
    yield "versions.json", _json(_versions(case))
    yield "settings.json", _json(_settings(case))
    if case.session is not None:
        with contextlib.suppress(KafkaTasksError):
            yield "status.json", _json(asdict(lifecycle.status(case.session)))
    yield from _files(case)
    for service in case.services:
        yield f"logs/{service.name}.log", "\n".join(_log(case, service.name))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _versions(case: Case) -> dict[str, object]:
    found: dict[str, object] = {
        "kafka-tasks": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "runtime": case.runtime,
        "runtime_reason": case.session.reason if case.session else None,
        "kafka_line": case.settings.kafka_line,
    }
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _settings(case: Case) -> list[dict[str, object]]:
    return [
        {
            "name": variable.name,
            "value": None if value is None else MASK if variable.secret else _plain(value),
            "origin": str(origin),
        }
        for variable, value, origin in case.settings.entries()
    ]


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, (bool, int, float)) else str(value)


def _files(case: Case) -> Iterator[tuple[str, str]]:
    """The state file, what was rendered for the servers, and the user's Compose file."""
    folder = case.project.state
    wanted = [folder / "state.json", folder / "run" / "last-failure.json"]
    wanted += sorted((folder / "conf").glob("*"))
    wanted += sorted((folder / "data").glob("*/meta.properties"))
    if case.settings.broker_properties is not None:
        wanted.append(case.settings.broker_properties)
    compose = _compose_file(case)
    wanted += [compose] if compose else []
    for path in wanted:
        try:
            if path.is_file() and path.stat().st_size <= _FILE_LIMIT:
                yield f"files/{_within(path, case)}", path.read_text("utf-8", "replace")
        except OSError:
            continue


def _within(path: Path, case: Case) -> str:
    """A name inside the archive that leads nowhere else."""
    try:
        return str(path.relative_to(case.project.path)).lstrip(".")
    except ValueError:
        return path.name


def _compose_file(case: Case) -> Path | None:
    if case.runtime != "compose":
        return None
    from kafka_tasks.runtimes.compose import compose_file as file

    with contextlib.suppress(KafkaTasksError):
        return file.choose(case.settings).path
    return None


def _log(case: Case, service: str) -> list[str]:
    ask: Callable[[str, int], list[str]] | None = (
        case.session.runtime.logs if case.session else None
    )
    try:
        return ask(service, _LOG_LINES) if ask else []
    except KafkaTasksError as error:
        return [f"({error.message})"]
