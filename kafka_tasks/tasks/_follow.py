"""Several logs at once, a line at a time, until Ctrl-C."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Sequence

from kafka_tasks.model.cluster import Runtime


def follow_all(runtime: Runtime, names: Sequence[str], tail: int) -> None:
    """Print new lines of these services as they come; returns at Ctrl-C, or when all have ended."""
    lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)
    # Begun here, so that what cannot be followed is an error of this thread.
    sources = {name: runtime.follow(name, tail) for name in names}

    def pump(name: str) -> None:
        for line in sources[name]:
            lines.put(f"{name:<10}| {line}" if len(names) > 1 else line)
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
