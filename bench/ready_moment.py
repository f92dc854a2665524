"""Script of the row `wait`: start the cluster of the current directory, print when it is ready.

The time is `time.monotonic()`, which all processes of a machine share.
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
