"""The documents' generated tables say what the package says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.docs.documents import ROOT


@pytest.mark.parametrize("tool", ["make_troubleshooting.py", "make_plugin_reference.py"])
def test_generated_tables_are_up_to_date(tool: str) -> None:
    """Known failures, and the reference of the pytest plugin, cannot differ from the code."""
    done = subprocess.run(
        [sys.executable, f"tools/{tool}", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
