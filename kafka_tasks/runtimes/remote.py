"""A remote cluster: it is looked at and used, never started or stopped."""

from __future__ import annotations

import shlex

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.client_names import CA_PEM, OAUTHBEARER
from kafka_tasks.model.cluster import Cluster, Observation, ServiceState
from kafka_tasks.model.topology import Topology, broker_name, of_names
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.settings import Settings


class RemoteRuntime:
    """The brokers behind KAFKA_TASKS_BOOTSTRAP_SERVERS."""

    name = "remote"
    abilities = Abilities()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def plan(self, settings: Settings) -> Cluster:
        """Return the cluster at the addresses of the settings; raises `InvalidInput`."""
        return Cluster(
            project=settings.project,
            runtime=self.name,
            topology=Topology(),
            bootstrap=settings.bootstrap_servers or (),
            brokers=1,
            client={**settings.client(), **_trusted(settings)},
            token_command=settings.token_command
            if settings.sasl_mechanism == OAUTHBEARER
            else None,
            token_limit_s=settings.timeout,
        )

    def observe(self) -> Observation:
        """Return one entry per address; whether it answers is for the probes to say."""
        servers = self._settings.bootstrap_servers or ()
        named = of_names(broker_name(number) for number in range(1, len(servers) + 1))
        return Observation(
            tuple(
                ServiceState(broker.name, broker.role, alive=True, address=address)
                for broker, address in zip(named.brokers, servers, strict=True)
            )
        )


def _trusted(settings: Settings) -> dict[str, str]:
    """Return the certificates of a trust store as librdkafka reads them; raises `InvalidInput`."""
    path = settings.ssl_truststore_location
    if path is None:
        return {}
    from kafka_tasks.clients.certificates import pem_of_trust_store

    try:
        found = pem_of_trust_store(path, settings.ssl_truststore_password or "")
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"The trust store {path} cannot be read.",
            evidence=(str(error),),
            hint="invoke kafka.config shows KAFKA_TASKS_SSL_TRUSTSTORE_LOCATION and …_PASSWORD "
            "with their origin; the file is PKCS#12",
        ) from error
    if not found:
        raise InvalidInput(
            f"The trust store {path} has no certificate.",
            hint=f"keytool -list -keystore {shlex.quote(str(path))} shows its entries",
        )
    return {CA_PEM: found}
