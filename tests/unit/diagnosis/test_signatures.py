"""Every known failure is found in its log text, and in nothing that is well."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import pytest

import kafka_tasks
from kafka_tasks.diagnosis import signatures
from kafka_tasks.diagnosis.signatures import Signature
from kafka_tasks.model.evidence import last_start
from tests.docs.terms import strings

HERE = Path(__file__).parent
TEXTS = HERE / "signatures"
KNOWN = signatures.load()
BY_ID = {known.id: known for known in KNOWN}
# ID.log, and ID.WORD.log where one failure has another text as well.
NAMES = sorted(path.stem for path in TEXTS.glob("*.log"))


def lines_of(name: str) -> list[str]:
    """Return the text of a signature, as it is logged."""
    return (TEXTS / f"{name}.log").read_text(encoding="utf-8").splitlines()


def id_of(name: str) -> str:
    """Return the id of the signature."""
    return name.partition(".")[0]


def service_of(known: Signature) -> str:
    """Return the service whose text is searched."""
    return "kafka" if known.services[0] == "any" else known.services[0]


def test_every_one_of_the_thirty_failures_has_a_signature() -> None:
    """No row of the list of what users run into is missing."""
    assert {row for known in KNOWN for row in known.rows} == set(range(1, 31))


def test_ids_are_words_and_unique() -> None:
    """An id is the name of a finding: once, and fit for machines."""
    assert len(BY_ID) == len(KNOWN)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+|-?\d)*(-[a-z]+)*", id) for id in BY_ID)


def test_every_signature_has_a_text_and_every_text_a_signature() -> None:
    """An entry without a text is not tested, and a text without an entry is forgotten."""
    assert set(BY_ID) <= set(NAMES)
    assert {id_of(name) for name in NAMES} <= set(BY_ID)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_in_its_text(name: str) -> None:
    """The log text leads to this signature first, with lines of it as evidence."""
    id, lines = id_of(name), lines_of(name)
    service = service_of(BY_ID[id])
    found = signatures.search({service: lines})
    assert found[0][1].signature.id == id
    finding = found[0][1].finding(service=service, runtime="embedded")
    assert finding.evidence
    assert set(finding.evidence) <= set(lines)
    assert finding.cause and finding.fix and finding.reference
    said = f"{finding.title} {finding.cause} {finding.fix}"
    assert not re.search(r"\{\w+\}", said)


@pytest.mark.parametrize("name", NAMES)
def test_every_other_signature_is_silent_on_its_text(name: str) -> None:
    """Each signature is tried on each text, whoever would say it: exactly one is a cause."""
    id, lines = id_of(name), lines_of(name)
    found = {known.id for known in KNOWN if known.search(lines)[0]}
    symptoms = {known.id for known in KNOWN if known.symptom}
    assert (found if BY_ID[id].symptom else found - symptoms) == {id}


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_what_the_guide_shows_is_what_is_searched(known: Signature) -> None:
    """Each symptom in the guide would be found, where … stands for anything."""
    for shown in known.shown:
        text = shown.replace("…", "x")
        assert any(pattern.search(text) for pattern in known.patterns), shown
    assert known.beside is None or not re.search(r"[^\\][.][*+]", known.beside.pattern)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_every_field_is_valid(known: Signature) -> None:
    """Services, exit code and texts are those that the rest of the package understands."""
    assert known.services and set(known.services) <= set(signatures.SERVICES)
    assert known.exit_code in (1, 3, 4, 5)
    assert known.patterns and known.shown
    for text in (known.title, known.cause):
        assert text[0].isupper() or text.startswith("KAFKA")
        assert text.endswith(".")
    groups = {name for pattern in known.patterns for name in pattern.groupindex}
    said = " ".join((known.title, known.cause, known.fix, known.fix_compose or ""))
    assert set(re.findall(r"\{(\w+)\}", said)) <= groups


@pytest.mark.parametrize("service", ["kafka", "zookeeper"])
def test_a_healthy_log_has_no_signature(service: str) -> None:
    """A whole start and stop as a real server logs it has nothing that is known as a failure."""
    lines = (HERE / "healthy" / f"{service}.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 50
    assert signatures.search({service: lines}) == []


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_patterns_take_time_in_proportion(known: Signature) -> None:
    """No pattern repeats a repetition or has an unbounded dot, so no line can make it slow."""
    for pattern in known.patterns:
        assert not re.search(r"[^\\][.][*+]", pattern.pattern), pattern.pattern
        assert not re.search(r"[*+}]\)[*+{]", pattern.pattern), pattern.pattern


def test_endless_lines_cost_little() -> None:
    """A thousand lines of what patterns begin with do not make a pattern backtrack for ever."""
    nasty = [
        "x" * 20_000,
        "FileSystemException: " * 900,
        "advertises " * 1500,
        "a:" * 9000,
        "lookup " * 2000,
        "replication factor of 1" * 800,
    ]
    began = time.process_time()
    assert signatures.search({"kafka": nasty * 10, "tool": nasty * 10}) == []
    # About a second; a pattern that backtracks takes minutes.
    assert time.process_time() - began < 30


def test_only_the_end_of_a_log_is_searched() -> None:
    """What is further back than the limit is not looked at."""
    lines = ["No space left on device", *["quiet"] * signatures.LINES]
    assert signatures.search({"kafka": lines}) == []
    assert signatures.search({"kafka": lines[:-1]}) != []


def test_what_follows_from_something_else_is_left_out() -> None:
    """A broker that does not reach a dead ZooKeeper is no news beside what ZooKeeper died of."""
    found = signatures.search(
        {
            "kafka": lines_of("zookeeper-unreachable"),
            "zookeeper": lines_of("zookeeper-data-partial"),
        }
    )
    assert [(service, hit.signature.id) for service, hit in found] == [
        ("zookeeper", "zookeeper-data-partial")
    ]


def test_a_line_counts_for_one_signature() -> None:
    """A heap that is too small is not said to be a lack of memory as well, however often."""
    lines = [f"worker {n}: java.lang.OutOfMemoryError: Java heap space" for n in range(50)]
    assert [hit.signature.id for _, hit in signatures.search({"kafka": lines})] == [
        "heap-too-small"
    ]


def test_a_further_broker_is_a_broker() -> None:
    """Signatures of kafka are looked for in the logs of kafka-2."""
    found = signatures.search({"kafka-2": lines_of("data-locked")})
    assert [service for service, _ in found] == ["kafka-2"]


def test_containers_have_fixes_of_their_own() -> None:
    """The fix is the one for the runtime, without the marks of the documents."""
    ((_, hit),) = signatures.search({"kafka": ["java.io.IOException: No space left on device"]})
    assert "docker system df" in str(hit.finding(service="kafka", runtime="compose").fix)
    embedded = str(hit.finding(service="kafka", runtime="embedded").fix)
    assert "df -h ." in embedded and "`" not in embedded


def test_what_a_group_caught_is_in_the_finding() -> None:
    """The name of a container that is in the way is in the title and in the fix."""
    ((_, hit),) = signatures.search({"tool": lines_of("container-name-taken")})
    finding = hit.finding(service="tool", runtime="compose")
    assert finding.title == "Another container has the name kafka."
    assert "docker rm -f kafka" in str(finding.fix)


def test_a_group_that_caught_nothing_is_left_open() -> None:
    """A line without the detail still has a legible finding."""
    ((_, hit),) = signatures.search(
        {
            "kafka": [
                "replication factor: none, Replication factor: 3 larger than available brokers: 1."
            ]
        }
    )
    assert "needed 3, available 1" in str(hit.finding(service="kafka", runtime=None).cause)


def test_only_the_last_start_counts() -> None:
    """An earlier start's death says nothing about this one."""
    earlier = lines_of("cluster-id-differs")
    begins = "[2026-01-31 10:05:00,001] INFO Registered kafka:type=kafka.Log4jController MBean (x)"
    assert last_start([*earlier, begins, "quiet"]) == [begins, "quiet"]


