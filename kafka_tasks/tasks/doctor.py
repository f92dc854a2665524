"""What is wrong here, and what to type: doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks._options import Call, Outcome, confirmed, verb

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.diagnosis.examination import Examination
    from kafka_tasks.diagnosis.fixes import Fix
    from kafka_tasks.model.finding import Diagnosis


@verb(
    optional=("bundle",),
    help={
        "bundle": "write an archive for a bug report (to this file)",
        "fix": "do those fixes that lose nothing; asks first",
    },
)
def doctor(
    call: Call,
    bundle: str | bool | None = None,
    fix: bool = False,
    yes: bool = False,
    output: str = "text",
) -> Outcome:
    """Examine machine, configuration and cluster: cause, evidence and fix of what is wrong."""
    from kafka_tasks.diagnosis import doctor as diagnosis
    from kafka_tasks.render.views import doctor as doctor_view

    project = call.project()
    found = diagnosis.examine(project, lambda: call.settings(project))
    if fix:
        return _fixed(call, found, yes=yes)
    if bundle:
        return _bundled(call, found, None if bundle is True else str(bundle))
    return _outcome(call, found, doctor_view.document(found))


def _outcome(call: Call, found: Diagnosis, document: dict[str, object]) -> Outcome:
    from kafka_tasks.render.views import doctor as doctor_view

    return Outcome(document, lambda: doctor_view.text(found, width=call.width), found.exit_code)


def _opened(call: Call) -> Examination:
    from kafka_tasks.diagnosis import doctor as diagnosis

    project = call.project()
    return diagnosis.open_examination(project, lambda: call.settings(project))[0]


def _fixed(call: Call, found: Diagnosis, *, yes: bool) -> Outcome:
    """Say what would be done, ask, do it, and look again."""
    from dataclasses import replace

    from kafka_tasks.diagnosis import doctor as diagnosis
    from kafka_tasks.diagnosis import fixes
    from kafka_tasks.render.views import doctor as doctor_view

    exam = _opened(call)
    todo = fixes.plan(exam, found.findings)
    what = [one.what for one in todo]
    if call.dry or not todo:
        return _nothing_done(call, found, what)
    lines = doctor_view.planned(what)
    _say(lines)
    confirmed(["Shall they be done?"], yes=yes, hint="invoke kafka.doctor --fix --yes")
    done = _apply(exam, todo)
    again = replace(
        diagnosis.examine(exam.project, lambda: call.settings(exam.project)), fixed=done
    )
    return _outcome(call, again, doctor_view.document(again))


def _apply(exam: Examination, todo: list[Fix]) -> tuple[str, ...]:
    from kafka_tasks.diagnosis import fixes

    return fixes.apply(exam, todo)


def _say(lines: list[str]) -> None:
    import sys

    print("\n".join(lines), file=sys.stderr)


def _nothing_done(call: Call, found: Diagnosis, what: list[str]) -> Outcome:
    from kafka_tasks.render.views import doctor as doctor_view

    document = {**doctor_view.document(found), "dry": call.dry, "would_fix": what}
    would = "\n".join(f"would {one}" for one in what) or "There is nothing that can be fixed here."

    def text() -> str:
        return f"{doctor_view.text(found, width=call.width)}\n{would}"

    return Outcome(document, text, found.exit_code)


def _bundled(call: Call, found: Diagnosis, name: str | None) -> Outcome:
    """The archive besides the findings; its own success does not hide theirs."""
    import json
    from pathlib import Path

    from kafka_tasks.diagnosis import bundle
    from kafka_tasks.render.views import doctor as doctor_view

    path = Path(name or bundle.default_name()).expanduser().absolute()
    document = doctor_view.document(found)
    if call.dry:
        return _would_bundle(call, found, path)
    documents = {
        "findings.txt": doctor_view.text(found, width=100) + "\n",
        "doctor.json": json.dumps(document, indent=2, ensure_ascii=False),
    }
    names = bundle.write(path, _opened(call), documents)

    def text() -> str:
        said = doctor_view.bundled(str(path), names)
        return f"{doctor_view.text(found, width=call.width)}\n{said}"

    return Outcome(doctor_view.bundle_document(str(path), names, document), text, found.exit_code)


def _would_bundle(call: Call, found: Diagnosis, path: Path) -> Outcome:
    from kafka_tasks.render.views import doctor as doctor_view

    document = {**doctor_view.document(found), "dry": True, "would_write": str(path)}

    def text() -> str:
        return f"{doctor_view.text(found, width=call.width)}\nwould write {path}"

    return Outcome(document, text, found.exit_code)
