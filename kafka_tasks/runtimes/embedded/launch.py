"""A server's configuration and command line, and the start of its process."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec import Struct, field

from kafka_tasks.clients import processes
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.embedded import class_archive, process_tags, properties
from kafka_tasks.runtimes.roles import secured
from kafka_tasks.runtimes.roles.recipe import Recipe
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings


class Launcher(Struct, frozen=True):
    """One start: Java, class path and archives are chosen; `lists` has a class list per archive.

    Where it `trains`, `outputs` has the AOT caches that are still to be written, by archive.
    """

    project: Project
    settings: Settings
    archives: class_archive.Archives
    built: frozenset[str]
    further: BrokerProperties
    lists: dict[str, Path] = field(default_factory=dict)
    trains: bool = False
    outputs: dict[str, Path] = field(default_factory=dict)

    def configure(self, service: Service, topology: Topology) -> None:
        """Write the server's properties and log settings."""
        folder = self.project.state / "conf"
        name = service.name
        further = {**self._users(), **self.further.of(service)}
        wanted = roles.of(service.role).configure(service, topology, further)
        logging = self._log_settings(name)
        try:
            for suffix, text in (
                ("properties", properties.render(wanted)),
                (logging.suffix, logging.text),
            ):
                private.write(folder / f"{name}.{suffix}", text.encode("ascii"))
        except OSError as error:
            raise unwritable(folder, error) from error

    def _users(self) -> dict[str, str]:
        """Return the properties that tell a broker of its PLAIN users; none of other kinds."""
        security = self.settings.security
        if security is None or security.kind != "plain":
            return {}
        passwords = SecureStore.of(self.project).passwords()
        login = secured.plain_login(passwords.users if passwords else {})
        return secured.plain_users(login)

    def spawn(self, record: ClusterRecord, service: ServiceRecord) -> processes.Identity:
        """Start the server's process in the state directory, detached from this one."""
        root, name = self.project.state, service.name
        recipe = roles.of(service.role)
        scratch = _emptied(root / "run" / f"{name}.tmp")
        return processes.spawn_detached(
            [
                str(self.archives.java.executable),
                *self._jvm_flags(recipe),
                *process_tags.arguments(self.project.path, record, service),
                self._log_settings(name).flag,
                f"-Djava.io.tmpdir={scratch}",
                *("-cp", ":".join(map(str, self.archives.class_path))),
                recipe.main_class,
                f"./conf/{name}.properties",
            ],
            cwd=root,
            environ=class_archive.java_environment(),
            output=root / "logs" / f"{name}.out",
            umask=private.UMASK,
        )

    def _log_settings(self, service: str) -> properties.LogSettings:
        return properties.log_settings(service, self.settings.line.log_backend)

    def _jvm_flags(self, recipe: Recipe) -> list[str]:
        """Return the flags of the fastest start: serial collector, first compiler, no perf file."""
        return [
            f"-Xmx{getattr(self.settings, recipe.heap_setting)}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xlog:disable",
            "-Xlog:all=error:stderr",
            *self.archives.java.quiet_flags,
            # A JVM that leaves SIGTERM to the system exits without writing its AOT cache.
            *(() if self.trains else recipe.jvm_flags),
            *self._class_flags(recipe.archive),
            *(secured.JVM_FLAGS if self.settings.security else ()),
            "-Djava.awt.headless=true",
            "-Djava.net.preferIPv4Stack=true",
        ]

    def _class_flags(self, archive: str) -> list[str]:
        """Use the archive; without one, the first of its servers lists the classes for it.

        While AOT caches are trained, the first of its servers writes one.
        """
        if archive in self.built:
            return self.archives.flags(archive)
        if self.archives.are_trained:
            output = self.outputs.pop(archive, None)
            return [f"-XX:AOTCacheOutput={output}"] if output else []
        if archive in self.lists:
            return ["-Xshare:auto"]
        self.lists[archive] = self.project.state / "run" / f"{archive}.classlist"
        return ["-Xshare:auto", f"-XX:DumpLoadedClassList={self.lists[archive]}"]


def _emptied(scratch: Path) -> Path:
    """Return an empty directory for what a server unpacks there: it may not run from /tmp."""
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
    except OSError as error:
        raise unwritable(scratch, error) from error
    return scratch
