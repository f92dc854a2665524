"""An engine and a compose command in memory."""

# ruff: noqa: D102 - the methods are those of the real ones

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kafka_tasks.clients.container import (
    CONFIG_FILES,
    ONE_OFF,
    PROJECT,
    SERVICE,
    WORKING_DIRECTORY,
    Container,
)
from kafka_tasks.clients.docker import Made
from kafka_tasks.clients.processes import Completed
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import identify
from kafka_tasks.runtimes.compose.containers import OURS


def container(
    service: str,
    directory: Path | str = "/some/shop",
    *,
    project: str = "shop",
    ours: bool = False,
    one_off: bool = False,
    files: str = "",
    **changes: Any,
) -> Container:
    """A container as Compose would have made it; running where nothing else is said."""
    tail = service.removeprefix("kafka-")
    number = int(tail) if tail.isdecimal() else 1
    port = 2181 if service == "zookeeper" else 9091 + number
    labels = {
        PROJECT: project,
        SERVICE: service,
        WORKING_DIRECTORY: str(directory),
        **({OURS: "broker"} if ours else {}),
        **({ONE_OFF: "True"} if one_off else {}),
        **({CONFIG_FILES: files} if files else {}),
    }
    found = Container(
        id=f"id-{project}-{service}",
        name=f"{project}-{service}-1",
        image=_image(service),
        status="running",
        labels=labels,
        ports={port: port},
        health="healthy",
        exit_code=0,
    )
    return replace(found, **changes)


def _image(service: str) -> str:
    known = identify(service)
    if known is None:
        return "example/app:7.9.6"
    return f"cp-{'zookeeper' if known.role is Role.ZOOKEEPER else 'kafka'}:7.9.6"


@dataclass
class FakeEngine:
    """What an engine has, and what it was asked to pull."""

    there: list[Container] = field(default_factory=list)
    images: set[str] | None = None
    lines: dict[str, list[str]] = field(default_factory=dict)
    is_local: bool = True
    host: str = "unix:///var/run/docker.sock"
    has_start_interval: bool = True
    pulled: list[str] = field(default_factory=list)
    volumes: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    labelled: dict[str, str] = field(default_factory=dict)

    def image_id(self, name: str) -> str | None:
        return self.identities.get(name)

    def labelled_volumes(self, label: str) -> dict[str, str]:
        return self.labelled

    def _labelled(self, label: str, value: str) -> list[Container]:
        return [found for found in self.there if found.labels.get(label) == value]

    def of_directory(self, directory: Path) -> list[Container]:
        return self._labelled(WORKING_DIRECTORY, str(directory))

    def of_project(self, name: str) -> list[Container]:
        return self._labelled(PROJECT, name)

    def publisher(self, port: int) -> Container | None:
        running = [found for found in self.there if found.running]
        return next((found for found in running if port in found.ports.values()), None)

    def made_for(self, project: str) -> Made:
        return self.made.get(project, Made())

    def has_volumes(self, project: str) -> bool:
        return project in self.volumes

    def is_stopped(self, identifier: str) -> bool:
        return identifier in self.stopped

    def read_file(self, identifier: str, path: str) -> bytes | None:
        return self.files.get((identifier, path))

    def has_image(self, name: str) -> bool:
        return self.images is None or name in self.images

    def pull(self, name: str, progress: Callable[[int, int], None]) -> None:
        self.pulled.append(name)
        progress(0, 0)
        progress(5, 10)

    def logs(self, identifier: str, tail: int) -> list[str]:
        return self.lines.get(identifier, [])[-tail:]

    def follow(self, identifier: str, tail: int) -> Iterator[str]:
        yield from self.logs(identifier, tail)


CONFIG: dict[str, Any] = {
    "services": {
        "zookeeper": {"image": "cp-zookeeper:7.9.6", "healthcheck": {"start_interval": "1s"}},
        **{
            name: {
                "image": "cp-kafka:7.9.6",
                "environment": {
                    "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
                    "KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181",
                },
                "ports": [{"target": port, "published": str(port)}],
            }
            for name, port in (("kafka", 9092), ("kafka-2", 9093), ("kafka-3", 9094))
        },
    }
}


@dataclass
class FakeCompose:
    """In place of `command.Project`: called like the class, it notes what its projects do.

    `answer` is what `up` ends with; `upping` happens then, and `creating` on `create`.
    """

    engine: FakeEngine
    config: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(CONFIG))
    answer: Completed = field(default_factory=lambda: Completed(0, ""))
    upping: Callable[[Any, Sequence[str]], None] | None = None
    creating: Callable[[Any, Sequence[str]], None] | None = None
    done: list[str] = field(default_factory=list)
    made: list[FakeProject] = field(default_factory=list)

    def __call__(self, *arguments: Any, **named: Any) -> FakeProject:
        names = ("name", "directory", "files", "variables", "profiles")
        fields = {**dict(zip(names, arguments, strict=False)), **named}
        assert set(fields) == set(names)
        return FakeProject(self, **fields)


@dataclass
class FakeProject:
    """One project of it."""

    compose: FakeCompose
    name: str
    directory: Path
    files: tuple[Path, ...]
    variables: dict[str, str]
    profiles: tuple[str, ...]

    def __post_init__(self) -> None:
        self.compose.made.append(self)

    def config(self, *, profile: str | None = None) -> dict[str, Any]:
        return self.compose.config

    def ask_ahead(self) -> None:
        self.compose.done.append("ask ahead")

    def remove(self, services: Sequence[str]) -> None:
        self.compose.done.append(f"remove {' '.join(services)}")

    def up(self, services: Sequence[str], *, timeout_s: float, alone: bool = False) -> Completed:
        self.compose.done.append(f"up {'alone ' if alone else ''}{' '.join(services)}")
        if self.compose.upping:
            self.compose.upping(self, services)
        return self.compose.answer

    def create(self, services: Sequence[str]) -> None:
        self.compose.done.append(f"create {' '.join(services)}")
        if self.compose.creating:
            self.compose.creating(self, services)

    def stop(self, services: Sequence[str]) -> None:
        self.compose.done.append(f"stop {' '.join(services)}")

    def down(self, *, wipe: bool, at_once: bool = False) -> None:
        how = " at once" if at_once else ""
        self.compose.done.append(f"down --volumes{how}" if wipe else "down")
