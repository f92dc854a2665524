"""A secret that was planted is searched for in everything that was written, shown or started."""

from __future__ import annotations

import base64
import os
import secrets
import stat
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.integration.conftest import Done, Sandbox, eventually
from tests.tiers import telling

# One for each place, so that what leaks says where from, and for each run: all of the machine is
# looked at.
RUN = secrets.token_hex(4)
PLANTED = {
    "environment": f"Pl4nt3d/env+{RUN}",
    ".env": f"Pl4nt3d dotenv {RUN}",
    "invoke.yaml": f"Pl4nt3d-invoke-{RUN}",
    "broker properties": f"Pl4nt3d=broker={RUN}",
    "jaas": f"Pl4nt3dJaas{RUN}",
}
FORMS = {
    form: place
    for place, secret in PLANTED.items()
    for form in (
        secret.encode(),
        quote(secret, safe="").encode(),
        base64.b64encode(secret.encode()).rstrip(b"="),
        secret.replace("=", "\\=").encode(),
        secret.replace("/", "\\/").encode(),
    )
}


def leaks(content: bytes) -> set[str]:
    """From which places there is a secret in it."""
    return {place for form, place in FORMS.items() if form in content}


@dataclass
class Watcher:
    """Looks at every command line of this machine, again and again, until it is told to stop."""

    found: set[str] = field(default_factory=set)
    looks: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `stop`."""
        while not self._ended.is_set():
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = entry.read_bytes()
                except OSError:
                    continue
                if leaks(line):
                    self.found.add(line.replace(b"\0", b" ").decode(errors="replace")[:200])
            self.looks += 1
            time.sleep(0.05)

    def stop(self) -> None:
        """End the looking."""
        self._ended.set()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """One that looks while the test runs."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("command lines are read from /proc")
    looking = Watcher()
    thread = threading.Thread(target=looking.run, daemon=True)
    thread.start()
    yield looking
    looking.stop()
    thread.join(timeout=10)


def plant(sandbox: Sandbox) -> set[Path]:
    """Secrets wherever a user may put one; returns these files, which may have them."""
    env, invoke = sandbox.path / ".env", sandbox.path / "invoke.yaml"
    properties = sandbox.path / "broker.properties"
    env.write_text(
        f"KAFKA_TASKS_SSL_KEY_PASSWORD='{PLANTED['.env']}'\nDB_PASSWORD='{PLANTED['.env']}'\n"
    )
    invoke.write_text(f"kafka:\n  sasl_password: {PLANTED['invoke.yaml']}\n")
    properties.write_text(
        f"ssl.keystore.password={PLANTED['broker properties']}\n"
        "listener.name.plaintext.plain.sasl.jaas.config="
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="u" password="{PLANTED["jaas"]}";\n'
    )
    sandbox.environ |= {
        "KAFKA_TASKS_BROKER_PROPERTIES": str(properties),
        "CI_REGISTRY_PASSWORD": PLANTED["environment"],
    }
    return {env, invoke, properties}


def said(done: Done) -> bytes:
    """Everything that a command wrote."""
    return f"{done.out}\n{done.err}".encode()


