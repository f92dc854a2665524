"""Read the topic settings from the brokers' own classes: `python tools/make_config_tables.py`.

Writes one table for each Kafka line with a lock file; downloads missing jars into the cache.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes.embedded import jars
from kafka_tasks.settings import load

HERE = Path(__file__).parent
TARGET = HERE.parent / "kafka_tasks" / "topics" / "tables"
CLASS = "org.apache.kafka.storage.internals.log.LogConfig"

_RANGE = re.compile(r"\[(-?[0-9.E]+)?,\.\.\.(?:,(-?[0-9.E]+))?\]")


def table(line: str) -> dict[str, dict[str, object]]:
    """Return topic setting → type, default, and bounds of its value."""
    settings = load(Path.cwd(), environ=dict(os.environ))
    path = jars.ensure(jars.load_lock(line), settings.cache, Recorder())
    # Running a source file needs a JDK; the bundled Java is none.
    java = shutil.which("java")
    done = subprocess.run(
        [
            str(java),
            "-cp",
            os.pathsep.join(map(str, path)),
            str(HERE / "TopicSettings.java"),
            CLASS,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(map(_entry, done.stdout.splitlines()))


def _entry(row: str) -> tuple[str, dict[str, object]]:
    name, kind, default, validator = row.split("\t")
    return name, {"type": kind.lower(), "default": default, **_bounds(validator, row)}


def _bounds(validator: str, row: str) -> dict[str, object]:
    if not validator:
        return {}
    if found := _RANGE.fullmatch(validator):
        low, high = found.groups()
        return {
            name: float(text) if set(text) & set(".E") else int(text)
            for name, text in (("min", low), ("max", high))
            if text is not None
        }
    if validator.startswith("[") and "..." not in validator:
        return {"allowed": [word.strip() for word in validator[1:-1].split(",")]}
    # Any other validator is printed, so that it is not overlooked.
    print(f"left to the broker: {row}")
    return {}


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    for supported in jars.supported_lines():
        found = table(supported)
        target = TARGET / f"kafka-{supported}.json"
        target.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{target.name}: {len(found)} settings")
