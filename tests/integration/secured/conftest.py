"""Secured clusters that are not started by kafka-tasks: one a worker, shared by all modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Sandbox
from tests.integration.secured.cluster import Secured
from tests.tiers import telling


@pytest.fixture(scope="session", params=telling(["3.9", "4.4"], "4.4"))
def secured(
    request: pytest.FixtureRequest,
    warm: Path,
    environ: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Secured]:
    """A secured cluster that runs, in each mode."""
    line = str(request.param)
    cluster = Secured(line, tmp_path_factory.mktemp(f"secured-{line}").resolve(), environ)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="module")
def guest(secured: Secured, new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project without a cluster of its own."""
    sandbox = new_project("guest")
    del sandbox.environ["KAFKA_TASKS_RUNTIME"]
    return sandbox
