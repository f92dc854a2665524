"""The Compose file: mistakes in it that break the cluster or its data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kafka_tasks.diagnosis.configuration import FATAL_NAMES, REPLICATION, of_image, replication
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.finding import Finding, Level
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.runtimes import ports, roles

_APPUSER = 1000
# Image and whether it is a broker's → its data directories.
_DIRECTORIES: dict[tuple[str | None, bool], tuple[str, ...]] = {
    ("zookeeper", False): ("/data", "/datalog"),
    ("bitnami", False): ("/bitnami/zookeeper",),
    ("bitnami", True): ("/bitnami/kafka",),
    ("wurstmeister", True): ("/kafka",),
    ("debezium", False): ("/zookeeper/data",),
    ("debezium", True): ("/kafka/data",),
}


def _finding(
    id: str, level: Level, title: str, *, cause: str, fix: str, service: str, reference: str = ""
) -> Finding:
    return Finding(
        id,
        level,
        title,
        area="configuration",
        cause=cause,
        fix=fix,
        exit_code=3,
        service=service,
        reference=reference or None,
    )


def _compose_file(exam: Examination) -> Iterator[Finding]:
    """Report mistakes in the Compose file in use, as Compose reads it."""
    if exam.runtime != "compose":
        return
    from kafka_tasks.runtimes.compose import compose_file, left_out

    chosen = compose_file.choose(exam.settings)
    name = compose_file.project_of(exam.project.path, exam.record)
    notices = (chosen.notice, *left_out.lines(exam.settings, name))
    for notice in filter(None, notices):
        yield Finding("compose-file", "info", notice, area="configuration")
    try:
        config = _read(exam, chosen.path)
    except InvalidInput as error:
        yield of_error(error, "compose-file", "configuration")
        return
    except MachineError:
        return  # the check of Compose reports it
    settings, named = exam.settings, roles.images(exam.settings)
    found = [
        *_unworkable(config, settings.topology),
        *problems(config, settings.topology, named),
    ]
    yield from found
    if not found:
        yield Finding(
            "compose-file", "ok", f"{chosen.path} has no known mistakes", area="configuration"
        )


def _read(exam: Examination, path: Path) -> dict[str, Any]:
    """Return a Compose file as Compose reads it."""
    from kafka_tasks.runtimes import node_data
    from kafka_tasks.runtimes.compose import command, compose_file, file_variables

    settings, record = exam.settings, exam.record
    topology = record.topology if record else ports.as_set(settings, settings.topology)
    name = compose_file.project_of(exam.project.path, record)
    # A start has one as well, for a file that asks for it.
    id_ = (record.cluster_id if record else None) or node_data.new_id()
    project = command.Project(
        name=name,
        directory=exam.project.path,
        files=(path,),
        variables=file_variables.of(settings, topology, name, id_),
        profiles=compose_file.profiles_for(settings, path, topology),
    )
    return project.config()


def _unworkable(config: Mapping[str, Any], topology: Topology) -> Iterator[Finding]:
    """Report what the runtime would refuse, and what works badly."""
    from kafka_tasks.runtimes.compose import compose_file, file_problems

    for problem in file_problems.problems(compose_file.as_read(config, topology)):
        yield _finding(
            problem.id,
            "error" if problem.fatal else "warning",
            f"{problem}.",
            cause=problem.cause,
            fix=problem.fix,
            service=problem.service,
            reference=problem.reference or "",
        )


def problems(
    config: Mapping[str, Any], topology: Topology, named: Collection[str] = ()
) -> Iterator[Finding]:
    """Report mistakes in the services except in listeners; `named` images come from settings."""
    keeper = topology.mode == "zookeeper"
    fix = f"set a {'7.x tag' if keeper else 'whole version'} for the image in the Compose file"
    for planned in topology:
        name = planned.name
        service = config.get("services", {}).get(name)
        if service is None:
            continue
        yield from _container_name(name, service)
        if (image := str(service.get("image") or "")) and image not in named:
            fixed = of_image(image, fix, needs_zookeeper=keeper)
            yield from (replace(finding, service=name) for finding in fixed)
        yield from _published(name, service)
        if planned.role.serves_clients:
            yield from _environment(name, service, len(topology.brokers))
    yield from _persistence(config, topology)


def _container_name(name: str, service: Mapping[str, Any]) -> Iterator[Finding]:
    if fixed := service.get("container_name"):
        yield _finding(
            "container-name-fixed",
            "warning",
            f"{name} has the fixed container name {fixed}.",
            cause="Container names are unique per engine: a second checkout collides.",
            fix=f"delete container_name: {fixed} from the Compose file",
            service=name,
            reference="confluentinc/cp-all-in-one#55",
        )


def _published(name: str, service: Mapping[str, Any]) -> Iterator[Finding]:
    if service.get("network_mode") == "host":
        yield _finding(
            "exposed",
            "warning",
            f"{name} uses the host network: other machines can reach its ports.",
            cause="No password is needed: anyone who reaches it can read and delete all data.",
            fix="delete network_mode: host, and publish the ports on 127.0.0.1",
            service=name,
        )
    for port in service.get("ports") or ():
        host, published = str(port.get("host_ip") or "0.0.0.0"), port.get("published")  # noqa: S104
        if published and not host.startswith("127.") and host != "::1":
            yield _finding(
                "exposed",
                "warning",
                f"{name} publishes port {published} on {host}, where other machines can reach it.",
                cause="No password is needed: anyone who reaches it can read and delete all data.",
                fix=f'write "127.0.0.1:{published}:{port.get("target")}" under ports',
                service=name,
            )


def _environment(name: str, service: Mapping[str, Any], brokers: int) -> Iterator[Finding]:
    environment = service.get("environment") or {}
    for fatal in FATAL_NAMES:
        if environment.get(fatal):
            yield _finding(
                "kafka-port-variable",
                "error",
                f"{name} has {fatal} in its environment: the image refuses to start.",
                cause="The image turns each KAFKA_… variable into a property; this one is gone.",
                fix=f"delete {fatal} from environment and env_file of {name}",
                service=name,
                reference="confluentinc/cp-docker-images#388",
            )
    for key in REPLICATION[:2]:
        variable = f"KAFKA_{key.upper().replace('.', '_')}"
        value = str(environment.get(variable) or "3")  # Kafka's default
        if value.isdigit() and int(value) > brokers:
            yield replication(variable, int(value), brokers, f"{variable}: {brokers}")


def _data_directories(planned: Service, service: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where the image of a service keeps its data; nothing for an image that is unknown."""
    from kafka_tasks.runtimes.compose.service_config import ConfiguredService

    family = ConfiguredService(planned.name, service).family
    if family == "confluent":
        return roles.of(planned.role).container.data
    return _DIRECTORIES.get((family, planned.role.serves_clients), ())


