from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from kafka_tasks.model.results import SnapshotSeen
from kafka_tasks.model.security import Security
from kafka_tasks.render.views import snapshot_restored, snapshot_saved, snapshots
from kafka_tasks.render.words import size
from kafka_tasks.snapshots.restore import Restored
from kafka_tasks.snapshots.save import Saved

BASE = SnapshotSeen(
    name="base",
    path=Path("/p/base.tar.gz"),
    bytes=611_000,
    taken_at=time.time() - 7200,
    version="7.9.6",
    kafka_version="3.9.1",
    runtime="embedded",
    mode="kraft",
    metadata_version="3.9-IV0",
    brokers=1,
    cluster_id="the-id",
    files=272,
    data_bytes=134_000_000,
)
TORN = SnapshotSeen("torn", Path("/p/torn.tar.gz"), 200, "it ends within its manifest")


class Taken:
    """Stands in for a snapshot file."""

    @staticmethod
    def seen() -> SnapshotSeen:
        """Return how it is shown."""
        return BASE


def test_a_list_shows_the_whole_and_the_damaged() -> None:
    """A row each, and the reason below."""
    text = snapshots.text([BASE, TORN], width=120)
    base, torn, reason = text.splitlines()[-3:]
    assert base.split() == [
        "base",
        *time.strftime("%Y-%m-%d %H:%M", time.localtime(BASE.taken_at)).split(),
        *("2", "h", "3.9.1", "kraft", "3.9-IV0", "no", "1", "embedded", "611", "kB", "the-id"),
    ]
    assert torn.split() == ["torn", "damaged", "200", "bytes"]
    assert reason == "torn is damaged: it ends within its manifest."
    secured = msgspec.structs.replace(BASE, security=Security("scram", acl=True))
    assert "scram, acl" in snapshots.text([secured], width=120)
    assert snapshots.text([], width=80) == "There are no snapshots in this project."


def test_documents_have_moments_in_utc() -> None:
    """And null for what is not known of a damaged one."""
    found = snapshots.document([BASE, TORN])["snapshots"]
    assert found[0]["taken_at"].endswith("+00:00")
    assert (found[0]["mode"], found[0]["metadata_version"]) == ("kraft", "3.9-IV0")
    assert (found[0]["bytes"], found[0]["problem"]) == (611_000, None)
    assert (found[1]["taken_at"], found[1]["files"]) == (None, None)
    secured = msgspec.structs.replace(BASE, security=Security("mtls"))
    assert (found[0]["security"], snapshots.entry(secured)["security"]) == (
        None,
        {"kind": "mtls", "acl": False},
    )


def test_what_was_done_is_one_sentence_and_facts() -> None:
    """With what became of the cluster."""
    saved = snapshot_saved.text(Saved(Taken(), True, 5.52), width=80)  # type: ignore[arg-type]
    assert saved.splitlines()[0] == "Saved base in 5.5 s. The cluster is ready again."
    assert "611 kB, with 134 MB of data in 272 files" in saved
    found = Restored(Taken(), "compose", True, False, 1.0)  # type: ignore[arg-type]
    restored = snapshot_restored.text(found, width=80)
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
    assert size(count) == text
