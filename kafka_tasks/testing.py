"""Fakes for tests of code that uses this package: time that does not pass, a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import Cluster, Observation, ServiceState
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.model.topology import Service, Topology, of_names, place_order
from kafka_tasks.retry import Deadline, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.protocol import Abilities, Recovered
from kafka_tasks.settings import Settings


@dataclass(slots=True)
class FakeClock:
    """Seconds that pass only in `sleep`; `sleeps` lists for how long."""

    now: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass so much time, at once."""
        self.sleeps.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """Return the moment `seconds` from now, on this clock."""
        return Deadline.after(seconds, self)


def instant_policy(
    clock: FakeClock | None = None, *, first_s: float = 0.01, cap_s: float = 0.05
) -> RetryPolicy:
    """Return a policy that waits on a fake clock; its deadline has to be on the same one."""
    time = clock or FakeClock()
    return RetryPolicy(first_s=first_s, cap_s=cap_s, clock=time, sleep=time.sleep)


INSTANT = instant_policy()


@dataclass(slots=True)
class FakeData:
    """A cluster's files in memory: `there` counts, `staged` is None where nothing is staged."""

    there: dict[str, bytes] = field(default_factory=dict)
    staged: dict[str, bytes] | None = None

    def broker_ids(self) -> dict[str, int]:
        """Return nothing: the data decides."""
        return {}

    def allocated(self) -> int:
        """Return the bytes of all files."""
        return sum(map(len, self.there.values()))

    def room(self) -> None:
        """Return None: memory is not counted."""

    def files(self) -> Iterator[DataFile]:
        """Yield every file, in order of places."""
        for name in sorted(self.there, key=lambda name: (place_order(name.split("/")[0]), name)):
            yield DataFile(name, len(self.there[name]), 0, [self.there[name]])

    def stage(self, files: Iterable[DataFile]) -> None:
        """Keep them beside those that are there."""
        self.staged = {}
        for file in files:
            self.staged[file.name] = b"".join(file.chunks)

    def swap(self) -> None:
        """Replace what is there with what is staged."""
        if self.staged is not None:
            self.there, self.staged = self.staged, None

    def discard(self) -> None:
        """Forget what is staged."""
        self.staged = None