def _persistence(config: Mapping[str, Any], topology: Topology) -> Iterator[Finding]:
    kept: dict[str, bool] = {}
    for planned in topology:
        name = planned.name
        service = config.get("services", {}).get(name) or {}
        mounts = [mount for mount in service.get("volumes") or () if mount.get("source")]
        for path in _data_directories(planned, service):
            targets = [str(mount.get("target")) for mount in mounts]
            kept[f"{name}:{path}"] = any(f"{path}/".startswith(f"{to}/") for to in targets)
        yield from _unwritable(name, mounts)
    lost = [place for place, is_kept in kept.items() if not is_kept]
    if lost and len(lost) < len(kept):
        yield _finding(
            "data-half-kept",
            "error",
            f"Only a part of the data is persistent: {', '.join(lost)} has no volume.",
            cause="After the next `docker compose down` the remaining part does not match: Kafka "
            "fails with InconsistentClusterIdException, or ZooKeeper does not start.",
            fix="declare a named volume for each of these directories, or for none",
            service=lost[0].partition(":")[0],
            reference="conduktor/kafka-stack-docker-compose#105",
        )


def _unwritable(name: str, mounts: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """Report bind mounts that the images' user cannot write."""
    for mount in mounts:
        path = Path(str(mount["source"]))
        if mount.get("type") != "bind" or not str(mount.get("target", "")).startswith("/var/lib/"):
            continue
        if (reason := _why_unwritable(path)) is None:
            continue
        yield _finding(
            "data-not-writable",
            "error",
            f"{name} cannot write {path}: it {reason}.",
            cause=f"The images run the servers as uid {_APPUSER}.",
            fix=f'mkdir -p "{path}" && sudo chown -R {_APPUSER} "{path}"; or use a named volume',
            service=name,
            reference="confluentinc/kafka-images#77",
        )


def _why_unwritable(path: Path) -> str | None:
    try:
        if not path.is_dir():
            return "does not exist, so the engine would create it as root"
        found = path.stat()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if found.st_uid != _APPUSER and not found.st_mode & 0o002:
        return f"belongs to uid {found.st_uid}"
    return None


CHECKS = (Check("Compose file", "configuration", _compose_file),)
