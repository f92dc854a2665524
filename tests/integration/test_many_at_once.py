"""Many commands at the same moment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.tiers import telling

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


@pytest.mark.parametrize("count", telling([4, 12], 4))
def test_starts_at_once_make_one_cluster(project: Sandbox, count: int) -> None:
    """Of twelve `up` at once each succeeds, with the same processes, and one of them started."""
    starts = [project.begin("up", "-o", "json") for _ in range(count)]
    found = []
    for start in starts:
        out, err = start.communicate(timeout=120)
        assert start.returncode == 0, out + err
        assert "Traceback" not in err
        found.append(json.loads(out))
    assert sum(document["changed"] for document in found) == 1
    pids = project.pids()
    for document in found:
        assert document["state"] == "ready"
        assert {s["name"]: s["pid"] for s in document["services"]} == pids


@pytest.mark.release
def test_starts_and_stops_at_once(project: Sandbox) -> None:
    """`up` and `down` at once take turns: each ends in order, and the state tells the truth."""
    verbs = ["up", "down", "up", "restart", "down", "up"]
    for process in [project.begin(verb) for verb in verbs]:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    seen = project.run("status", "-o", "json").document
    assert seen["state"] in ("ready", "stopped")
    assert bool(project.pids()) is (seen["state"] == "ready")


@pytest.mark.release
def test_one_topic_created_by_many(running: Sandbox) -> None:
    """Of six `topic.create --if-not-exists` at once each succeeds, and so does each `topic`."""
    for arguments in (["topic.create", "shared", "--if-not-exists"], ["topic", "--name", "other"]):
        for process in [running.begin(*arguments) for _ in range(6)]:
            out, err = process.communicate(timeout=90)
            assert process.returncode == 0, out + err
    assert {"shared", "other"} <= set(running.topics())
