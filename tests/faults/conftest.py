"""Options of the fault suite, and the arenas in which it takes place."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.compose.conftest import APACHE_IMAGE, KRAFT, engine, images, make_project  # noqa: F401
from tests.conftest import leave_out
from tests.faults.arena import HEAL_TIMEOUT_S, SPACE, Arena, ComposeArena, EmbeddedArena
from tests.faults.report import Report
from tests.integration.conftest import end_builders, environ, link_tree, warm  # noqa: F401

# By name: as CI runs it (0: it does not), as before a release, and what it is. On every commit
# tests/contract kills and holds containers, and tests/integration starts twelve times at once.
SIZES = {
    "rounds": (8, 200, "rounds on the embedded runtime"),
    "kraft-rounds": (0, 50, "rounds on a dedicated controller, and on a combined node"),
    "secured-rounds": (0, 20, "kills of the broker of a secured combined node"),
    "kraft-cycles": (0, 100, "cycles of up and down of a combined node"),
    "compose-rounds": (0, 50, "rounds on containers"),
    "compose-kraft-rounds": (0, 15, "rounds on containers, for each of both quorums"),
    "compose-secured-rounds": (0, 10, "kills of a secured combined node, on containers"),
    "registrations": (
        1,
        3,
        "kills of a follower and of the controller, beside brokers that are held",
    ),
    "compose-registrations": (0, 3, "kills of a broker beside a paused one, on containers"),
    "cycles": (0, 100, "cycles of up and down"),
    "starts": (0, 50, "starts at the same moment"),
}


# By the service that the broker registers with: the settings that make it so.
_KEEPERS: dict[str, dict[str, str]] = {
    "zookeeper": {},
    "controller": {"KAFKA_TASKS_VERSION": "4.4", "KAFKA_TASKS_CONTROLLERS": "1"},
    "kafka": {"KAFKA_TASKS_VERSION": "4.4"},
}
_SECURED = {"KAFKA_TASKS_SECURE": "scram", "KAFKA_TASKS_ACL": "true"}
# The same on containers, where the quorums run the images of both publishers.
_KEEPERS_IN_CONTAINERS: dict[str, dict[str, str]] = {
    "zookeeper": {},
    "controller": {**KRAFT, "KAFKA_TASKS_CONTROLLERS": "1"},
    "kafka": {"KAFKA_TASKS_VERSION": "4.4", "KAFKA_TASKS_KAFKA_IMAGE": APACHE_IMAGE},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Sizes of the suite: small by default, as CI runs it."""
    group = parser.getgroup("faults")
    # CI does the same each time; a hand at the keyboard sees something new.
    seed = 2026 if os.environ.get("CI") else int(time.time())
    group.addoption("--seed", type=int, default=seed, help="repeats a run")
    group.addoption("--first", type=int, default=0, help="the first round's number")
    group.addoption("--fault", action="append", help="this kind of fault alone (repeatable)")
    group.addoption(
        "--heal-timeout",
        type=int,
        default=HEAL_TIMEOUT_S,
        help="seconds that up may take, more on a busy machine (default %(default)s)",
    )
    group.addoption("--report", type=Path, help="write the figures here, as JSON")
    group.addoption("--add", action="store_true", help="add the rounds to those of the report")
    for name, (short, full, what) in SIZES.items():
        group.addoption(f"--{name}", type=int, help=f"{what} (default {short}, --full {full})")


def _size(config: pytest.Config, name: str) -> int:
    given = config.getoption(f"--{name}")
    return int(given or SIZES[name][1 if config.getoption("--full") else 0])


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that names the size of a test."""
    config.addinivalue_line("markers", "size(name): how often the test does what it does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has no size in this run."""

    def has_none(item: pytest.Item) -> bool:
        marker = item.get_closest_marker("size")
        return marker is not None and not _size(config, marker.args[0])

    leave_out(config, items, has_none)


def pytest_report_header(config: pytest.Config) -> str:
    """The seed, so that a failed run can be repeated."""
    own = "own network and mounts" if owns_system() else "the machine's network and disks"
    return f"faults: --seed {config.getoption('--seed')}, {own}"


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Iterator[Report]:
    """Figures of the whole run, written at its end."""
    found = Report(pytestconfig.getoption("--seed"), pytestconfig.getoption("--first"))
    yield found
    target = pytestconfig.getoption("--report")
    if target is not None:
        found.write(target, adds=pytestconfig.getoption("--add"))


def owns_system() -> bool:
    """Whether this runs in network and mount namespaces of its own: loopback is all there is."""
    return set(psutil.net_if_addrs()) <= {"lo"} and os.geteuid() == 0


@pytest.fixture
def embedded(
    request: pytest.FixtureRequest,
    warm: Path,  # noqa: F811
    environ: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> Iterator[Arena]:
    """A project without a cluster, on a small file system where this may make one."""
    path = tmp_path.resolve() / "faults"
    path.mkdir()
    if owns_system():
        command = ["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "faults", str(path)]
        subprocess.run(command, check=True, timeout=30)
    cache = tmp_path.resolve() / "cache"
    link_tree(warm / "jars", cache / "jars")
    ports = {
        "KAFKA_TASKS_PORT": "29092",
        "KAFKA_TASKS_ZOOKEEPER_PORT": "22181",
        "KAFKA_TASKS_CONTROLLER_PORT": "29193",
    }
    keeper, _, secured = getattr(request, "param", "zookeeper").partition(" ")
    own = {**environ, **ports, **_KEEPERS[keeper], "KAFKA_TASKS_CACHE": str(cache)}
    own |= _SECURED if secured else {}
    arena = EmbeddedArena(path, own, has_own_system=owns_system(), keeper=keeper)
    arena.heal_timeout_s = request.config.getoption("--heal-timeout")
    try:
        yield arena
    finally:
        try:
            arena.close()
        finally:
            end_builders(cache)
            shutil.rmtree(cache, ignore_errors=True)
            if owns_system():
                subprocess.run(["umount", "--lazy", str(path)], check=False, timeout=30)


@pytest.fixture
def compose(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    """A project without a cluster, for containers."""
    client = request.getfixturevalue("engine")
    request.getfixturevalue("images")
    keeper, _, secured = getattr(request, "param", "zookeeper").partition(" ")
    bench = make_project(tmp_path_factory.mktemp("faults"), client)
    bench.environ |= _KEEPERS_IN_CONTAINERS[keeper] | (_SECURED if secured else {})
    arena = ComposeArena(bench, keeper)
    arena.heal_timeout_s = request.config.getoption("--heal-timeout")
    try:
        yield arena
    finally:
        arena.close()


@pytest.fixture
def size(request: pytest.FixtureRequest) -> int:
    """Return the size of the test: what the command line gives, else the usual one."""
    return _size(request.config, request.node.get_closest_marker("size").args[0])
