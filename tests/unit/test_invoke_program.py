from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SPARED = ("importlib.metadata", "unittest.mock", "invoke.vendor.yaml")


def _printed(code: str, cwd: Path) -> object:
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_program_loads_nothing_that_commands_rarely_use(tmp_path: Path) -> None:
    """Placeholders are gone once Invoke is imported, so that others get the real modules."""
    loaded = f"print(json.dumps([name for name in {SPARED} if name in sys.modules]))"
    assert _printed(f"import kafka_tasks.program\n{loaded}", tmp_path) == []


def test_invoke_keeps_what_a_command_may_use(tmp_path: Path) -> None:
    """A configuration file is read, and a mock context answers."""
    (tmp_path / "invoke.yaml").write_text("kafka: {port: 9192}\n")
    code = (
        "import kafka_tasks.program\n"
        "from invoke.config import Config\n"
        "from invoke.context import MockContext\n"
        "config = Config(project_location='.')\n"
        "config.load_project()\n"
        "print(json.dumps([config.kafka.port, MockContext(run=True).run('ls').ok]))"
    )
    assert _printed(code, tmp_path) == [9192, True]
