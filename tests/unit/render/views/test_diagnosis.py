"""A diagnosis for machines and for people."""

from __future__ import annotations

from kafka_tasks.model.finding import Diagnosis, Finding
from kafka_tasks.render.views import diagnosis
from kafka_tasks.render.views.diagnosis import Examined

WRONG = Finding(
    "port-taken",
    "error",
    "Port 9092, which kafka needs, is held by python (process 4711: python -m http.server 9092).",
    cause="Only one can listen on a port.",
    evidence=("e" * 200,),
    fix="kill 4711, or KAFKA_TASKS_PORT=auto invoke kafka.up",
    exit_code=4,
    reference="docker/compose#4950",
    service="kafka",
)
WELL = Finding("python", "ok", "Python 3.11", cause="not shown")
ODD = Finding("clock", "warning", "The clock is wrong.", area="cluster")


def test_the_document_has_every_finding() -> None:
    """Its exit codes count for errors alone."""
    document = diagnosis.document(Examined(Diagnosis((WELL, WRONG, ODD), 0.25, fixed=("a",))))
    assert document["schema"] == 1
    assert (document["worst"], document["exit_code"], document["elapsed_s"]) == ("error", 4, 0.25)
    assert document["fixed"] == ["a"]
    assert [found["exit_code"] for found in document["findings"]] == [0, 4, 0]
    assert document["findings"][1]["evidence"] == ["e" * 200]


def test_the_text_fits_the_screen() -> None:
    """80 columns hold every line; what is well is one line, the rest has cause and fix."""
    text = diagnosis.text(Examined(Diagnosis((WELL, WRONG, ODD), 0.25)), width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "  ok      Python 3.11" in text
    assert "not shown" not in text
    assert "cause: Only one can listen on a port." in text
    assert "fix: kill 4711, or KAFKA_TASKS_PORT=auto invoke kafka.up" in text
    assert text.endswith("1 error and 1 warning (3 findings, 0.2 s).")


def test_all_is_well() -> None:
    """Without warnings the sum says so."""
    assert diagnosis.text(Examined(Diagnosis((WELL,), 0.1)), width=80).endswith(
        "All is well (1 finding, 0.1 s)."
    )


def test_what_was_done_about_it_is_added() -> None:
    """For machines beside the findings, for people as the last line."""
    found = Examined(Diagnosis((WELL,), 0.1), {"would_write": "/x"}, "would write /x")
    assert diagnosis.document(found)["would_write"] == "/x"
    assert diagnosis.text(found, width=80).splitlines()[-1] == "would write /x"
