"""Jars from a Maven mirror on this machine, without a network, damaged, and by two at once."""

from __future__ import annotations

import hashlib
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.test_interrupted_start import faulty, read_up_to

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

COMMAND = Path(sys.executable).with_name("kafka-tasks")


class Mirror(ThreadingHTTPServer):
    """A Maven repository that serves the jars of a cache; counts what was asked for.

    What `damaged` names is served with other bytes; each answer waits until `open` is set.
    """

    daemon_threads = True

    def __init__(self, cache: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.cache = cache
        self.asked: Counter[str] = Counter()
        self.damaged: set[str] = set()
        self.open = threading.Event()
        self.open.set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def content(self, path: str) -> bytes | None:
        """The bytes of a jar or of its checksum file, by its path in Maven's layout."""
        if path.endswith(".sha1"):
            jar = self.content(path.removesuffix(".sha1"))
            return hashlib.sha1(jar).hexdigest().encode() if jar else None
        *group, artifact, version, name = path.strip("/").split("/")
        file = self.cache / "jars" / ".".join(group) / f"{artifact}-{version}.jar"
        if name != file.name or not file.exists():
            return None
        return file.read_bytes() + (b"damaged" if name in self.damaged else b"")


class Answer(BaseHTTPRequestHandler):
    """One request to the mirror."""

    server: Mirror

    def do_GET(self) -> None:
        """Answer with the content, or with 404."""
        self.server.open.wait(60)
        content = self.server.content(self.path)
        if self.path.endswith(".jar"):
            self.server.asked[self.path.rpartition("/")[2]] += 1
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(warm: Path) -> Iterator[Mirror]:
    """A running mirror of the warm cache."""
    with Mirror(warm) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.open.set()
        server.shutdown()
        thread.join()


def home(directory: Path, repository: str) -> dict[str, str]:
    """A home whose Maven client is set up for this repository alone."""
    (directory / ".config").mkdir(parents=True)
    settings = f"[repositories]\ncentral = {repository}\n"
    (directory / ".config" / "jgo.conf").write_text(settings)
    return {"HOME": str(directory), "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def offline(project: Sandbox, tmp_path: Path) -> Sandbox:
    """A project on a machine without a network."""
    project.environ |= home(tmp_path / "home", "http://127.0.0.1:9")
    return project


def damage(file: Path) -> None:
    """Change one byte of a file, which keeps its size; its hard links keep their content."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.unlink()
    file.write_bytes(content)


def broker_jar(cache: Path) -> Path:
    """The jar of the broker itself."""
    return cache / "jars" / "org.apache.kafka" / "kafka_2.13-3.9.2.jar"


def test_no_network_and_a_cold_cache(offline: Sandbox, tmp_path: Path) -> None:
    """`up` exits 4 with what is missing, where, and how to bring it; nothing is started."""
    offline.environ["KAFKA_TASKS_CACHE"] = str(tmp_path / "cold")
    words = ("58 of 58 jars of Kafka 3.9.2", str(tmp_path / "cold"), "kafka.pull", "missing: ")
    offline.run("up").refused(4, *words)
    offline.run("pull").refused(4, *words)
    assert offline.run("up", "-o", "json").error["code"] == "jars"
    assert offline.processes() == {}
    assert not list((tmp_path / "cold").rglob("*.jar"))


def test_no_network_and_a_warm_cache(offline: Sandbox) -> None:
    """With everything in the cache a start asks nobody."""
    offline.up()
    assert offline.run("pull").code == 0


def test_no_network_and_a_damaged_jar(offline: Sandbox, own_cache: Path) -> None:
    """A damaged jar that cannot be fetched anew is named, and nothing is started with it."""
    damage(broker_jar(own_cache))
    offline.environ["KAFKA_TASKS_CACHE"] = str(own_cache)
    offline.run("up").refused(4, "1 of 58 jars", "org.apache.kafka:kafka_2.13:3.9.2")
    assert offline.processes() == {}


def test_damaged_jar_in_the_cache_is_replaced(
    project: Sandbox, own_cache: Path, mirror: Mirror, tmp_path: Path
) -> None:
    """A damaged jar, and only that, is fetched anew before anything starts with it."""
    good = broker_jar(own_cache).read_bytes()
    damage(broker_jar(own_cache))
    project.environ |= home(tmp_path / "home", mirror.url)
    project.environ["KAFKA_TASKS_CACHE"] = str(own_cache)
    project.up()
    assert dict(mirror.asked) == {broker_jar(own_cache).name: 1}
    assert broker_jar(own_cache).read_bytes() == good


def test_mirror_that_serves_a_damaged_jar(project: Sandbox, mirror: Mirror, tmp_path: Path) -> None:
    """A jar with another checksum than the locked one is an error with both, and is not kept."""
    cache = tmp_path / "cold"
    project.environ |= home(tmp_path / "home", mirror.url)
    project.environ["KAFKA_TASKS_CACHE"] = str(cache)
    mirror.damaged = {broker_jar(cache).name}
    project.run("up").refused(
        4, "kafka_2.13:3.9.2 arrived with another checksum", "expected sha256", "received sha256"
    )
    assert not broker_jar(cache).exists()
    assert not list(cache.rglob(".fetch-*"))
    assert project.processes() == {}


@pytest.mark.release
def test_two_projects_that_download_at_once(
    new_project: Callable[..., Sandbox],
    mirror: Mirror,
    tmp_path: Path,
    cold_cache: Path,
    until: Callable[..., object],
) -> None:
    """Two cold starts at once fetch each jar once; the wait for it is not the wait to be ready."""
    changes = home(tmp_path / "home", mirror.url)
    mirror.open.clear()
    starts = []
    for name in ("one", "other"):
        sandbox = new_project(name)
        sandbox.environ |= {**changes, "KAFKA_TASKS_CACHE": str(cold_cache)}
        starts.append(sandbox.begin("up", "--timeout", "60"))
        if name == "one":
            until(lambda: list(cold_cache.rglob(".fetch-*")), "a download")
    read_up_to(starts[1], "waiting for another project")
    mirror.open.set()
    said = []
    for start in starts:
        out, err = start.communicate(timeout=120)
        assert start.returncode == 0, out + err
        said.append(err)
    assert set(mirror.asked.values()) == {1}
    assert len(mirror.asked) == 58
    assert ["58 jars" in err for err in said] == [True, False]
    assert "waiting for another project" not in said[0]


@pytest.mark.release
def test_slow_download_does_not_use_up_the_timeout(
    project: Sandbox, own_cache: Path, mirror: Mirror, tmp_path: Path
) -> None:
    """A download that takes an hour leaves all of --timeout for becoming ready."""
    broker_jar(own_cache).unlink()
    project.environ |= home(tmp_path / "home", mirror.url)
    project.environ["KAFKA_TASKS_CACHE"] = str(own_cache)
    code, _, err = faulty(project, "slow-fetch", 3600, "up", "--timeout", "60")
    assert code == 0, err
    assert dict(mirror.asked) == {broker_jar(own_cache).name: 1}


def test_ctrl_c_while_a_mirror_is_silent(
    project: Sandbox, mirror: Mirror, tmp_path: Path, until: Callable[..., object]
) -> None:
    """Ctrl-C during a download exits 130 at once and leaves no half of a jar."""
    cache = tmp_path / "cold"
    project.environ |= home(tmp_path / "home", mirror.url)
    project.environ["KAFKA_TASKS_CACHE"] = str(cache)
    mirror.open.clear()
    start = project.begin("up")
    until(lambda: list(cache.rglob(".fetch-*")), "a download")
    start.send_signal(signal.SIGINT)
    # The mirror is silent for a minute.
    _, err = start.communicate(timeout=30)
    assert start.returncode == 130, err
    assert "Traceback" not in err
    assert not [path for path in cache.rglob("*") if path.suffix == ".jar" or ".fetch" in str(path)]


def test_full_disk_under_the_cache(project: Sandbox, mirror: Mirror, tmp_path: Path) -> None:
    """Where a jar does not fit, `up` exits 4 with the place and leaves no half of it."""
    cache = tmp_path / "cold"
    project.environ |= home(tmp_path / "home", mirror.url)
    project.environ["KAFKA_TASKS_CACHE"] = str(cache)
    script = 'ulimit -f 2000; exec "$0" up'
    done = project.run(command=("sh", "-c", script, str(COMMAND)))
    done.refused(4, str(cache), "cannot be written")
    assert not broker_jar(cache).exists()
    assert project.processes() == {}
