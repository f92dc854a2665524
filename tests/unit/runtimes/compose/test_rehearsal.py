"""What a rehearsal needs of a Compose file, whose volume a start takes, and how it is run."""

from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Completed
from kafka_tasks.runtimes.compose import command
from kafka_tasks.runtimes.compose.rehearsal import Rehearsal
from tests.unit.runtimes.compose.engine import FakeEngine, container

IMAGE = "sha256:" + "0123456789ab" * 5
VOLUME = "kafka-tasks-rehearsed-0123456789ab"


def config(**changes: Any) -> dict[str, Any]:
    """A file as Compose reads it, with the mount."""
    service = {
        "image": "cp-kafka:8",
        "command": ["/bin/bash", "-c", "echo $$HOME", "direct"],
        "environment": {"KAFKA_NODE_ID": "7", "KAFKA_HEAP_OPTS": "-Xmx1g", "EMPTY": None},
        "healthcheck": {"test": ["CMD", "bash", "-c", "is $$up"]},
        "volumes": [{"type": "volume", "source": "r", "target": "/var/lib/kafka-tasks"}],
    }
    return {"services": {"kafka": {**service, **changes}}}


def of(engine: FakeEngine, **changes: Any) -> Rehearsal | None:
    """The rehearsal of such a file."""
    return Rehearsal.of(engine, config(**changes))  # type: ignore[arg-type]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; each ends well."""
    commands: list[list[str]] = []

    def run(words: list[str], *, timeout_s: float) -> Completed:
        commands.append(list(words))
        return Completed(0, "")

    monkeypatch.setattr(processes, "run", run)
    return commands


def test_a_file_without_the_mount_has_none() -> None:
    """Nor has one that uses the image's own start, or an image that is not here."""
    engine = FakeEngine(identities={"cp-kafka:8": IMAGE})
    assert of(engine, volumes=[]) is None
    assert of(engine, command=["/bin/bash", "-c", "…", "image"]) is None
    assert of(engine, image="other") is None
    found = of(engine)
    assert found is not None and found.volume == VOLUME


def test_a_start_takes_the_volume_that_is_there() -> None:
    """Not where its containers were created without it: Compose would replace them."""
    engine = FakeEngine(identities={"cp-kafka:8": IMAGE})
    rehearsal = of(engine)
    assert rehearsal is not None
    assert rehearsal.is_due() and rehearsal.variables([]) == {}
    engine.labelled[VOLUME] = IMAGE
    expected = {"REHEARSED_VOLUME": VOLUME, "REHEARSED_EXTERNAL": "true"}
    assert not rehearsal.is_due() and rehearsal.variables([]) == expected
    assert rehearsal.variables([container("kafka", volumes={VOLUME: "/aot"})]) == expected
    assert rehearsal.variables([container("kafka", volumes={"data": "/data"})]) == {}


def test_it_runs_the_files_own_command(done: list[list[str]]) -> None:
    """Without network, as a node that knows no other, with variables as Compose would pass them."""
    engine = FakeEngine(identities={"cp-kafka:8": IMAGE})
    rehearsal = of(engine)
    assert rehearsal is not None and rehearsal.hold(wait=False)
    create, run = done
    assert create[-1] == VOLUME and f"kafka-tasks.rehearsed={IMAGE}" in create
    assert "--detach" in run and run[run.index("--network") + 1] == "none"
    passed = {run[at + 1] for at, word in enumerate(run) if word == "--env"}
    assert {"KAFKA_NODE_ID=1", "KAFKA_HEAP_OPTS=-Xmx1g", "EMPTY="} <= passed
    assert run[-5:] == ["is $up", "/bin/bash", "-c", "echo $HOME", "direct"]


def test_volumes_of_images_that_are_gone_go_too(
    done: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that was replaced leaves 50 MB otherwise."""
    removed: list[str] = []
    monkeypatch.setattr(command, "remove_volume", removed.append)
    engine = FakeEngine(
        images={"cp-kafka:8", IMAGE},
        identities={"cp-kafka:8": IMAGE},
        labelled={VOLUME: IMAGE, "kafka-tasks-rehearsed-old": "sha256:old"},
    )
    rehearsal = of(engine)
    assert rehearsal is not None and rehearsal.hold(wait=True)
    assert removed == ["kafka-tasks-rehearsed-old"]
    assert "--detach" not in done[-1]
