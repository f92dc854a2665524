from __future__ import annotations

import time
from pathlib import Path

import pytest

from kafka_tasks.model.results import SnapshotSeen
from kafka_tasks.render.views import snapshot as snapshot_view

BASE = SnapshotSeen(
    name="base",
    path=Path("/p/base.tar.gz"),
    bytes=611_000,
    taken_at=time.time() - 7200,
    version="7.9.6",
    kafka_version="3.9.1",
    runtime="embedded",
    brokers=1,
    cluster_id="the-id",
    files=272,
    data_bytes=134_000_000,
)
TORN = SnapshotSeen("torn", Path("/p/torn.tar.gz"), 200, "it ends within its manifest")


def test_a_list_shows_the_whole_and_the_damaged() -> None:
    """A row each, and the reason below."""
    text = snapshot_view.list_text([BASE, TORN], width=120)
    base, torn, reason = text.splitlines()[-3:]
    assert base.split() == [
        "base",
        *time.strftime("%Y-%m-%d %H:%M", time.localtime(BASE.taken_at)).split(),
        *("2", "h", "3.9.1", "1", "embedded", "611", "kB", "the-id"),
    ]
    assert torn.split() == ["torn", "damaged", "200", "bytes"]
    assert reason == "torn is damaged: it ends within its manifest."
    assert snapshot_view.list_text([], width=80) == "There are no snapshots in this project."


def test_documents_have_moments_in_utc() -> None:
    """And null for what is not known of a damaged one."""
    found = snapshot_view.listed([BASE, TORN])["snapshots"]
    assert found[0]["taken_at"].endswith("+00:00")
    assert (found[0]["bytes"], found[0]["problem"]) == (611_000, None)
    assert (found[1]["taken_at"], found[1]["files"]) == (None, None)


def test_what_was_done_is_one_sentence_and_facts() -> None:
    """With what became of the cluster."""
    saved = snapshot_view.saved_text(BASE, restarted=True, elapsed_s=5.52)
    assert saved.splitlines()[0] == "Saved base in 5.5 s. The cluster is ready again."
    assert "611 kB, with 134 MB of data in 272 files" in saved
    restored = snapshot_view.restored_text(BASE, runtime="compose", restarted=False, elapsed_s=1.0)
    assert restored.splitlines()[0] == "Restored base (compose) in 1.0 s."
    assert restored.endswith("\nHint: invoke kafka.up")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (12_345, "12 kB"),
        (3_400_000, "3.4 MB"),
        (1_200_000_000, "1.2 GB"),
        (5_000_000_000_000, "5.0 TB"),
    ],
)
def test_sizes_are_short(count: int, text: str) -> None:
    """Two digits are enough."""
    assert snapshot_view.size(count) == text
