"""The Compose file is explained as it is, and what the documents lay over it works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import EXAMPLES, ROOT, blocks, table

FILE = ROOT / "docker-compose.yml"
KRAFT = ROOT / "docker-compose.kraft.yml"
PAGE = ROOT / "docs" / "explanation" / "compose-file.md"
REFERENCE = ROOT / "docs" / "reference" / "settings.md"
GIVEN = EXAMPLES / "compose"


def parts() -> list[str]:
    """The pieces of the file that the page shows."""
    return [block.text for block in blocks(PAGE) if block.note == "part: docker-compose.yml"]


def test_the_page_shows_pieces_of_the_file_in_its_order() -> None:
    """Each piece stands in the file word for word, after the one before."""
    text = FILE.read_text(encoding="utf-8")
    place = 0
    for part in parts():
        found = text.find(part, place)
        assert found >= 0, part
        place = found + len(part)


def test_every_line_of_the_file_is_explained() -> None:
    """What the page leaves out are the further brokers, which are like the second."""
    shown = {line for part in parts() for line in part.splitlines()}
    text = re.sub(r"^  kafka-[345]:\n(?:    .*\n|\n)+", "", FILE.read_text(), flags=re.MULTILINE)
    assert "kafka-3-data" in text
    assert [line for line in text.splitlines() if line and line not in shown] == []


def test_further_brokers_differ_from_the_second_in_numbers_alone() -> None:
    """The page says so of kafka-3 to kafka-5."""
    text = FILE.read_text(encoding="utf-8")
    found = re.findall(r"^  kafka-(\d):\n((?:    .*\n)+)", text, re.MULTILINE)
    assert [number for number, _ in found] == ["2", "3", "4", "5"]

    def neutral(number: str, body: str) -> str:
        body = re.sub(r"profiles: .*", "", body).replace(str(9091 + int(number)), "PORT")
        return body.replace(f"kafka-{number}", "NAME").replace(f"BROKER_{number}", "BROKER")

    bodies = {neutral(n, body).replace(f"BROKER_ID: {n}", "BROKER_ID") for n, body in found}
    assert len(bodies) == 1


def test_each_variable_of_the_file_is_documented() -> None:
    """The reference has every variable that the file reads besides the settings."""
    text = re.sub(r"\$\$", "", FILE.read_text(encoding="utf-8"))
    read = dict(re.findall(r"\$\{(?!KAFKA_TASKS_)([A-Z0-9_]+):-([^}]*)\}", text))
    told = {row[0]: row[1] for row in table(REFERENCE, "compose")}
    for number in range(2, 6):
        assert read.pop(f"BROKER_{number}_PORT") == str(9091 + number)
    assert told.pop("BROKER_2_PORT to BROKER_5_PORT") == "9093 to 9096"
    assert told == read


def test_each_variable_of_kraft_mode_is_documented() -> None:
    """The reference has every variable that the other file does not read, with its default."""
    text = re.sub(r"\$\$", "", KRAFT.read_text(encoding="utf-8"))
    told = {row[0]: row[1] for row in table(REFERENCE, "compose-kraft")}
    assert told.pop("CONTROLLER_2_PORT to CONTROLLER_3_PORT") == "19094 to 19095"
    for number in (2, 3):
        assert f"${{CONTROLLER_{number}_PORT:-{19092 + number}}}" in text
    common = {row[0] for row in table(REFERENCE, "compose")} - {"ZOOKEEPER_HEAP_OPTS"}
    read = set(re.findall(r"\$\{(?!KAFKA_TASKS_|BROKER_|CONTROLLER_|COMPOSE_)([A-Z0-9_]+)", text))
    assert read == set(told) | {name for name in common if not name.startswith("BROKER_")}
    assert f"${{CLUSTER_ID:-{told['CLUSTER_ID']}}}" in text
    assert f"${{QUORUM_VOTERS:-{told['QUORUM_VOTERS']}$" in text


def config(*files: Path, directory: Path) -> dict[str, Any]:
    """What Compose makes of these files; it asks no engine."""
    if shutil.which("docker") is None and "CI" not in os.environ:
        pytest.skip("there is no docker command on this machine")
    given = [part for path in files for part in ("--file", str(path))]
    done = subprocess.run(
        [
            *("docker", "compose", "--project-directory", str(directory), *given),
            *("config", "--format", "json"),
        ],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", str(directory))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_file_for_old_engines_takes_start_interval_away(tmp_path: Path) -> None:
    """Laid over, nothing is left that an engine before 25 refuses."""
    assert "start_interval" in json.dumps(config(FILE, directory=tmp_path)["services"])
    found = config(FILE, GIVEN / "old-engine.yml", directory=tmp_path)
    assert "start_interval" not in json.dumps(found["services"])
    assert set(found["services"]) == {"zookeeper", "kafka"}


def test_the_override_gives_the_broker_a_property(tmp_path: Path) -> None:
    """The variable is beside those of the file."""
    found = config(FILE, GIVEN / "broker.override.yml", directory=tmp_path)
    environment = found["services"]["kafka"]["environment"]
    assert environment["KAFKA_MESSAGE_MAX_BYTES"] == "2097152"
    assert environment["KAFKA_BROKER_ID"] == "1"


def test_the_application_is_on_the_network_of_the_cluster(tmp_path: Path) -> None:
    """The example joins the network that the file makes for a directory of that name."""
    directory = tmp_path / "shop"
    directory.mkdir()
    made = config(FILE, directory=directory)["networks"]["kafka"]["name"]
    joined = config(GIVEN / "app.yml", directory=tmp_path)["networks"]["kafka"]
    assert joined["name"] == made
    assert joined["external"] is True


def test_heaps_in_dotenv_reach_the_file(tmp_path: Path) -> None:
    """Compose reads the heaps from the project's .env."""
    (tmp_path / ".env").write_text("KAFKA_HEAP_OPTS=-Xmx1g\nZOOKEEPER_HEAP_OPTS=-Xmx300m\n")
    services = config(FILE, directory=tmp_path)["services"]
    assert services["kafka"]["environment"]["KAFKA_HEAP_OPTS"] == "-Xmx1g"
    assert services["zookeeper"]["environment"]["KAFKA_HEAP_OPTS"] == "-Xmx300m"
