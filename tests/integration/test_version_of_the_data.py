"""Data of one Kafka under another: an upgrade is told, a downgrade refused, on real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


def test_data_goes_up_and_not_down(project: Sandbox) -> None:
    """3.8 to 3.9 with its topics; back, and to the other mode, only by the ways of the hint."""
    assert project.up("--kafka-version", "7.8")["kafka_version"].startswith("3.8.")
    assert project.run("topic", "--name", "kept").code == 0
    for verb in (("up", "--kafka-version", "7.9"), ("restart",)):
        done = project.run(*verb, env={"KAFKA_TASKS_VERSION": "7.9"})
        done.refused(3, "started with other settings", "kafka.down")
    assert project.run("down").code == 0
    done = project.run("up", "--kafka-version", "7.9")
    assert done.code == 0, done.err
    assert done.err.count("upgrading the data from Kafka 3.8.") == 1
    assert project.topics() == ["kept"]
    assert project.run("down").code == 0
    back = project.run("up", "--kafka-version", "7.8")
    back.refused(3, "written by Kafka 3.9.", "which is older", "kafka.snapshot.save before-7.8.")
    other = project.run("up", "--mode", "kraft")
    other.refused(3, "in ZooKeeper mode", "KAFKA_TASKS_MODE=zookeeper")
    assert project.processes() == {}
    assert project.up()["kafka_version"].startswith("3.9.")
    assert project.topics() == ["kept"]