def test_what_the_jvm_said_goes_with_the_last_start() -> None:
    """Words without a time are the JVM's own and belong to the newest start."""
    begins = "[2026-01-31 10:05:00,001] INFO Registered kafka:type=kafka.Log4jController MBean (x)"
    lines = ["Too small maximum heap", "[2026-01-31 10:00:00,000] INFO old", begins]
    assert last_start(lines) == ["Too small maximum heap", begins]
    long_after = time.mktime((2026, 1, 31, 12, 0, 0, 0, 0, -1))
    assert last_start(lines, long_after) == ["Too small maximum heap"]


# Signatures of errors that this package raises.
_OWN_ERRORS = (
    "broker-still-registered",
    "cache-not-writable",
    "command-in-the-way",
    "compose-missing",
    "data-not-writable",
    "died-while-starting",
    "disk-full",
    "engine-elsewhere",
    "engine-forbidden",
    "engine-missing",
    "image-missing",
    "jars-missing",
    "listeners-invalid",
    "not-running",
    "port-taken",
    "replication-factor",
    "runtime-differs",
    "setting-invalid",
    "settings-changed",
    "somebody-elses",
    "topic-differs",
    "topics-kept",
    "wrong-java",
)


@pytest.fixture(scope="module")
def messages() -> list[str]:
    """The string literals of the package, with a digit for each value."""
    found: list[str] = []
    for path in Path(kafka_tasks.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {ast.get_docstring(node, clean=False) for node in _documented(tree)}
        texts = (text for _, text in strings(ast.unparse(tree)))
        found += [text.replace("{}", "9") for text in texts if text not in docstrings]
    return found


def _documented(tree: ast.Module) -> list[ast.Module | ast.ClassDef | ast.FunctionDef]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("id", _OWN_ERRORS)
def test_an_error_that_is_reworded_keeps_its_signature(id: str, messages: list[str]) -> None:
    """A message of the package matches the signature, or the error would lose its finding."""
    (known,) = (signature for signature in signatures.load() if signature.id == id)
    assert any(pattern.search(text) for pattern in known.patterns for text in messages)


def test_services_of_other_names_are_what_they_are() -> None:
    """A log counts by what its service is, and a fix names the services of this cluster."""
    names = {"zk": "zookeeper", "events": "kafka", "events2": "kafka"}
    line = "Timed out waiting for connection to Zookeeper server (zk:2181)"
    assert signatures.search({"events2": [line]}) == []
    ((service, hit),) = signatures.search({"events2": [line]}, names)
    finding = hit.finding(service=service, runtime="compose", names=names)
    assert "--service zk" in (finding.fix or "") and "--service zookeeper" not in str(finding.fix)
    busy = ["LEADER_NOT_AVAILABLE"]
    for service, hit in signatures.search({"events2": busy}, names):
        found = hit.finding(service=service, runtime="compose", names=names)
        assert "--service kafka" not in (found.fix or "")


# What has no effect on a user's own Compose file, unless that reads it.
_OF_OUR_FILE = re.compile(
    r"KAFKA_TASKS_(?:VERSION|MODE|LAUNCH|NETWORK|BROKERS|\w*PORT|\w*IMAGE|\w*HEAP)\b|(?<!kafka)\.env\b|--brokers"
)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_the_fix_fits_a_compose_file_of_ones_own(known: Signature) -> None:
    """It names no setting of ours, nor .env, which such a file does not read."""
    assert not _OF_OUR_FILE.search(known.fix_for("compose", own_file=True))


def test_a_port_in_a_compose_file_of_ones_own() -> None:
    """It is the file that has to change; elsewhere a setting does it."""
    lines = ["Bind for 0.0.0.0:9092: port is already allocated"]
    ((_, hit),) = signatures.search({"engine": lines})
    ours = str(hit.finding(service="engine", runtime="compose").fix)
    own = str(hit.finding(service="engine", runtime="compose", own_file=True).fix)
    assert "KAFKA_TASKS_PORT=auto" in ours and "KAFKA_TASKS_PORT" not in own
    assert "publish and advertise another port in the Compose file" in own
