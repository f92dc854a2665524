"""A project's first files."""

from __future__ import annotations

from kafka_tasks.tasks._options import Call, Outcome, verb

# File → the starter that it is made from; a module must not be one of this package's own.
STARTERS = {
    ".env": "env",
    "topics.yaml": "topics.yaml",
    "tasks.py": "tasks.py.txt",
    "noxfile.py": "noxfile.py.txt",
}


@verb()
def init(call: Call, output: str = "text") -> Outcome:
    """Write a starter .env, topics.yaml, tasks.py and noxfile.py; overwrites nothing."""
    from importlib.resources import files

    from kafka_tasks.project import private

    project = call.project().path
    written, kept = [], []
    for name, starter in STARTERS.items():
        target = project / name
        # A link that leads nowhere is somebody's, too.
        if target.exists() or target.is_symlink():
            kept.append(name)
            continue
        written.append(name)
        if not call.dry:
            text = files("kafka_tasks.starters").joinpath(starter).read_text(encoding="utf-8")
            # A .env may come to have a password.
            opener = private.opener if name == ".env" else None
            with open(target, "x", encoding="utf-8", opener=opener) as out:
                out.write(text)
    said = "would write" if call.dry else "wrote"
    lines = [f"{said} {name}" for name in written]
    lines += [f"kept  {name}: it was there already" for name in kept]
    tail = "" if call.dry else "\nHint: invoke kafka.up, then invoke kafka.topic.apply"
    document = {"schema": 1, "project": str(project), "written": written, "kept": kept}
    if call.dry:
        document["dry"] = True
    return Outcome(document, lambda: "\n".join(lines) + tail)
