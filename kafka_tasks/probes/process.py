"""Layer `process`: the process or container of each service is alive."""

from __future__ import annotations

from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet


class ProcessProbe:
    """Every service of the cluster is alive."""

    layer = "process"

    def check(self, context: Context) -> list[Held]:
        """Look at the runtime's own view; a remote cluster has none."""
        services = context.services()
        dead = [service.name for service in services if not service.alive]
        if dead:
            raise NotYet(f"{', '.join(dead)} not running")
        held = [service.name for service in services if service.suspended]
        if held:
            raise NotYet(f"{', '.join(held)} suspended, which invoke kafka.up ends")
        return [Held(service.name, _who(service.pid, service.container)) for service in services]


def _who(pid: int | None, container: str | None) -> str:
    if pid is not None:
        return f"pid {pid}"
    return f"container {container[:12]}" if container else ""
