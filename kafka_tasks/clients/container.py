"""One container of the Docker engine, as a value."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORKING_DIRECTORY = "com.docker.compose.project.working_dir"
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
CONFIG_FILES = "com.docker.compose.project.config_files"
ONE_OFF = "com.docker.compose.oneoff"
# How much of the results of health checks is read: results, and characters of each.
_RESULTS, _LINE = 3, 500


@dataclass(frozen=True, slots=True)
class Container:
    """One container, running or not; `ports` is container port → host port on this machine.

    `health_log` has what its last health checks printed, `volumes` where each of its volumes is.
    """

    id: str
    name: str
    image: str
    status: str
    labels: Mapping[str, str]
    ports: Mapping[int, int] = field(default_factory=dict)
    health: str | None = None
    exit_code: int | None = None
    out_of_memory: bool = False
    error: str | None = None
    started_at: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str = ""
    health_check: str = ""
    health_log: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """True while its process exists."""
        return self.status in ("running", "paused")

    @property
    def paused(self) -> bool:
        """True while its process is suspended."""
        return self.status == "paused"

    @property
    def service(self) -> str:
        """The name of the Compose service, or an empty string."""
        return self.labels.get(SERVICE, "")

    @property
    def project(self) -> str:
        """The name of the Compose project, or an empty string."""
        return self.labels.get(PROJECT, "")

    @property
    def one_off(self) -> bool:
        """True if `docker compose run` created it: then it is not the service itself."""
        return self.labels.get(ONE_OFF, "").lower() == "true"


def inspected(found: Mapping[str, Any]) -> Container:
    """Return a container from what the engine says of it."""
    status = found["State"]
    return Container(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        image=found["Config"]["Image"],
        status=status["Status"],
        labels=found["Config"].get("Labels") or {},
        ports=_published(found),
        health=(status.get("Health") or {}).get("Status"),
        exit_code=status.get("ExitCode"),
        out_of_memory=bool(status.get("OOMKilled")),
        error=status.get("Error") or None,
        started_at=status.get("StartedAt"),
        environment=dict(
            entry.split("=", 1) for entry in found["Config"].get("Env") or () if "=" in entry
        ),
        user=found["Config"].get("User") or "",
        health_check=_health_check(found["Config"]),
        health_log=_health_log(status.get("Health") or {}),
        volumes={
            mount["Name"]: mount.get("Destination") or ""
            for mount in found.get("Mounts") or ()
            if mount.get("Type") == "volume"
        },
        command=(*(found["Config"].get("Entrypoint") or ()), *(found["Config"].get("Cmd") or ())),
    )


def _health_check(config: Mapping[str, Any]) -> str:
    words = (config.get("Healthcheck") or {}).get("Test") or ()
    return " ".join(words[1:])


def _health_log(health: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line for each different result of the last checks, the newest last."""
    found: dict[str, None] = {}
    for entry in health.get("Log") or ():
        said = " ".join(str(entry.get("Output") or "").split())[:_LINE]
        code = entry.get("ExitCode")
        found[said or f"exit code {code}, without a word"] = None
    return tuple(found)[-_RESULTS:]


def _published(found: Mapping[str, Any]) -> dict[int, int]:
    bindings = found["HostConfig"].get("PortBindings") or {}
    ports: dict[int, int] = {}
    for name, hosts in bindings.items():
        for host in hosts or ():
            with contextlib.suppress(KeyError, ValueError):
                ports[int(name.split("/")[0])] = int(host["HostPort"])
    return ports
