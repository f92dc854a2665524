"""A cluster that somebody else runs: attached to, never started or stopped from here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NoReturn

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.cluster import Capabilities, Cluster, ServiceState, broker_name
from kafka_tasks.model.data_files import Data
from kafka_tasks.settings import Settings


class RemoteRuntime:
    """The brokers behind KAFKA_TASKS_BOOTSTRAP_SERVERS."""

    name = "remote"
    capabilities = Capabilities(lifecycle=False, wipe=False, logs=False, zookeeper=False)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def cluster(self, settings: Settings) -> Cluster:
        """Where it is, as the settings say."""
        servers = settings.bootstrap_servers or ()
        return Cluster(
            project=settings.project,
            runtime=self.name,
            bootstrap=servers,
            zookeeper=None,
            brokers=1,
            client=settings.client(),
        )

    def services(self) -> tuple[ServiceState, ...]:
        """One entry an address; whether they live is for the probes to say."""
        servers = self._settings.bootstrap_servers or ()
        return tuple(
            ServiceState(broker_name(index), "broker", alive=True, address=address)
            for index, address in enumerate(servers, start=1)
        )

    def start(self, settings: Settings, services: Sequence[str] | None = None) -> Cluster:
        """Decline."""
        self._decline("neither started nor stopped")

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Decline."""
        self._decline("neither stopped nor started")

    def adopt(self) -> tuple[str, ...]:
        """There is nothing of ours."""
        return ()

    def resume(self) -> tuple[str, ...]:
        """There is nothing of ours."""
        return ()

    def unclean(self) -> bool:
        """Not for us to know."""
        return False

    def perhaps_registered(self) -> bool:
        """Not for us to know."""
        return False

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Nothing is needed to look at it."""
        return ()

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Never."""
        return False

    def settled(self, *, wait: bool = False) -> None:
        """There is nothing to prepare."""

    def has_data(self, settings: Settings) -> bool:
        """None that could be reached."""
        return False

    def data(self, settings: Settings) -> AbstractContextManager[Data]:
        """Decline."""
        self._decline("neither saved nor restored")

    def expect(self, settings: Settings) -> None:
        """There is nothing to write down."""

    def logs(self, service: str, tail: int) -> list[str]:
        """Its logs are elsewhere: a line that says so."""
        return ["the logs of a cluster that somebody else runs are not here"]

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """Its logs are elsewhere."""
        self._decline("not followed")

    def _decline(self, verb: str) -> NoReturn:
        servers = ",".join(map(str, self._settings.bootstrap_servers or ()))
        raise InvalidInput(
            f"The cluster at {servers} is run by somebody else and is {verb} from here.",
            hint="unset KAFKA_TASKS_BOOTSTRAP_SERVERS to have a cluster of your own; "
            "invoke kafka.status looks at this one",
        )
