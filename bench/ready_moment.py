"""Run by the row `wait`: bring the cluster of the current directory up and say when it was ready.

The moment is that of `time.monotonic()`, which all processes of a machine share.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from kafka_tasks import Project, load_settings, open_session, up


def main() -> None:
    """Print `{"ready_at": …}`."""
    project = Project(Path.cwd().resolve())
    up(open_session(project, load_settings(project.path)))
    print(json.dumps({"ready_at": time.monotonic()}))


if __name__ == "__main__":
    main()
