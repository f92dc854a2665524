"""The how-to's table of least rights is the one that is tested with ACLs."""

from __future__ import annotations

from tests.docs.documents import ROOT, table
from tests.integration.secured.rights import LEAST


def test_the_table_has_each_task_with_its_rights() -> None:
    """Same tasks, same rights, same order."""
    page = ROOT / "docs" / "how-to" / "use-a-remote-cluster.md"
    assert table(page, "rights") == [[row.task, row.rights] for row in LEAST]
