"""The `docker compose` command: one project, one file, arguments as a list."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Required, TypedDict

import msgspec

from kafka_tasks import ahead
from kafka_tasks.clients import processes
from kafka_tasks.errors import EngineMissing, InvalidInput, MachineError
from kafka_tasks.runtimes.compose import plugin
from kafka_tasks.settings import PREFIX, environment

# The first that knows `!reset` and start_interval.
OLDEST = (2, 24)
_QUICK_S = 60.0
# What names of variables in the packaged files, or of Compose itself, begin with.
_OURS = (
    *(PREFIX, "KAFKA_", "ZOOKEEPER_", "COMPOSE_", "BROKER_"),
    *("CLUSTER_ID", "COMBINED_", "CONTROLLER_", "QUORUM_VOTERS", "REHEARSED_", "CHECK_"),
)


def _require_docker() -> None:
    if shutil.which("docker") is None:
        raise EngineMissing(
            "There is no `docker` command on this machine.",
            hint="install Docker with its compose plugin, or use --runtime embedded",
        )


def require_compose() -> tuple[int, ...]:
    """Return the version of Compose v2; raises `EngineMissing` where only v1, or none, is.

    To ask takes a tenth of a second: a start asks where Compose refuses a file, and before it
    writes one with `!reset`, which older ones read without a word.
    """
    _require_docker()
    answer = processes.run([*plugin.words(), "version", "--short"], timeout_s=15)
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", answer.output)
    if not answer.code and not match:
        return OLDEST  # somebody's own build, which calls itself dev
    if answer.code or not match:
        alone = shutil.which("docker-compose") is not None
        raise EngineMissing(
            "Only docker-compose v1 is here, which is no longer maintained; kafka-tasks needs the "
            "compose plugin."
            if alone
            else "Docker is here, but without its compose plugin.",
            evidence=answer.output.strip().splitlines()[:2],
            hint="sudo apt install docker-compose-plugin, or use --runtime embedded",
        )
    found = tuple(int(part) for part in match.groups())
    if found < OLDEST:
        raise EngineMissing(
            f"Compose {match[0]} is too old; 2.24 or newer is needed.",
            hint="update the compose plugin, or use --runtime embedded",
        )
    return found


class _Port(TypedDict, total=False):
    target: Required[int]
    published: str | int
    host_ip: str


class _Mount(TypedDict, total=False):
    type: str
    source: str
    target: str


class _Health(TypedDict, total=False):
    test: list[str] | str | None


class _Service(TypedDict, total=False):
    environment: dict[str, str | int | float | bool | None] | None
    ports: list[_Port] | None
    volumes: list[_Mount] | None
    healthcheck: _Health | None
    labels: dict[str, str | int | float | bool | None] | None
    command: list[str] | str | None
    entrypoint: list[str] | str | None
    container_name: str | None
    network_mode: str | None


class _Volume(TypedDict, total=False):
    name: Required[str]
    external: bool


class _Config(TypedDict, total=False):
    """As far as it is read here: Compose writes short forms out."""

    services: Required[dict[str, _Service]]
    volumes: dict[str, _Volume] | None


# What Compose said in this process, and what it was asked ahead of need: it takes a fifth of a
# second to answer.
_answers: dict[tuple[object, ...], dict[str, Any]] = {}
_awaited: dict[tuple[object, ...], Future[dict[str, Any]]] = {}
_MANY = 20


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose project: its name, directory, files, and the variables for them."""

    name: str
    directory: Path
    files: tuple[Path, ...]
    variables: Mapping[str, str]
    profiles: tuple[str, ...]

    def _arguments(self, *words: str, profile: str | None) -> list[str]:
        chosen = (profile,) if profile else self.profiles
        files = [part for path in self.files for part in ("--file", str(path))]
        profiles = [part for name in chosen for part in ("--profile", name)]
        return [
            *(*plugin.words(), "--ansi", "never", "--progress", "plain"),
            *("--project-name", self.name, "--project-directory", str(self.directory)),
            *files,
            *profiles,
            *words,
        ]

    def _environment(self) -> dict[str, str]:
        """Return the caller's environment without names that would replace a value set here."""
        kept = {name: value for name, value in environment().items() if not name.startswith(_OURS)}
        return {**kept, **self.variables}

    def run(
        self, *words: str, timeout_s: float = _QUICK_S, profile: str | None = None
    ) -> processes.Completed:
        """Run a subcommand to its end."""
        return processes.run(
            self._arguments(*words, profile=profile),
            timeout_s=timeout_s,
            environ=self._environment(),
        )

    def config(self, *, profile: str | None = None) -> dict[str, Any]:
        """Return the file as Compose reads it; raises `InvalidInput` with Compose's own words.

        Compose is asked once for the same files, variables and profiles. Raises `EngineMissing`
        where there is none, or one that is too old for the file.
        """
        key = self._key(profile)
        if key not in _answers:
            if len(_answers) > _MANY:
                _answers.clear()
            coming = _awaited.pop(key, None)
            _answers[key] = coming.result() if coming else self._asked_for_config(profile)
        return _answers[key]

    def ask_ahead(self) -> None:
        """Ask Compose now for what `config` returns later."""
        key = self._key(None)
        if key not in _answers and key not in _awaited:
            _awaited[key] = ahead.begin(partial(self._asked_for_config, None))

    def _key(self, profile: str | None) -> tuple[object, ...]:
        read = (*self.files, self.directory / ".env")
        seen = tuple((path, path.stat().st_mtime_ns if path.exists() else None) for path in read)
        return self.name, profile, self.profiles, seen, frozenset(self._environment().items())

    def _asked_for_config(self, profile: str | None) -> dict[str, Any]:
        _require_docker()
        done = self.run("config", "--format", "json", profile=profile)
        if done.code:
            require_compose()
            raise InvalidInput(
                f"Compose does not accept {self.files[0]}.",
                evidence=done.output.strip().splitlines()[-5:],
                hint=f'docker compose -f "{self.files[0]}" config',
            )
        return read_config(done.output)

    def up(
        self, services: Sequence[str], *, timeout_s: float, alone: bool = False
    ) -> processes.Completed:
        """Create and start; Compose waits for what a service depends on, unless `alone`."""
        deps = ("--no-deps",) if alone else ()
        return self.run("up", "--detach", "--quiet-pull", *deps, *services, timeout_s=timeout_s)

    def create(self, services: Sequence[str]) -> None:
        """Create containers, with their volumes, and start none."""
        self._must("create", *services)

    def stop(self, services: Sequence[str]) -> None:
        """Stop services and keep their containers."""
        self._must("stop", *services)

    def down(self, *, wipe: bool, at_once: bool = False) -> None:
        """Stop and remove containers and network; with `wipe` the volumes too.

        `at_once` kills what runs: for data that goes with the volumes.
        """
        volumes = ("--volumes",) if wipe else ()
        self._must("down", *volumes, *(("--timeout", "0") if at_once else ()), profile="*")

    def remove(self, services: Sequence[str]) -> None:
        """Stop and remove the containers of these services, and nothing else."""
        self._must("rm", "--stop", "--force", *services, profile="*")

    def _must(self, *words: str, profile: str | None = None) -> None:
        done = self.run(*words, timeout_s=180, profile=profile)
        if done.code:
            raise MachineError(
                f"docker compose {words[0]} failed (exit code {done.code}).",
                evidence=done.output.strip().splitlines()[-5:],
                hint="docker ps -a; invoke kafka.status",
            )


