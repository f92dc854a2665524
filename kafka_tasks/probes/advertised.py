"""Layer `advertised`: each address that brokers advertise here is reached and is that broker."""

from __future__ import annotations

from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, NotPermitted
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet

_ANSWER_S = 1.0


class AdvertisedProbe:
    """Clients of this machine are sent to addresses that work."""

    layer = "advertised"

    def check(self, context: Context) -> list[Held]:
        """Ask each broker, at the address it advertises, for its own configuration.

        A broker that refuses for want of rights has been reached all the same.
        """
        try:
            brokers = context.look().brokers
        except BrokerUnreachable as error:
            raise NotYet(error.message) from error
        for broker_id, address in sorted(brokers.items()):
            try:
                context.admin().answers_as(broker_id, timeout_s=context.within(_ANSWER_S))
            except NotPermitted:
                continue
            except (BrokerUnreachable, ClusterError, KafkaTasksError) as error:
                seen = f" ({error.evidence[0]})" if error.evidence else ""
                raise NotYet(
                    f"broker {broker_id} advertises {address}, which does not answer as broker "
                    f"{broker_id} from here{seen}"
                ) from error
        return [Held(None, ", ".join(str(address) for address in brokers.values()))]
