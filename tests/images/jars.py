"""Copy the jars of a Kafka line, verified, into a directory: jars.py 3.9 DIRECTORY."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded import jars
from kafka_tasks.settings import load


def main(line: str, target: Path) -> None:
    """Bring the class path of `line` to `target`."""
    target.mkdir(parents=True)
    cache = load(Project.find().path).cache
    for path in jars.ensure(jars.load_lock(line), cache, Recorder()):
        shutil.copy2(path, target / path.name)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
