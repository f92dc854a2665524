from __future__ import annotations

from pathlib import Path

from kafka_tasks.render.views import configuration
from kafka_tasks.render.views.configuration import Configuration
from kafka_tasks.settings import VARIABLES, load

JAVA = {"home": "/java", "version": "17.0.9", "why": "java on PATH"}


def test_every_setting_has_value_and_origin(tmp_path: Path) -> None:
    """Each variable is a row, with the place where a person would look."""
    (tmp_path / ".env").write_text("\nKAFKA_TASKS_HEAP=1g\n")
    settings = load(tmp_path, environ={"KAFKA_TASKS_PORT": "auto"})
    found = configuration.document(Configuration(settings, JAVA))
    rows = {entry["name"]: entry for entry in found["settings"]}
    assert list(rows) == [variable.name for variable in VARIABLES]
    heap = rows["KAFKA_TASKS_HEAP"]
    assert (heap["value"], heap["origin"], heap["place"]) == ("1g", ".env", ".env:2")
    port = rows["KAFKA_TASKS_PORT"]
    assert (port["value"], port["origin"]) == ("auto", "environment")
    assert rows["KAFKA_TASKS_BROKERS"]["value"] == 1
    assert rows["KAFKA_TASKS_NETWORK"]["value"] is None
    assert found["java"] == JAVA


def test_secrets_are_masked(tmp_path: Path) -> None:
    """Neither the document nor the text shows a password."""
    environ = {"KAFKA_TASKS_SASL_PASSWORD": "hunter2", "KAFKA_TASKS_SSL_KEY_PASSWORD": "hunter2"}
    found = Configuration(load(tmp_path, environ=environ), JAVA)
    text = configuration.text(found, width=200)
    assert "hunter2" not in str(configuration.document(found)) + text
    assert "***" in text


def test_the_text_names_java_and_project(tmp_path: Path) -> None:
    """Which Java and why, and which project, stand below the table."""
    found = Configuration(load(tmp_path, environ={}), JAVA)
    text = configuration.text(found, width=200)
    assert "Java: 17.0.9 in /java (java on PATH)" in text
    assert f"project: {tmp_path}" in text
    none = Configuration(
        load(tmp_path, environ={}), {"home": None, "version": None, "why": "nothing found"}
    )
    assert "Java: none (nothing found)" in configuration.text(none, width=200)
