"""A project's first files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import task

if TYPE_CHECKING:
    from pathlib import Path

# File → its starter, whose name is not that of a module: it is not part of this package's code.
_STARTERS = {
    ".env": "env",
    "topics.yaml": "topics.yaml",
    "tasks.py": "tasks.py.txt",
    "noxfile.py": "noxfile.py.txt",
    "tests/test_kafka.py": "test_kafka.py.txt",
}


@task()
def init(call: Call, output: str = "text") -> Outcome:
    """Write a starter .env, topics.yaml, tasks.py, noxfile.py and test; overwrites nothing."""
    from kafka_tasks.render.views import written as view

    project = call.project().path
    written, kept = [], []
    for name in _STARTERS:
        target = project / name
        # A broken link is the user's, too.
        if target.exists() or target.is_symlink():
            kept.append(name)
            continue
        written.append(name)
        if not call.dry:
            _write(target, _STARTERS[name])
    return shown(view.Written(project, written, kept, call.dry), view)


def _write(target: Path, starter: str) -> None:
    from importlib.resources import files

    from kafka_tasks.project import private

    text = files("kafka_tasks.starters").joinpath(starter).read_text(encoding="utf-8")
    target.parent.mkdir(exist_ok=True)
    # A .env may hold a password later.
    opener = private.opener if target.name == ".env" else None
    with open(target, "x", encoding="utf-8", opener=opener) as out:
        out.write(text)
