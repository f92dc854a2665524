"""Resolve one Kafka line and write its lock file: `python tools/lock_jars.py 3.9.1 …`.

Only this tool uses the Maven configuration of this machine. The class path is kafka_2.13 with its
runtime dependencies, a log backend, and the jar of Kafka's command line tools (without Connect,
which nothing here uses).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from kafka_tasks.clients.maven import sha256

LOG_BACKEND = ("ch.qos.reload4j:reload4j:1.2.25", "org.slf4j:slf4j-reload4j:1.7.36")
TARGET = Path(__file__).parent.parent / "kafka_tasks" / "runtimes" / "embedded" / "locks"


def lock(version: str, scratch: Path) -> None:
    """Write `kafka-<line>.json` for one Apache Kafka version."""
    context = MavenContext(repo_cache=scratch)
    roots = [
        context.create_dependency(name)
        for name in (f"org.apache.kafka:kafka_2.13:{version}", *LOG_BACKEND)
    ]
    _, resolved = PythonResolver().get_dependency_list(roots)
    tools = context.create_dependency(f"org.apache.kafka:kafka-tools:{version}")
    jars = []
    for dependency in [*roots, *(node.dep for node in resolved), tools]:
        path = dependency.artifact.resolve()
        name = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
        jars.append({"coordinates": name, "sha256": sha256(path), "bytes": path.stat().st_size})
    target = TARGET / f"kafka-{version.rpartition('.')[0]}.json"
    target.write_text(json.dumps({"kafka": version, "jars": jars}, indent=1) + "\n")
    print(f"{target.name}: {len(jars)} jars, {sum(jar['bytes'] for jar in jars) / 1e6:.1f} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for wanted in sys.argv[1:]:
            lock(wanted, Path(scratch))
