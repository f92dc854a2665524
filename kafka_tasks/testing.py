"""Fakes for tests of code that uses this package: time that does not pass, a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import (
    ZOOKEEPER,
    Address,
    Capabilities,
    Cluster,
    ServiceState,
    broker_id,
    service_names,
)
from kafka_tasks.model.data_files import DataFile, place_order
from kafka_tasks.retry import Deadline, RetryPolicy
from kafka_tasks.settings import Settings


@dataclass(slots=True)
class FakeClock:
    """Seconds that pass only when somebody sleeps; `sleeps` lists for how long."""

    now: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so much time pass, at once."""
        self.sleeps.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """The moment `seconds` from now, on this clock."""
        return Deadline.after(seconds, self)


def instant_policy(
    clock: FakeClock | None = None, *, first_s: float = 0.01, cap_s: float = 0.05
) -> RetryPolicy:
    """A policy that waits on a fake clock; its deadline has to be on the same one."""
    time = clock or FakeClock()
    return RetryPolicy(first_s=first_s, cap_s=cap_s, clock=time, sleep=time.sleep)


INSTANT = instant_policy()


@dataclass(slots=True)
class FakeData:
    """A cluster's files in memory: `there` counts, `staged` is None where nothing is staged."""

    there: dict[str, bytes] = field(default_factory=dict)
    staged: dict[str, bytes] | None = None

    def broker_ids(self) -> dict[str, int]:
        """Whatever the data says."""
        return {}

    def allocated(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.there.values()))

    def room(self) -> None:
        """Memory is not counted."""

    def files(self) -> Iterator[DataFile]:
        """Every file, in order of places."""
        for name in sorted(self.there, key=lambda name: (place_order(name.split("/")[0]), name)):
            yield DataFile(name, len(self.there[name]), 0, [self.there[name]])

    def stage(self, files: Iterable[DataFile]) -> None:
        """Keep them beside those that are there."""
        self.staged = {}
        for file in files:
            self.staged[file.name] = b"".join(file.chunks)

    def swap(self) -> None:
        """What is staged is there now."""
        if self.staged is not None:
            self.there, self.staged = self.staged, None

    def discard(self) -> None:
        """Nothing is staged any more."""
        self.staged = None


class FakeRuntime:
    """A runtime in memory: services are names that live or do not.

    `dies` are services that end as soon as they are started, `refuses` is raised by `start`,
    `strays` run without being recorded, `files` is what the servers have left. `calls` lists what
    was asked of it, in order.
    """

    def __init__(
        self,
        project: Path,
        *,
        name: str = "fake",
        capabilities: Capabilities | None = None,
        logs: Mapping[str, Sequence[str]] | None = None,
        dies: Sequence[str] = (),
        refuses: KafkaTasksError | None = None,
        strays: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities()
        self.calls: list[str] = []
        self.dies = set(dies)
        self.refuses = refuses
        self._project = project
        self._lines = {service: list(lines) for service, lines in (logs or {}).items()}
        self._strays = list(strays)
        self._known: dict[str, ServiceState] = {}
        self._killed: set[str] = set()
        self._pids = 1000
        self.files = FakeData()

    def cluster(self, settings: Settings) -> Cluster:
        """On localhost, at the ports of the settings (9092 and 2181 for `auto`)."""
        port = settings.port if isinstance(settings.port, int) else 9092
        keeper = settings.zookeeper_port if isinstance(settings.zookeeper_port, int) else 2181
        return Cluster(
            project=self._project,
            runtime=self.name,
            bootstrap=tuple(Address("localhost", port + n) for n in range(settings.brokers)),
            zookeeper=Address("localhost", keeper) if self.capabilities.zookeeper else None,
            brokers=settings.brokers,
            kafka_version="3.9.1",
            had_data=False,
        )

    def start(self, settings: Settings, services: Sequence[str] | None = None) -> Cluster:
        """Bring to life what is not alive; those in `dies` end at once."""
        self.calls.append(_call("start", services))
        if self.refuses is not None:
            raise self.refuses
        for name in service_names(settings.brokers):
            known = self._known.get(name)
            if (services is None or name in services) and not (known and known.alive):
                self._revive(name)
        return self.cluster(settings)

    def _revive(self, name: str) -> None:
        self._pids += 1
        alive = name not in self.dies
        keeper = name == ZOOKEEPER
        self._known[name] = ServiceState(
            name=name,
            role="zookeeper" if keeper else "broker",
            alive=alive,
            address=Address("localhost", 2181 if keeper else 9091 + broker_id(name)),
            pid=self._pids if alive else None,
            uptime_s=0.0 if alive else None,
            version=None if keeper else "3.9.1",
        )
        self._killed.discard(name)

    def kill(self, service: str) -> None:
        """Let a service end without a goodbye."""
        self._end(service)
        self._killed.add(service)

    def _end(self, service: str) -> None:
        known = self._known[service]
        self._known[service] = replace(known, alive=False, pid=None, uptime_s=None)

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """End what lives, brokers first; `wipe` forgets it too."""
        self.calls.append(_call("stop", services) + (" wipe" if wipe else ""))
        chosen = [
            service.name
            for service in reversed(self.services())
            if service.alive and (services is None or service.name in services)
        ]
        for name in chosen:
            self._end(name)
        if wipe:
            self._known.clear()
            self._killed.clear()
            self.files.there.clear()
        return tuple(chosen)

    def services(self) -> tuple[ServiceState, ...]:
        """Every service that was ever started, ZooKeeper first."""
        names = sorted(self._known, key=lambda name: (name != ZOOKEEPER, name))
        return tuple(self._known[name] for name in names)

    def adopt(self) -> tuple[str, ...]:
        """Take the strays in."""
        found, self._strays = tuple(self._strays), []
        for name in found:
            self._revive(name)
        return found

    def suspend(self, service: str) -> None:
        """Let a service stand still, alive, until `resume`."""
        self._known[service] = replace(self._known[service], suspended=True)

    def resume(self) -> tuple[str, ...]:
        """Let go on what stands still."""
        found = tuple(service.name for service in self.services() if service.suspended)
        for name in found:
            self._known[name] = replace(self._known[name], suspended=False)
        return found

    def unclean(self) -> bool:
        """Whether a broker was killed and has not been started since."""
        return any(name != ZOOKEEPER for name in self._killed)

    def perhaps_registered(self) -> bool:
        """The same."""
        return self.unclean()

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Everything is here."""
        return ("nothing",)

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Never."""
        return False

    def settled(self, *, wait: bool = False) -> None:
        """Note that it was told."""
        self.calls.append("settled")

    def has_data(self, settings: Settings) -> bool:
        """Whether `files` has any."""
        return bool(self.files.there)

    @contextmanager
    def data(self, settings: Settings) -> Iterator[FakeData]:
        """`files`."""
        self.calls.append("data")
        yield self.files

    def expect(self, settings: Settings) -> None:
        """Note for how many brokers it was told."""
        self.calls.append(f"expect {settings.brokers}")

    def logs(self, service: str, tail: int) -> list[str]:
        """The last lines of those it was made with."""
        return self._lines.get(service, [])[-tail:] if tail else []

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """The last lines; unlike a real log, this one ends."""
        yield from self.logs(service, tail)


def _call(verb: str, services: Sequence[str] | None) -> str:
    return verb if services is None else f"{verb} {','.join(services)}"


__all__ = ["INSTANT", "FakeClock", "FakeData", "FakeRuntime", "instant_policy"]
