"""Rows about secured clusters: their starts, and lists of users and rights."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from bench.baseline import require_images
from bench.children import timed
from bench.containers import KRAFT
from bench.kraft import fetched_kafka_4
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace

_KAFKA_4 = {"KAFKA_TASKS_VERSION": "4.4"}
_SECURE = ("up", "--secure", "--acl")

# The alternative to a list: the same request with the plain client, as the user admin.
_BARE = """\
import json, sys
from confluent_kafka.admin import (
    AclBindingFilter, AclOperation, AclPermissionType, AdminClient, ResourcePatternType,
    ResourceType,
)
client = AdminClient(json.loads(sys.argv[2]))
if sys.argv[1] == "users":
    print(len(client.describe_user_scram_credentials(request_timeout=60).result()))
else:
    every = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
        AclPermissionType.ANY,
    )
    print(len(client.describe_acls(every, request_timeout=60).result()))
"""


def _starts(workspace: Workspace, pairs: int) -> Iterator[Pair]:
    """Measure starts on empty data, each with new certificates."""
    for _ in range(pairs):
        secured = workspace.command(*_SECURE).seconds
        workspace.wipe()
        plain = workspace.command("up").seconds
        workspace.wipe()
        yield Pair(secured, plain)


@row(
    "secured-up",
    what="kafka-tasks up --secure --acl, from the prompt to ready",
    against="kafka-tasks up",
    limit=1.7,
)
def secured_up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure first starts in ZooKeeper mode."""
    with surroundings.workspace() as ours:
        yield from _starts(ours, pairs)


@row(
    "secured-kraft-up",
    what="kafka-tasks up --secure --acl of Kafka 4.4, from the prompt to ready",
    against="kafka-tasks up of Kafka 4.4",
    limit=2.6,
)
def secured_kraft_up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure first starts in KRaft mode."""
    fetched_kafka_4(surroundings)
    with surroundings.workspace(_KAFKA_4) as ours:
        yield from _starts(ours, pairs)


@row(
    "secured-compose-kraft-up",
    what="kafka-tasks up --secure --acl in containers, Confluent Platform 8, empty volumes",
    against="kafka-tasks up of the same",
    limit=1.8,
)
def secured_compose_kraft_up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure first starts in KRaft mode, in containers."""
    require_images(surroundings.environ, "4.3")
    with surroundings.workspace(KRAFT) as ours:
        # Every start but an image's first has its rehearsal.
        ours.command("pull")
        yield from _starts(ours, pairs)


@row(
    "secured-first-up",
    what="the first kafka-tasks up --secure --acl of a project",
    against="a later one on the same data",
    unit="ms",
    limit=300,
    compare="difference",
)
def secured_first_up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure what certificates, users and empty data cost once."""
    with surroundings.workspace() as ours:
        for _ in range(pairs):
            first = ours.command(*_SECURE).seconds
            ours.command("down")
            later = ours.command(*_SECURE).seconds
            ours.wipe()
            yield Pair(first * 1000, later * 1000)


@row(
    "acl-list",
    what="kafka-tasks acl.list",
    against="describe_acls of the bare AdminClient",
    limit=2.0,
    repeats=3,
)
def acl_list(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes on a secured cluster with a right."""
    yield from _lists(surroundings, pairs, "acl.list", "rules")


@row(
    "user-list",
    what="kafka-tasks user.list",
    against="describe_user_scram_credentials of the bare AdminClient",
    limit=2.0,
    repeats=3,
)
def user_list(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes on a secured cluster."""
    yield from _lists(surroundings, pairs, "user.list", "users")


def _lists(surroundings: Surroundings, pairs: int, task: str, asked: str) -> Iterator[Pair]:
    with surroundings.workspace() as ours:
        ours.command(*_SECURE)
        ours.command("acl.grant", "alice", "read", "orders")
        shown = ours.command("env", "--user", "admin", "--format", "json", "--show-secrets").output
        client = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
        bare = [sys.executable, "-c", _BARE, asked, json.dumps(client)]
        for _ in range(pairs):
            seconds = ours.command(task).seconds
            yield Pair(seconds, timed(bare, cwd=ours.path, environ=ours.environ).seconds)
