"""`doctor` on real clusters: quick where all is well, exact where it is not, discreet always."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from tests.integration.conftest import Sandbox

# `doctor --fix` stops servers of deleted projects anywhere on the machine: these tests show it only
# those below the directory that is its first argument.
_CONFINED = """
import sys
from pathlib import Path
from kafka_tasks.clients import processes
from kafka_tasks.program import main
from kafka_tasks.runtimes.embedded.process_tags import PROJECT_PROPERTY

made, everywhere = Path(sys.argv.pop(1)), processes.find

def find(marker):
    return [found for found in everywhere(marker) if any(map(below, found.arguments))]

def below(argument):
    named = Path(argument.removeprefix(PROJECT_PROPERTY))
    return argument.startswith(PROJECT_PROPERTY) and named.is_relative_to(made)

processes.find = find
main()
"""
SECRET = 'pl4nted-"s3cret"-ü/+%value'


def confined(sandbox: Sandbox) -> tuple[str, ...]:
    """The command line that meets no server but those of this test's directory."""
    return (sys.executable, "-c", _CONFINED, str(sandbox.path.parent))


def findings(sandbox: Sandbox, *arguments: str, **options: Any) -> dict[str, Any]:
    """Findings by id (the worst of each)."""
    seen = sandbox.run("doctor", *arguments, "-o", "json", **options)
    order = ["ok", "info", "warning", "error"]
    listed = sorted(seen.document["findings"], key=lambda found: order.index(found["level"]))
    return {found["id"]: found for found in listed}


def test_all_is_well(breakable: Sandbox) -> None:
    """A healthy cluster is exit 0, and everything was looked at."""
    seen = breakable.run("doctor", "-o", "json")
    assert seen.code == 0, seen.out
    assert seen.document["worst"] in ("ok", "info", "warning")
    assert seen.document["elapsed_s"] > 0
    ids = {found["id"] for found in seen.document["findings"]}
    assert {"python", "memory", "disk", "java", "jars", "settings", "ready"} <= ids
    assert {"cluster-id", "partitions", "logs", "data-size", "exposed"} <= ids


def test_a_person_reads_lines(breakable: Sandbox) -> None:
    """Without a terminal the text has no control characters, and ends with the sum."""
    seen = breakable.run("doctor")
    assert seen.code == 0
    assert "\x1b" not in seen.out
    for area in ("machine", "configuration", "cluster"):
        assert f"{area}\n" in seen.out
    assert seen.out.rstrip().endswith(" s).")


def test_a_killed_broker(breakable: Sandbox) -> None:
    """The dead service, its registration and how long that lives are named; `up` heals it."""
    assert breakable.run("topic").code == 0
    breakable.kill("kafka")
    found = findings(breakable)
    assert found["service-dead"]["service"] == "kafka"
    assert found["not-ready"]["evidence"] == ["kafka not running"]
    listed = found["broker-still-registered"]
    assert listed["level"] == "warning"
    # How long exactly is ZooKeeper's to say; without its answer it is the session's whole time.
    assert "s or less" in listed["title"] or "s of the kill" in listed["title"]
    assert breakable.run("doctor").code == 5
    failed = breakable.run("verify", "-o", "json")
    assert failed.code == 5
    # Its log does not say who killed it, and nothing else is blamed.
    assert "kafka" in failed.error["message"]
    assert failed.error["cause"].startswith("not known")
    breakable.up()
    assert breakable.run("doctor").code == 0


def test_a_stopped_project_is_no_error(project: Sandbox) -> None:
    """Where nothing was started nothing is wrong."""
    seen = project.run("doctor", "-o", "json")
    assert seen.code == 0, seen.out
    assert "stopped" in {found["id"] for found in seen.document["findings"]}
    assert not (project.path / ".kafka-tasks").exists()


def test_it_does_not_stand_in_its_own_way(breakable: Sandbox) -> None:
    """Nobody changes the cluster, and nobody is said to; who does is named."""
    for _ in range(5):
        assert "lock-held" not in findings(breakable)
    state = breakable.path / ".kafka-tasks"
    with FileLock(state / "lock"):
        assert findings(breakable)["lock-held"]["level"] == "info"


def test_a_bad_setting_does_not_keep_it_from_looking(project: Sandbox) -> None:
    """The setting is an error (3), and the machine is examined all the same."""
    (project.path / ".env").write_text("KAFKA_TASKS_PORT=abc\n")
    found = findings(project, env={"KAFKA_TASKS_PORT": None})
    assert found["setting-invalid"]["exit_code"] == 3
    assert found["java"]["level"] == "ok"


