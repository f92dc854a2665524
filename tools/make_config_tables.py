"""Read settings from the brokers' own classes: `python tools/make_config_tables.py`.

Writes a table of topic settings for each Kafka line with a lock file, and one table of broker
settings for all lines; downloads missing jars into the cache.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes.embedded import jars
from kafka_tasks.settings import load

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "kafka_tasks"
TOPICS = PACKAGE / "topics" / "tables"
BROKERS = PACKAGE / "runtimes" / "broker_settings.json"

_RANGE = re.compile(r"\[(-?[0-9.E]+)?,\.\.\.(?:,(-?[0-9.E]+))?\]")
_Row = tuple[str, str, str, str]


def rows(line: str, of: str) -> Iterator[_Row]:
    """Yield name, type, default and validator of each public setting of a topic or a broker."""
    settings = load(Path.cwd(), environ=dict(os.environ))
    path = jars.ensure(jars.load_lock(line), settings.cache, Recorder())
    # Running a source file needs a JDK; the bundled Java is none.
    java = str(shutil.which("java"))
    done = subprocess.run(
        [java, "-cp", os.pathsep.join(map(str, path)), str(HERE / "KafkaSettings.java"), of],
        capture_output=True,
        text=True,
        check=True,
    )
    for row in done.stdout.splitlines():
        name, kind, default, validator = row.split("\t")
        yield name, kind.lower(), default, validator


def topic_table(found: Iterable[_Row]) -> dict[str, dict[str, object]]:
    """Return topic setting → type, default, and bounds of its value."""
    return {
        name: {"type": kind, "default": default, **_bounds(name, validator)}
        for name, kind, default, validator in found
    }


def _bounds(name: str, validator: str) -> dict[str, object]:
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
    print(f"left to the broker: {name} {validator}")
    return {}


def broker_table(by_line: dict[str, list[_Row]]) -> dict[str, list[list[str]]]:
    """Return broker setting → its spans: first line, last line, type and default."""
    lines = list(by_line)
    found: dict[str, list[list[str]]] = {}
    for number, line in enumerate(lines):
        for name, kind, default, _ in by_line[line]:
            spans = found.setdefault(name, [])
            same = bool(spans) and spans[-1][1:] == [lines[number - 1], kind, default]
            if same:
                spans[-1][1] = line
            else:
                spans.append([line, line, kind, default])
    return dict(sorted(found.items()))


def _one_a_line(table: dict[str, list[list[str]]]) -> str:
    entries = (f"{json.dumps(name)}: {json.dumps(spans)}" for name, spans in table.items())
    return "{\n" + ",\n".join(entries) + "\n}\n"


if __name__ == "__main__":
    TOPICS.mkdir(exist_ok=True)
    supported = jars.supported_lines()
    for each in supported:
        table = topic_table(rows(each, "topic"))
        target = TOPICS / f"kafka-{each}.json"
        target.write_text(json.dumps(table, indent=1) + "\n")
        print(f"{target.name}: {len(table)} settings")
    brokers = broker_table({each: list(rows(each, "broker")) for each in supported})
    BROKERS.write_text(_one_a_line(brokers))
    print(f"{BROKERS.name}: {len(brokers)} settings")
