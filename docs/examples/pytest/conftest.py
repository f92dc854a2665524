"""A real cluster for a test run: on free ports, in its own directory, deleted afterwards."""

from collections.abc import Iterator

import pytest

import kafka_tasks


@pytest.fixture(scope="session")
def cluster() -> Iterator[kafka_tasks.Report]:
    """Start a cluster; return its report with addresses, id and version."""
    with kafka_tasks.temporary_cluster() as report:
        yield report