def unpause_container(identifier: str) -> None:
    """Resume a paused container."""
    processes.run(["docker", "unpause", identifier], timeout_s=60)


def continue_container(identifier: str) -> None:
    """Resume the first process of a container that a signal had stopped."""
    processes.run(["docker", "kill", "--signal", "CONT", identifier], timeout_s=60)


def run_beside(container: str, image: str, user: str, name: str, script: str, *words: str) -> None:
    """Run a script of bash with a container's volumes, without network, until it ends.

    Raises `MachineError`. A container of that name that an interrupted call left is removed first.
    """
    done = _beside(container, image, user, name, script, words)
    if done.code:
        raise MachineError(
            f"A container with the volumes of {container[:12]} failed (exit code {done.code}).",
            evidence=done.output.strip().splitlines()[-5:],
            hint="docker ps -a; df -h",
        )


def ask_beside(
    container: str, image: str, user: str, name: str, script: str, *words: str
) -> list[str] | None:
    """Return what a read-only script prints, line by line; None where it failed."""
    done = _beside(f"{container}:ro", image, user, name, script, words)
    return None if done.code else done.output.splitlines()


def _beside(
    container: str, image: str, user: str, name: str, script: str, words: Sequence[str]
) -> processes.Completed:
    remove_container(name)
    return processes.run(
        [
            *("docker", "run", "--rm", "--name", name, "--network", "none", "--pull", "never"),
            *("--volumes-from", container, *(("--user", user) if user else ())),
            *("--entrypoint", "bash", image, "-c", script, "bash", *words),
        ],
        timeout_s=600,
    )


def read_config(output: str) -> dict[str, Any]:
    """Read the output of `docker compose config`; raises `MachineError` for other text."""
    # Warnings stand before the document, and may have braces themselves.
    document = re.search(r"^\{", output, re.MULTILINE)
    found: dict[str, Any]
    try:
        found, _ = json.JSONDecoder().raw_decode(output, document.start() if document else 0)
        msgspec.convert(found, _Config)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise MachineError(
            "docker compose config printed what kafka-tasks cannot read.",
            evidence=(f"{error}"[:200],),
            hint="docker compose version; docker compose config --format json",
        ) from error
    return found


def remove_container(identifier: str) -> None:
    """Remove one container, with its anonymous volumes."""
    processes.run(["docker", "rm", "--force", "--volumes", identifier], timeout_s=60)


def remove_network(identifier: str) -> bool:
    """Remove one network; False where a container is still on it, or where it is not there."""
    return processes.run(["docker", "network", "rm", identifier], timeout_s=60).code == 0


def remove_volume(name: str) -> bool:
    """Remove one volume; False where it is still in use, or is not there."""
    return processes.run(["docker", "volume", "rm", name], timeout_s=60).code == 0
