"""Several logs at once, a line at a time, until Ctrl-C."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Sequence

from kafka_tasks.runtimes.protocol import Servers


def follow_all(servers: Servers, names: Sequence[str], tail: int) -> None:
    """Print new lines of these services as they come; returns at Ctrl-C or when all logs end."""
    from kafka_tasks.render.views.logs import labelled

    lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)
    # Opened here, so that a log that cannot be followed is an error of this thread.
    sources = {name: servers.follow(name, tail) for name in names}

    def pump(name: str) -> None:
        for line in sources[name]:
            lines.put(labelled(name, line, alone=len(names) == 1))
        lines.put(None)

    for name in names:
        threading.Thread(target=pump, args=(name,), daemon=True).start()
    left = len(names)
    try:
        while left:
            line = lines.get()
            if line is None:
                left -= 1
            else:
                print(line)
                sys.stdout.flush()
    except KeyboardInterrupt:
        return
