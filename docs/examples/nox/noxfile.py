"""One cluster around a test session, stopped whatever happens."""

import nox


@nox.session
def integration(session: nox.Session) -> None:
    """The tests that need Kafka."""
    session.install("kafka-tasks[embedded]", "pytest")
    try:
        session.run("kafka-tasks", "up", "topic")
        session.run("pytest", *session.posargs)
    finally:
        session.run("kafka-tasks", "down", "--wipe", "--yes")
