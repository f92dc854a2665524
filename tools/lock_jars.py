"""Resolve Kafka versions and write their lock files: `python tools/lock_jars.py 3.9.2 4.4.0 …`.

Only this tool uses the Maven configuration of this machine. The class path is kafka_2.13 with its
runtime dependencies, a log backend, and the jar of Kafka's command line tools (without Connect,
which nothing here uses). Each root is resolved by itself: together, jgo applies the dependency
management of one root to all, and took kafka-clients 3.9.1 for Kafka 4.4.0.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext, PythonResolver

from kafka_tasks.clients.maven import sha256
from kafka_tasks.model import kafka_line

RELOAD4J = ("ch.qos.reload4j:reload4j:1.2.25", "org.slf4j:slf4j-reload4j:1.7.36")
# Without the binding nothing is logged, and the binding without the core dies.
LOG4J2 = ("log4j-slf4j-impl", "log4j-core", "log4j-api")
# For Kafka 4.0, which brings no log4j; later lines bring a version of their own.
LOG4J2_VERSION = "2.25.5"
TARGET = Path(__file__).parent.parent / "kafka_tasks" / "runtimes" / "embedded" / "locks"


def lock(version: str, scratch: Path) -> None:
    """Write `kafka-<line>.json` for one Apache Kafka version."""
    context = MavenContext(repo_cache=scratch)
    found: dict[str, Any] = {}
    _add(found, context, f"org.apache.kafka:kafka_2.13:{version}")
    for root in _log_backend(version, found):
        _add(found, context, root)
    tools = context.create_dependency(f"org.apache.kafka:kafka-tools:{version}")
    jars = [_entry(dependency) for dependency in (*found.values(), tools)]
    _require_one_version(version, jars)
    target = TARGET / f"kafka-{version.rpartition('.')[0]}.json"
    target.write_text(json.dumps({"kafka": version, "jars": jars}, indent=1) + "\n")
    print(f"{target.name}: {len(jars)} jars, {sum(jar['bytes'] for jar in jars) / 1e6:.1f} MB")


def _add(found: dict[str, Any], context: MavenContext, root: str) -> None:
    """Add a root and its runtime dependencies; what is there already stays as it is."""
    dependency = context.create_dependency(root)
    _, nodes = PythonResolver().get_dependency_list([dependency])
    for each in (dependency, *(node.dep for node in nodes)):
        found.setdefault(f"{each.groupId}:{each.artifactId}", each)


def _log_backend(version: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Return the coordinates of the log backend: log4j 2 in the version that Kafka brings."""
    if kafka_line.of_version(version).line.log_backend == "reload4j":
        return RELOAD4J
    group = "org.apache.logging.log4j"
    core = found.get(f"{group}:log4j-core")
    wanted = core.version if core else LOG4J2_VERSION
    return tuple(f"{group}:{artifact}:{wanted}" for artifact in LOG4J2)


def _entry(dependency: Any) -> dict[str, Any]:
    path = dependency.artifact.resolve()
    name = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
    return {"coordinates": name, "sha256": sha256(path), "bytes": path.stat().st_size}


def _require_one_version(version: str, jars: list[dict[str, Any]]) -> None:
    """Exit where a jar of Kafka has another version than Kafka."""
    for jar in jars:
        group, _, found = jar["coordinates"].split(":")
        if group == "org.apache.kafka" and found != version:
            sys.exit(f"{jar['coordinates']} is not of Kafka {version}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for wanted in sys.argv[1:]:
            lock(wanted, Path(scratch))
