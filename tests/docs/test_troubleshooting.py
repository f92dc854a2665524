"""What the documents say of known failures is what the package knows of them."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.documents import ROOT


def test_the_generated_tables_are_those_of_the_signatures() -> None:
    """The troubleshooting chapter and the list of findings cannot differ from the signatures."""
    done = subprocess.run(
        [sys.executable, "tools/make_troubleshooting.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
