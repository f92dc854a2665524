"""The Docker engine: the only importer of docker. It reads, and writes files into containers."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils import parse_repository_tag
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from kafka_tasks.clients.container import PROJECT, WORKING_DIRECTORY, Container, inspected
from kafka_tasks.clients.docker_errors import is_here, no_context, no_engine, no_image, said
from kafka_tasks.errors import EngineRefused, InvalidInput, KafkaTasksError

# start_interval of a health check needs this API (engine 25).
_START_INTERVAL_API = (1, 44)
# The limit between two chunks of a file that is read or written, in seconds.
_TRANSFER_S = 300.0
# The largest file that is read as a whole, in bytes.
_SMALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Made:
    """What a Compose project has besides containers: the ids of networks, the names of volumes."""

    networks: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()


class Engine:
    """A connection to the engine that the docker command uses."""

    def __init__(self, client: docker.DockerClient, host: str) -> None:
        self._client = client
        self.host = host
        # The client has asked for the engine's, which takes that 10 ms.
        self.api_version = tuple(int(part) for part in client.api.api_version.split("."))

    @classmethod
    def connect(cls, environ: Mapping[str, str], timeout_s: float = 10.0) -> Engine:
        """Connect by DOCKER_HOST, else by the current context; raises `EngineMissing`."""
        host = environ.get("DOCKER_HOST") or ""
        try:
            if host:
                client = docker.from_env(environment=dict(environ), timeout=timeout_s)
            else:
                context = ContextAPI.get_context(environ.get("DOCKER_CONTEXT"))
                if context is None:
                    raise no_context(environ.get("DOCKER_CONTEXT"))
                host = context.Host or "unix:///var/run/docker.sock"
                client = docker.DockerClient(
                    base_url=host, tls=context.TLSConfig, timeout=timeout_s, version="auto"
                )
            return cls(client, host)
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise no_engine(host, error) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @property
    def is_local(self) -> bool:
        """True if 127.0.0.1 of the engine is 127.0.0.1 here."""
        return is_here(self.host)

    @property
    def has_start_interval(self) -> bool:
        """True if health checks can run more often while a container starts."""
        return self.api_version >= _START_INTERVAL_API

    def containers(self, **labels: str) -> list[Container]:
        """Return every container with these labels, including stopped ones."""
        wanted = [f"{key}={value}" for key, value in labels.items()]
        rows = self._ask(lambda: self._client.api.containers(all=True, filters={"label": wanted}))
        return [found for row in rows if (found := self._inspect(row["Id"]))]

    def of_directory(self, directory: Path) -> list[Container]:
        """Return every container that Compose created for this directory, under any name."""
        return self.containers(**{WORKING_DIRECTORY: str(directory)})

    def of_project(self, name: str) -> list[Container]:
        """Return every container of a Compose project."""
        return self.containers(**{PROJECT: name})

    def publisher(self, port: int) -> Container | None:
        """Return the running container that publishes this port of the machine."""
        rows = self._ask(lambda: self._client.api.containers(filters={"publish": str(port)}))
        for row in rows:
            found = self._inspect(row["Id"])
            if found and port in found.ports.values():
                return found
        return None

    def _inspect(self, identifier: str) -> Container | None:
        try:
            return inspected(self._ask(lambda: self._client.api.inspect_container(identifier)))
        except (NotFound, EngineRefused):
            return None

    def has_image(self, name: str) -> bool:
        """Return True if the image is on the machine."""
        return self.image_id(name) is not None

    def image_id(self, name: str) -> str | None:
        """Return the digest of an image, or None if it is not on the machine."""
        try:
            found = self._ask(lambda: self._client.api.inspect_image(name))
        except ImageNotFound:
            return None
        return str(found["Id"])

    def image_architecture(self, name: str) -> str | None:
        """Return the architecture of an image, or None if it is not on the machine."""
        try:
            found = self._ask(lambda: self._client.api.inspect_image(name))
        except ImageNotFound:
            return None
        return str(found.get("Architecture") or "") or None

    @cached_property
    def version(self) -> str:
        """The engine's version."""
        return str(self._told.get("Version", ""))

    @cached_property
    def architecture(self) -> str:
        """The engine's word for that of its machine, which may be a virtual one."""
        return str(self._told.get("Arch", ""))

    @cached_property
    def _told(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._ask(self._client.version)
        return found

    def memory_bytes(self) -> int:
        """Return the bytes of memory of the engine's machine, which may be a virtual one."""
        return int(self._ask(self._client.info).get("MemTotal") or 0)

    def can_pull(self, name: str) -> bool:
        """Return True if the registry answers and has the image."""
        try:
            self._client.api.inspect_distribution(name)
        except (APIError, RequestException):
            return False
        return True

    def pull(self, name: str, progress: Callable[[int, int], None]) -> None:
        """Pull an image and report bytes done and in total; raises `ImageMissing`."""
        layers: dict[str, tuple[int, int]] = {}
        repository, tag = parse_repository_tag(name)
        tag = tag or "latest"  # without a tag the engine would pull all of them
        try:
            for line in self._client.api.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in line:
                    raise no_image(name, str(line["error"]))
                detail = line.get("progressDetail") or {}
                if line.get("status") == "Downloading" and detail.get("total"):
                    layers[line["id"]] = (int(detail["current"]), int(detail["total"]))
                    done, total = (sum(column) for column in zip(*layers.values(), strict=True))
                    progress(done, total)
        except (APIError, RequestException, HTTPError) as error:
            raise no_image(name, said(error)) from error

    def logs(self, container: str, tail: int) -> list[str]:
        """Return the last lines of a container's output."""
        try:
            raw = self._ask(lambda: self._client.api.logs(container, tail=tail or 0))
        except (NotFound, EngineRefused):  # the container is being removed
            return []
        text: str = raw.decode("utf-8", "replace")
        return text.splitlines()

    def follow(self, container: str, tail: int) -> Iterator[str]:
        """Yield the last lines and each new one, until the container exits."""
        try:
            chunks = self._ask(
                lambda: self._client.api.logs(container, tail=tail, stream=True, follow=True)
            )
        except (NotFound, EngineRefused):  # the container is being removed
            return
        rest = b""
        try:
            for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line.decode("utf-8", "replace")
        except (RequestException, HTTPError, OSError) as error:
            raise no_engine(self.host, error) from error
        if rest:
            yield rest.decode("utf-8", "replace")

    def has_volumes(self, project: str) -> bool:
        """Return True if a Compose project has volumes."""
        filters = {"label": f"{PROJECT}={project}"}
        return bool(self._ask(lambda: self._client.api.volumes(filters=filters))["Volumes"])

    def labelled_volumes(self, label: str) -> dict[str, str]:
        """Return the volumes that have a label: name to the label's text."""
        found = self._ask(lambda: self._client.api.volumes(filters={"label": label}))["Volumes"]
        return {volume["Name"]: volume["Labels"][label] for volume in found or ()}

    def made_for(self, project: str) -> Made:
        """Return what Compose made for a project: the ids of its networks, and its volumes."""
        filters = {"label": f"{PROJECT}={project}"}
        networks = self._ask(lambda: self._client.api.networks(filters=filters))
        volumes = self._ask(lambda: self._client.api.volumes(filters=filters))["Volumes"]
        return Made(
            frozenset(network["Id"] for network in networks),
            frozenset(volume["Name"] for volume in volumes or ()),
        )

    def is_stopped(self, container: str) -> bool:
        """Return True if a process of this container is suspended; False if that is unknown."""
        try:
            seen = self._client.api.top(container, ps_args="-o pid,stat")
        except (DockerException, RequestException, OSError):
            return False
        return any(row[-1].startswith("T") for row in seen.get("Processes") or ())

    def disk_usage(self, container: Container) -> int | None:
        """Return the bytes on disk of a running container's volumes; None where it cannot tell."""
        api = self._client.api
        command = ["du", "-sk", *container.volumes.values()]
        try:
            made = self._ask(lambda: api.exec_create(container.id, command, stderr=False))
            told = self._ask(lambda: api.exec_start(made["Id"])).decode(errors="replace")
            ended = self._ask(lambda: api.exec_inspect(made["Id"])).get("ExitCode")
        except (NotFound, KafkaTasksError):
            return None
        sizes = [line.split("\t")[0] for line in told.splitlines()]
        if ended or len(sizes) != len(container.volumes) or not all(map(str.isdecimal, sizes)):
            return None
        return 1024 * sum(map(int, sizes))

    def volumes_bytes(self, project: str) -> int | None:
        """Return the bytes in the volumes of a Compose project; None if unknown, or without any.

        The engine counts the whole length of sparse files, 20 MB for each partition of Kafka.
        """
        api = self._client.api
        # The SDK's df() also measures images and containers, which takes long.
        answer = self._ask(
            lambda: api.get(
                f"{api.base_url}/v{api.api_version}/system/df",
                params={"type": "volume"},
                timeout=api.timeout,
            ).json()
        )
        sizes = [
            (volume.get("UsageData") or {}).get("Size", -1)
            for volume in answer.get("Volumes") or ()
            if (volume.get("Labels") or {}).get(PROJECT) == project
        ]
        return sum(sizes) if sizes and min(sizes) >= 0 else None

    def read_directory(self, container: str, path: str) -> Iterator[bytes]:
        """Yield a directory of a container, running or not, as the chunks of a tar file.

        Raises `InvalidInput` where the container has no such directory.
        """
        with self._more_time():
            try:
                chunks, _ = self._ask(lambda: self._client.api.get_archive(container, path))
            except NotFound as error:
                raise InvalidInput(
                    f"The container has no directory {path}.", evidence=(said(error),)
                ) from error
            try:
                yield from chunks
            except (RequestException, HTTPError, OSError) as error:
                raise no_engine(self.host, error) from error

    def read_file(self, container: str, path: str) -> bytes | None:
        """Return a small file of a container, running or not; None if it does not exist."""
        try:
            chunks, seen = self._ask(lambda: self._client.api.get_archive(container, path))
        except NotFound:
            return None
        if seen["size"] > _SMALL:
            return None
        try:
            packed = b"".join(chunks)
        except (RequestException, HTTPError, OSError) as error:
            raise no_engine(self.host, error) from error
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            member = tar.next()
            content = tar.extractfile(member) if member else None
            return content.read() if content else None

    def write_directory(self, container: str, path: str, tar: Iterable[bytes]) -> None:
        """Unpack the chunks of a tar file into a directory of a container, running or not."""
        with self._more_time():
            self._ask(lambda: self._client.api.put_archive(container, path, iter(tar)))

    @contextlib.contextmanager
    def _more_time(self) -> Iterator[None]:
        """Allow more time for answers: a busy disk delays them."""
        before, self._client.api.timeout = self._client.api.timeout, _TRANSFER_S
        try:
            yield
        finally:
            self._client.api.timeout = before

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except NotFound:
            raise
        except APIError as error:
            raise EngineRefused(
                "The Docker engine refused.", evidence=(said(error),), hint="docker ps -a"
            ) from error
        except (RequestException, OSError) as error:
            raise no_engine(self.host, error) from error