def written(folder: Path, since: float) -> Iterator[Path]:
    """The files below that changed since, whatever they are called."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since - 1:
            yield path


def searched(folder: Path, allowed: set[Path], since: float) -> tuple[dict[str, set[str]], int]:
    """Files with a secret, archives opened, and how many were looked at."""
    found: dict[str, set[str]] = {}
    count = 0
    for path in written(folder, since):
        content = path.read_bytes()
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                for member in archive.getmembers():
                    stream = archive.extractfile(member)
                    content += stream.read() if stream else b""
        count += 1
        if path not in allowed and (of := leaks(content)):
            found[str(path)] = of
    return found, count


# Verbs as people type them; some succeed and some fail, which is another way to speak.
LOCAL = (
    "status",
    "config",
    "env",
    "env --format properties",
    "env --format json",
    "env --format python",
    "doctor",
    "doctor --bundle report.tar.gz",
    "verify",
    "topic",
    "topic.create secretive --config retention.ms=1000",
    "topic.create secretive --config no.such.setting=1",
    "topic.describe secretive",
    "topic.list",
    "topic.export",
    "topic.plan --out plan.json",
    "topic.validate",
    "group.list",
    "consume test-topic --exit",
    "consume nowhere --exit --timeout 2",
    "produce nowhere --file nothing.jsonl",
    "logs --tail 5000",
    "logs --service nothing",
    "list",
    "wait",
    "topic.delete secretive --yes",
    "restart",
    "up --brokers 3",
)


@pytest.mark.release
def test_a_cluster_of_ones_own_keeps_secrets(project: Sandbox, watcher: Watcher) -> None:
    """Output, logs, state, reports, bundle, command lines and environments have none of them."""
    since = time.time()
    allowed = plant(project)
    up = project.run("up")
    assert up.code == 0, up.err
    outputs = {"up": said(up)}
    (project.path / "topics.yaml").write_text("topics:\n  - name: wanted\n")
    for number, line in enumerate(LOCAL):
        outputs[line] = said(project.run(*line.split(), *(["-o", "json"] if number % 2 else [])))
    for pid in project.pids().values():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert environment and not leaks(environment)
    assert project.run("down").code == 0
    bad = project.path / "bad.properties"
    bad.write_text(f"{project.path.joinpath('broker.properties').read_text()}log.retention.ms=x\n")
    failing: dict[str, str | None] = {"KAFKA_TASKS_BROKER_PROPERTIES": str(bad)}
    for line in ("up --timeout 20", "verify", "doctor", "doctor --bundle other.tar.gz"):
        outputs[f"{line}, failing"] = said(project.run(*line.split(), env=failing))
    malformed = project.path / "malformed.properties"
    malformed.write_text(f"ssl.key.password {PLANTED['jaas']}\n")
    broken: dict[str, str | None] = {"KAFKA_TASKS_BROKER_PROPERTIES": str(malformed)}
    for line in ("up", "doctor", "pull"):
        outputs[f"{line}, malformed"] = said(project.run(*line.split(), env=broken))
    assert b"retention" in outputs["up --timeout 20, failing"]
    assert b"malformed.properties, line 1" in outputs["up, malformed"]
    assert not {line: of for line, text in outputs.items() if (of := leaks(text))}

    conf = project.path / ".kafka-tasks" / "conf"
    allowed |= {bad, malformed, *conf.glob("kafka*.properties")}
    found, count = searched(project.path, allowed, since)
    assert not found
    assert count > 30
    # Where they have to be is for the owner alone.
    assert leaks((conf / "kafka.properties").read_bytes()) == {"broker properties", "jaas"}
    assert stat.S_IMODE((conf / "kafka.properties").stat().st_mode) == 0o600
    for folder in ("XDG_STATE_HOME", "KAFKA_TASKS_CACHE"):
        assert not searched(Path(project.environ[folder]), set(), since)[0]
    assert watcher.looks
    assert not watcher.found


def encrypted_key(folder: Path) -> Path:
    """A client key with another password than the planted one."""
    path = folder / "client.key"
    command = ["openssl", "genrsa", "-aes256", "-passout", "pass:another", "-out", str(path)]
    try:
        subprocess.run([*command, "2048"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        path.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nnonsense\n")
    return path


REMOTE = (
    "status",
    "wait --timeout 2",
    "config",
    "env",
    "doctor",
    "doctor --bundle report.tar.gz",
    "verify --timeout 3",
    "topic --timeout 3",
    "topic.list --timeout 3",
    "topic.describe test-topic --timeout 3",
    "group.list --timeout 3",
    "produce test-topic --file nothing.jsonl --timeout 3",
    "consume test-topic --exit --timeout 3",
    "topic.plan --timeout 3",
    "up",
)


@pytest.mark.parametrize(
    ("protocol", "lines"),
    telling([("SASL_PLAINTEXT", REMOTE), ("SSL", REMOTE[::2])], ("SSL", REMOTE[::2])),
)
def test_a_remote_cluster_that_refuses(
    running: Sandbox, project: Sandbox, watcher: Watcher, protocol: str, lines: tuple[str, ...]
) -> None:
    """A password that is not accepted, and a key that cannot be opened, are failures in words."""
    since = time.time()
    allowed = plant(project)
    del project.environ["KAFKA_TASKS_RUNTIME"]
    project.environ |= {
        "KAFKA_TASKS_BOOTSTRAP_SERVERS": running.up()["bootstrap_servers"],
        "KAFKA_TASKS_SECURITY_PROTOCOL": protocol,
        "KAFKA_TASKS_SASL_MECHANISM": "PLAIN",
        "KAFKA_TASKS_SASL_USERNAME": "somebody",
        "KAFKA_TASKS_SASL_PASSWORD": PLANTED["environment"],
    }
    if protocol == "SSL":
        project.environ["KAFKA_TASKS_SSL_KEY_LOCATION"] = str(encrypted_key(project.path))
    json = [["-o", "json"] if number % 2 else [] for number in range(len(lines))]
    # They mostly wait for an answer, and none of them needs another one's.
    with ThreadPoolExecutor(4) as pool:
        asked = pool.map(lambda line, form: project.run(*line.split(), *form), lines, json)
        outputs = dict(zip(lines, asked, strict=True))
    for done in outputs.values():
        assert "Traceback" not in done.err, done.err
    assert not {line: of for line, done in outputs.items() if (of := leaks(said(done)))}
    # Asked for, it is shown; nothing else shows it.
    shown = project.run("env", "--show-secrets")
    assert leaks(said(shown)) == {"environment", ".env"}
    assert not searched(project.path, allowed, since)[0]
    assert not watcher.found
    assert watcher.looks


def test_the_search_finds_what_is_there(tmp_path: Path, watcher: Watcher) -> None:
    """A file, an archive and a command line with a secret are found by what these tests use."""
    since = time.time()
    (tmp_path / "plain.log").write_bytes(b"said " + quote(PLANTED["environment"], safe="").encode())
    inner = tmp_path / "inner"
    inner.write_text(PLANTED["jaas"])
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(inner)
    found, count = searched(tmp_path, {inner}, since)
    assert found == {
        str(tmp_path / "plain.log"): {"environment"},
        str(tmp_path / "a.tar.gz"): {"jaas"},
    }
    assert count == 3
    sleeper = psutil.Popen(["sh", "-c", "sleep 60; true", PLANTED["invoke.yaml"]])
    before = watcher.looks
    eventually(lambda: watcher.looks >= before + 3, "three looks at every process")
    sleeper.kill()
    os.waitpid(sleeper.pid, 0)
    assert any(PLANTED["invoke.yaml"] in line for line in watcher.found)
