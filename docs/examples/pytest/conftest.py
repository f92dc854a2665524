"""A real cluster for a test run: on free ports, in its own directory, deleted afterwards."""

from collections.abc import Iterator

import pytest

import kafka_tasks


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka_tasks.Report]:
    """Start a cluster; return its report with addresses, id and version."""
    project = kafka_tasks.Project(tmp_path_factory.mktemp("kafka"))
    settings = kafka_tasks.load_settings(
        project.path, flags={"port": "auto", "zookeeper_port": "auto"}
    )
    session = kafka_tasks.open_session(project, settings)
    try:
        yield kafka_tasks.up(session)
    finally:
        kafka_tasks.down(session, wipe=True, confirmed=True)
