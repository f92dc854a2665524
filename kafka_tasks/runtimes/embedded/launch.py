"""A server's configuration and command line, and the start of its process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.model.cluster import ZOOKEEPER, broker_name
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.embedded import class_archive, process_tags, properties
from kafka_tasks.settings import Settings

_MAIN: dict[class_archive.Role, str] = {
    "zookeeper": "org.apache.zookeeper.server.quorum.QuorumPeerMain",
    "kafka": "kafka.Kafka",
}


@dataclass(frozen=True, slots=True)
class Launcher:
    """One start: Java, class path and archives are chosen; `lists` gets the class lists by role."""

    project: Project
    settings: Settings
    archives: class_archive.Archives
    built: bool
    further: Mapping[str, str]
    lists: dict[class_archive.Role, Path] = field(default_factory=dict)

    def configure(self, name: str, record: ClusterRecord) -> None:
        """Write the server's properties and log settings."""
        folder = self.project.state / "conf"
        try:
            for suffix, text in (
                ("properties", properties.render(self._properties(name, record))),
                ("log4j", properties.log_settings(name)),
            ):
                private.write(folder / f"{name}.{suffix}", text.encode("ascii"))
        except OSError as error:
            raise unwritable(folder, error) from error

    def _properties(self, name: str, record: ClusterRecord) -> dict[str, str]:
        if name == ZOOKEEPER:
            return properties.zookeeper(record.zookeeper_port)
        return properties.broker(
            name,
            port=ports.of_service(name, record.port, record.zookeeper_port),
            zookeeper_port=record.zookeeper_port,
            brokers=record.brokers,
            further=self.further,
        )

    def spawn(self, record: ClusterRecord, service: ServiceRecord) -> processes.Identity:
        """Start the server's process in the state directory, detached from this one."""
        root, name = self.project.state, service.name
        return processes.spawn_detached(
            [
                str(self.archives.java.executable),
                *self._jvm_flags(name),
                *process_tags.arguments(self.project.path, record, service),
                f"-Dlog4j.configuration=file:./conf/{name}.log4j",
                *("-cp", ":".join(map(str, self.archives.class_path))),
                _MAIN[_role(name)],
                f"./conf/{name}.properties",
            ],
            cwd=root,
            environ=class_archive.java_environment(),
            output=root / "logs" / f"{name}.out",
            umask=private.UMASK,
        )

    def _jvm_flags(self, name: str) -> list[str]:
        """Serial collector, first compiler and no perf file: the fastest start, measured."""
        role = _role(name)
        class_list = None
        if not self.built and name in (ZOOKEEPER, broker_name(1)):
            class_list = self.project.state / "run" / f"{role}.classlist"
            self.lists[role] = class_list
        heap = self.settings.zookeeper_heap if name == ZOOKEEPER else self.settings.heap
        return [
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xshare:auto",
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
            # ZooKeeper has nothing to do at SIGTERM; left to the JVM, it takes 0.3 s over that.
            *(["-Xrs"] if name == ZOOKEEPER else []),
            *self.archives.flags(role, built=self.built, class_list=class_list),
            "-Djava.awt.headless=true",
            "-Djava.net.preferIPv4Stack=true",
        ]


def _role(name: str) -> class_archive.Role:
    return "zookeeper" if name == ZOOKEEPER else "kafka"