def test_suspicious_values_are_warnings(project: Sandbox) -> None:
    """What hurts others, or later, is told with its line, and is exit 0."""
    env: dict[str, str | None] = {
        "KAFKA_TASKS_HEAP": "64m",
        "KAFKA_TASKS_TIMEOUT": "2",
        "KAFKA_PORT": "tcp://10.0.0.1:9092",
        "JMX_PORT": "9999",
        "HTTP_PROXY": "http://proxy.invalid:3128",
        "no_proxy": "example.org",
        "NO_PROXY": None,
    }
    seen = project.run("doctor", "-o", "json", env=env)
    assert seen.code == 0, seen.out
    warned = [f for f in seen.document["findings"] if f["level"] == "warning"]
    ids = [found["id"] for found in warned]
    assert ids.count("setting-suspicious") == 2
    assert {"kafka-port-variable", "jmx-port-inherited", "proxy"} <= set(ids)
    assert all(found["fix"] for found in warned)


def planted(sandbox: Sandbox) -> dict[str, str | None]:
    """The environment of a project that has the secret wherever one may be."""
    properties = sandbox.path / "broker.properties"
    properties.write_text(f"ssl.keystore.password={SECRET}\n")
    quoted = SECRET.replace('"', '\\"')
    (sandbox.path / ".env").write_text(f'REGISTRY_PASSWORD="{quoted}"\n', encoding="utf-8")
    return {
        "KAFKA_TASKS_BROKER_PROPERTIES": str(properties),
        "KAFKA_TASKS_SASL_PASSWORD": SECRET,
        "MY_API_TOKEN": SECRET,
    }