class FakeRuntime:
    """A runtime in memory: services are names that live or do not.

    `dies` are services that end as soon as they are started, `refuses` is raised by `start`,
    `strays` run without being recorded, `files` is what the servers have left. `calls` lists what
    was asked of it, in order. With `remote` it is able to do nothing but to be looked at.
    """

    def __init__(
        self,
        project: Path,
        *,
        name: str = "fake",
        remote: bool = False,
        logs: Mapping[str, Sequence[str]] | None = None,
        dies: Sequence[str] = (),
        refuses: KafkaTasksError | None = None,
        strays: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.abilities = Abilities() if remote else Abilities(self, self, self, self)
        self.calls: list[str] = []
        self.dies = set(dies)
        self.refuses = refuses
        self._project = project
        self._remote = remote
        self._lines = {service: list(lines) for service, lines in (logs or {}).items()}
        self._strays = list(strays)
        self._known: dict[str, ServiceState] = {}
        self._killed: set[str] = set()
        self._pids = 1000
        self.files = FakeData()

    # -- look ----------------------------------------------------------------------------------

    def plan(self, settings: Settings) -> Cluster:
        """Return a cluster at the ports of the settings; those of `auto` are Kafka's own."""
        found = Cluster.of(
            _placed(settings),
            project=self._project,
            runtime=self.name,
            kafka_version=_VERSION,
        )
        topology = Topology() if self._remote else found.topology
        return replace(found, topology=topology, had_data=False)

    def observe(self) -> Observation:
        """Look at every service that was ever started."""
        return Observation(tuple(self._known[name] for name in of_names(self._known).names))

    # -- servers -------------------------------------------------------------------------------

    def expect_start(self, settings: Settings) -> None:
        """Begin nothing."""

    def start(
        self,
        settings: Settings,
        services: Sequence[str] | None = None,
        *,
        seen: Observation | None = None,
    ) -> Cluster:
        """Bring to life what is not alive; those in `dies` end at once."""
        self.calls.append(_call("start", services))
        if self.refuses is not None:
            raise self.refuses
        for service in _placed(settings):
            known = self._known.get(service.name)
            wanted = services is None or service.name in services
            if wanted and not (known and known.alive):
                self._revive(service)
        return self.plan(settings)

    def _revive(self, service: Service) -> None:
        self._pids += 1
        alive = service.name not in self.dies
        self._known[service.name] = ServiceState(
            name=service.name,
            role=service.role,
            alive=alive,
            address=service.address,
            pid=self._pids if alive else None,
            uptime_s=0.0 if alive else None,
            version=_VERSION if roles.of(service.role).shows_version else None,
        )
        self._killed.discard(service.name)

    def kill(self, service: str) -> None:
        """End a service without a goodbye."""
        self._end(service)
        self._killed.add(service)

    def _end(self, service: str) -> None:
        known = self._known[service]
        self._known[service] = replace(known, alive=False, pid=None, uptime_s=None)

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """End what lives, brokers first; `wipe` forgets it too."""
        self.calls.append(_call("stop", services) + (" wipe" if wipe else ""))
        waves = of_names(self.observe().alive).stop_waves
        order = [service for wave in waves for service in wave]
        chosen = [each.name for each in order if services is None or each.name in services]
        for name in chosen:
            self._end(name)
        if wipe:
            self._known.clear()
            self._killed.clear()
            self.files.there.clear()
        return tuple(chosen)

    def take_back(self, *, interrupted: bool) -> tuple[str, ...]:
        """Stop what lives."""
        return self.stop() if interrupted or self.observe().alive else ()

    def logs(self, service: str, tail: int) -> list[str]:
        """Return the last lines of those it was made with."""
        return self._lines.get(service, [])[-tail:] if tail else []

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """Yield the last lines; unlike a real log, this one ends."""
        yield from self.logs(service, tail)

    # -- recovery ------------------------------------------------------------------------------

    def suspend(self, service: str) -> None:
        """Suspend a service, alive, until `recover`."""
        self._known[service] = replace(self._known[service], suspended=True)

    def recover(self) -> Recovered:
        """Record the strays and resume what is suspended."""
        adopted, self._strays = tuple(self._strays), []
        for service in of_names(adopted):
            self._revive(service)
        resumed = self.observe().suspended
        for name in resumed:
            self._known[name] = replace(self._known[name], suspended=False)
        return Recovered(self.observe(), adopted, resumed)

    def unclean(self, seen: Observation) -> bool:
        """Return whether a broker was killed and has not been started since."""
        return bool(of_names(self._killed).brokers)

    def perhaps_registered(self, seen: Observation) -> bool:
        """Return whether a broker was killed and has not been started since."""
        return self.unclean(seen)

    def exited(self) -> frozenset[str]:
        """Return the services that were killed and have not been started since."""
        return frozenset(self._killed)

    # -- preparation ---------------------------------------------------------------------------

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Return that everything is here."""
        return ("nothing",)

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Return False."""
        return False

    def prepare_next_start(self, *, wait: bool = False) -> None:
        """Note the call."""
        self.calls.append("prepare")

    # -- data ----------------------------------------------------------------------------------

    def has_data(self, settings: Settings) -> bool:
        """Return whether `files` has any."""
        return bool(self.files.there)

    @contextmanager
    def data(self, settings: Settings) -> Iterator[FakeData]:
        """Give `files`."""
        self.calls.append("data")
        yield self.files

    def expect(self, settings: Settings) -> None:
        """Note for how many brokers it was called."""
        self.calls.append(f"expect {settings.brokers}")


_VERSION = "3.9.1"
_PORTS = {"port": 9092, "zookeeper_port": 2181}


def _placed(settings: Settings) -> Topology:
    """Return the services of these settings at their ports."""
    topology = settings.topology
    numbers = []
    for service in topology:
        setting = roles.of(service.role).port_setting
        first = getattr(settings, setting)
        numbers.append((first if isinstance(first, int) else _PORTS[setting]) + service.number - 1)
    return topology.at(numbers)


def _call(verb: str, services: Sequence[str] | None) -> str:
    return verb if services is None else f"{verb} {','.join(services)}"


__all__ = ["INSTANT", "FakeClock", "FakeData", "FakeRuntime", "instant_policy"]
