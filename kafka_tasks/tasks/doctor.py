"""An examination of machine, configuration and cluster: doctor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.confirm import require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import optional_word, task

if TYPE_CHECKING:
    from kafka_tasks.diagnosis.examination import Examination
    from kafka_tasks.model.finding import Diagnosis
    from kafka_tasks.render.views.diagnosis import Examined


@task(
    optional=("bundle",),
    help={
        "bundle": "write an archive for a bug report, to this file if it is named",
        "fix": "apply the fixes that lose no data; asks first",
    },
)
def doctor(
    call: Call,
    bundle: str | bool | None = None,
    fix: bool = False,
    yes: bool = False,
    output: str = "text",
) -> Outcome:
    """Examine machine, configuration and cluster; show each problem's cause, evidence and fix."""
    from kafka_tasks.render.views import diagnosis as view

    name = optional_word(bundle, "--bundle", "kafka.doctor", "a file name")
    found = _examined(call)
    if fix:
        return _fixed(call, found, yes=yes)
    if bundle:
        return _bundled(call, found, name)
    return _outcome(view.Examined(found))


def _examined(call: Call) -> Diagnosis:
    from kafka_tasks.diagnosis import doctor as diagnosis

    project = call.project()
    return diagnosis.examine(project, lambda: call.settings(project))


def _opened(call: Call) -> Examination:
    from kafka_tasks.diagnosis import doctor as diagnosis

    project = call.project()
    return diagnosis.open_examination(project, lambda: call.settings(project))[0]


def _outcome(found: Examined) -> Outcome:
    from kafka_tasks.render.views import diagnosis as view

    return shown(found, view, found.diagnosis.exit_code)


def _fixed(call: Call, found: Diagnosis, *, yes: bool) -> Outcome:
    """Show the fixes, ask, apply them, and examine again."""
    import sys
    from dataclasses import replace

    from kafka_tasks.diagnosis import fixes
    from kafka_tasks.render.views import diagnosis as view

    exam = _opened(call)
    todo = fixes.plan(exam, found.findings)
    what = [one.what for one in todo]
    if call.dry or not todo:
        return _would_fix(call, found, what)
    print("\n".join(["These fixes lose no data:", *(f"  {one}" for one in what)]), file=sys.stderr)
    require_yes(call, ["Apply them?"], yes=yes)
    done = fixes.apply(exam, todo)
    return _outcome(view.Examined(replace(_examined(call), fixed=done)))


def _would_fix(call: Call, found: Diagnosis, what: Sequence[str]) -> Outcome:
    from kafka_tasks.render.views import diagnosis as view

    said = "\n".join(f"would {one}" for one in what) or "There is nothing that can be fixed here."
    return _outcome(view.Examined(found, {"dry": call.dry, "would_fix": list(what)}, said))


def _bundled(call: Call, found: Diagnosis, name: str | None) -> Outcome:
    """Write the archive besides the findings; they decide the exit code."""
    import json
    from pathlib import Path

    from kafka_tasks.diagnosis import bundle
    from kafka_tasks.render.views import diagnosis as view

    path = Path(name or bundle.default_name()).expanduser().absolute()
    if call.dry:
        would = {"dry": True, "would_write": str(path)}
        return _outcome(view.Examined(found, would, f"would write {path}"))
    plain = view.Examined(found)
    documents = {
        "findings.txt": view.text(plain, width=100) + "\n",
        "doctor.json": json.dumps(view.document(plain), indent=2, ensure_ascii=False),
    }
    names = bundle.write(path, _opened(call), documents)
    fields = {"bundle": {"path": str(path), "files": names}}
    return _outcome(view.Examined(found, fields, view.bundled(str(path), names)))