def test_a_bundle_has_everything_but_secrets(breakable: Sandbox) -> None:
    """The archive has findings, settings, states and logs, and not one form of a secret."""
    env = planted(breakable)
    log = breakable.path / ".kafka-tasks" / "logs" / "kafka.log"
    with open(log, "a", encoding="utf-8") as stream:
        stream.write(f"[2026-01-31 10:00:00,000] INFO said {SECRET} and {json.dumps(SECRET)} (x)\n")
        stream.write("[2026-01-31 10:00:00,001] INFO url http://me:hunter22@example.org/ (x)\n")
        stream.write("[2026-01-31 10:00:00,002] INFO sasl.password = unheard-of-pw (x)\n")
    target = breakable.path / "report.tar.gz"
    done = breakable.run("doctor", "--bundle", str(target), "-o", "json", env=env)
    assert done.code == 0, done.err
    assert done.document["bundle"]["path"] == str(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with tarfile.open(target) as archive:
        members = {m.name: m for m in archive.getmembers()}
        texts = {
            name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for name, member in members.items()
        }
    assert {m.name.removeprefix("kafka-doctor/") for m in members.values()} == set(
        done.document["bundle"]["files"]
    )
    for wanted in ("findings.txt", "doctor.json", "settings.json", "versions.json"):
        assert f"kafka-doctor/{wanted}" in texts
    status = json.loads(texts["kafka-doctor/status.json"])
    assert {service["name"]: service["pid"] for service in status["services"]} == breakable.pids()
    assert {service["state"] for service in status["services"]} == {status["state"]} == {"ready"}
    assert "broker" in {mark["layer"] for mark in status["timeline"]}
    assert "kafka.server.KafkaServer" in texts["kafka-doctor/logs/kafka.log"]
    assert "kafka-doctor/logs/zookeeper.log" in texts
    everything = "\n".join([*texts.values(), done.out, done.err])
    for form in (SECRET, json.dumps(SECRET)[1:-1], "s3cret", "hunter22", "unheard-of-pw"):
        assert form not in everything, form
    assert not list(breakable.path.glob("*.new"))


def test_a_bundle_overwrites_nothing(breakable: Sandbox) -> None:
    """A file that is there is left alone, and --dry writes none."""
    target = breakable.path / "mine.tar.gz"
    target.write_text("mine")
    breakable.run("doctor", "--bundle", str(target)).refused(3, f"{target} exists.")
    assert target.read_text() == "mine"
    other = breakable.path / "other.tar.gz"
    dry = breakable.run("--dry", "doctor", "--bundle", str(other))
    assert dry.code == 0, dry.err
    assert f"would write {other}" in dry.out
    assert not other.exists()


def test_fix_says_asks_and_does(breakable: Sandbox) -> None:
    """A damaged state file, drafts and open permissions are put right, the cluster untouched."""
    pids = breakable.pids()
    state = breakable.path / ".kafka-tasks"
    breakable.state_file.write_text("{")
    draft = state / "state.json.1.new"
    draft.write_text("{")
    state.chmod(0o755)
    dry = breakable.run("--dry", "doctor", "--fix", command=confined(breakable))
    assert "would move" in dry.out and "would delete half-written" in dry.out
    refused = breakable.run("doctor", "--fix", command=confined(breakable))
    assert refused.code == 6
    assert draft.exists()
    done = breakable.run("doctor", "--fix", "--yes", "-o", "json", command=confined(breakable))
    assert done.code == 0, done.out + done.err
    assert len(done.document["fixed"]) == 3
    assert not draft.exists()
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert breakable.pids() == pids
    assert breakable.recorded()["schema"] == 2
    again = breakable.run("doctor", "--fix", "--yes", command=confined(breakable))
    assert "nothing that can be fixed" in again.out


@pytest.mark.release
def test_a_damaged_class_archive_is_found_and_removed(project: Sandbox, own_cache: Path) -> None:
    """An archive whose content changed is not used; the fix makes room for a new one."""
    warm = Path(project.environ["KAFKA_TASKS_CACHE"])
    env: dict[str, str | None] = {"KAFKA_TASKS_CACHE": str(own_cache)}
    assert "class-archive" in findings(project, env=env)
    place = _archive_place(project, own_cache)
    source = _archive_place(project, warm)
    shutil.copytree(source, place)
    (archive,) = (path for path in place.glob("kafka.*") if path.suffix in (".jsa", ".aot"))
    archive.write_bytes(b"damaged")
    found = findings(project, env=env)["class-archive"]
    assert found["level"] == "warning"
    assert "damaged" in found["title"]
    done = project.run("doctor", "--fix", "--yes", env=env, command=confined(project))
    assert done.code == 0, done.err
    assert not place.exists()
    assert findings(project, env=env)["class-archive"]["level"] == "info"


def _archive_place(sandbox: Sandbox, cache: Path) -> Path:
    from kafka_tasks.runtimes import roles
    from kafka_tasks.runtimes.embedded import class_archive as archive
    from kafka_tasks.runtimes.embedded import jars, java
    from kafka_tasks.settings import load

    settings = load(sandbox.path, environ={"KAFKA_TASKS_CACHE": str(cache)})
    lock = jars.load_lock(settings.line.kafka)
    class_path = tuple(jar.path(cache) for jar in lock.jars)
    names = roles.archives(settings.topology)
    found = archive.locate(cache, java.choose(settings), class_path, lock.kafka, names)
    return found.directory


def test_a_server_of_a_deleted_project_is_ended(
    new_project: Callable[..., Sandbox], until: Callable[..., Any]
) -> None:
    """A process with our mark whose project is gone is named, and ended by the fix."""
    sandbox = new_project("beside")
    gone = sandbox.path / "gone"
    mark = f"-Dkafka.tasks.project={gone}"
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)", mark])
    try:
        until(lambda: mark in psutil.Process(process.pid).cmdline(), "the process is there")
        found = findings(sandbox)["orphans"]
        assert any(f"process {process.pid} of {gone}" in line for line in found["evidence"])
        done = sandbox.run("doctor", "--fix", "--yes", "-o", "json", command=confined(sandbox))
        assert any("deleted projects" in what for what in done.document["fixed"])
        assert process.wait(timeout=10) != 0
    finally:
        process.kill()
        process.wait()


def test_a_project_of_another_user_is_a_finding(project: Sandbox) -> None:
    """As somebody else who may not read the state, there is a finding and no traceback."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(prefix="kafka-tasks-nobody-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / ".kafka-tasks").mkdir(mode=0o700)
        (Path(folder) / ".kafka-tasks" / "state.json").write_text("{}")
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        done = subprocess.run(
            [*nobody, sys.executable, "-m", "kafka_tasks", "doctor"],
            cwd=folder,
            env={**project.env(), "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.stdout.rstrip().endswith(" s)."), done.stdout + done.stderr


def test_nonsense_is_refused_in_words(breakable: Sandbox) -> None:
    """An output that does not exist is exit 3."""
    breakable.run("doctor", "-o", "xml").refused(3, "--output")
