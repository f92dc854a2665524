"""A test session with its own cluster, which is deleted afterwards."""

import nox


@nox.session
def integration(session: nox.Session) -> None:
    """Run the tests that need Kafka."""
    session.install("kafka-tasks[embedded]", "pytest")
    try:
        session.run("kafka-tasks", "up", "topic")
        session.run("pytest", *session.posargs)
    finally:
        session.run("kafka-tasks", "down", "--wipe", "--yes")
