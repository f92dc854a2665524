"""Layer `broker`: every bootstrap address answers the Kafka protocol, of a remote cluster one.

An open port proves nothing: a published Docker port accepts before the broker listens.
"""

from __future__ import annotations

from kafka_tasks.errors import BrokerUnreachable, CannotConnect
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet

# For the other addresses of a remote cluster that answers: the way to them may be long.
_PATIENCE_S = 2.0


class BrokerProbe:
    """Metadata is answered at each bootstrap address, or at one of a remote cluster's."""

    layer = "broker"

    def __init__(self) -> None:
        self._passed: set[str] = set()

    def check(self, context: Context) -> list[Held]:
        """Ask each address that has not answered yet."""
        if context.cluster.topology:
            return [self._asked(context, *each) for each in _named(context)]
        return self._of_remote(context)

    def _of_remote(self, context: Context) -> list[Held]:
        """Ask all addresses; one that answers is enough, and the others are named.

        Where none does, those that may answer later count; `CannotConnect` is raised without any.
        """
        away: list[NotYet] = []
        unusable: list[CannotConnect] = []
        for name, key in _named(context):
            try:
                self._asked(context, name, key)
            except NotYet as error:
                away.append(error)
            except CannotConnect as error:
                if error.is_of_user:
                    raise
                unusable.append(error)
        if not self._passed:
            raise (away or unusable)[0]
        return [self._patiently(context, *each) for each in _named(context)]

    def _patiently(self, context: Context, name: str, key: str) -> Held:
        try:
            return self._asked(context, name, key, patience_s=_PATIENCE_S)
        except (NotYet, CannotConnect) as error:
            return Held(
                name,
                f"{str(error).rstrip('.')}; the cluster serves without this address",
                without=True,
            )

    def _asked(self, context: Context, name: str, key: str, *, patience_s: float = 0.0) -> Held:
        if key not in self._passed:
            single = len(context.cluster.bootstrap) == 1
            try:
                context.look(None if single else key, patience_s=patience_s)
            except BrokerUnreachable as error:
                # The time of one request says nothing of how long the address has been silent.
                seen = error.evidence[0] if error.evidence else "no answer"
                raise NotYet(f"{key}: {seen.rstrip('.')}") from error
            self._passed.add(key)
        return Held(name, key)


def _named(context: Context) -> list[tuple[str, str]]:
    """Return each bootstrap address with the name of its broker."""
    cluster = context.cluster
    return list(zip(cluster.bootstrap_names, map(str, cluster.bootstrap), strict=True))
