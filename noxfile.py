"""`nox` runs what CI runs. It drives the command line and imports nothing heavy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

from kafka_tasks.sessions import register

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"


def why_not(version: str) -> str | None:
    """Return why this Python cannot be used here, None where it runs."""
    name = f"python{version}"
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return None
    if not (found := shutil.which(name)):
        return f"no {name} on PATH"
    # A pyenv shim of a version that is not active is a file that runs no Python.
    if subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode:
        return f"{found} does not run (with pyenv: PYENV_VERSION activates it)"
    return None


SUPPORTED = {version: why_not(version) for version in ("3.11", "3.12", "3.13", "3.14")}
PYTHONS = [version for version, reason in SUPPORTED.items() if reason is None]
# Between the oldest and the newest no version has failed alone.
OLDEST_AND_NEWEST = list(dict.fromkeys((*PYTHONS[:1], *PYTHONS[-1:])))
nox.options.sessions = [
    "lint",
    "types",
    "audit",
    # The oldest Python has the oldest dependencies, the newest one the newest.
    f"unit-{PYTHONS[-1]}",
    "lowest",
    "fuzz",
    "integration",
    "compose",
    "faults",
    "docs",
    "build",
    "acceptance",
    "reports",
]
INSTALL = ("-e", ".[embedded]")
LOCK = Path(__file__).parent / "requirements" / "ci.txt"
COMPILE = (
    *("uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"),
    *("--extra", "embedded", "--group", "dev", "--group", "build"),
    *("--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
)
# What sessions install is what is locked, and its checksums are compared.
os.environ.setdefault("UV_CONSTRAINT", str(LOCK))
# Without bytecode each of a thousand commands compiles every dependency again, 0.5 s of CPU.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A file at a time for each core, which these suites keep busy; four have ports of their own.
BY_FILE = ("-n", str(min(4, max(2, os.cpu_count() or 2))), "--dist", "loadfile")
BOTH_CORES = ("-n", "2", "--dist", "worksteal")
# What a suite spends its time on, for whoever looks at a long run.
SLOWEST = "--durations=25"
# More failures than that are no races: a cluster that breaks takes tests that share it with it.
RACES = 10
GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]
# By acceptance case: the Kafka line of its images, and the settings that name them.
IMAGES = {
    "compose": (
        "3.9",
        {
            "KAFKA_TASKS_KAFKA_IMAGE": "kafka-tasks-test/cp-kafka:3.9",
            "KAFKA_TASKS_ZOOKEEPER_IMAGE": "kafka-tasks-test/cp-zookeeper:3.9",
        },
    ),
    "compose-4.4": ("4.4", {"KAFKA_TASKS_KAFKA_IMAGE": "kafka-tasks-test/apache-kafka:4.4"}),
}


def with_group(session: nox.Session, *groups: str) -> None:
    """Install the project, its extra and these dependency groups."""
    wanted = [name for group in groups for name in GROUPS[group] if isinstance(name, str)]
    session.install(*INSTALL, *wanted)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and format; every file compiles."""
    session.install(*GROUPS["lint"])
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "-m", "compileall", "-q", "kafka_tasks", "tests", "bench", "tools")
    # tests/test_architecture.py holds them to their aims.
    session.run("python", "tools/house_figures.py")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, over the package and its tests."""
    with_group(session, "types", "test")
    session.install("nox")
    session.run("mypy")


@nox.session(venv_backend="uv", reuse_venv=False)
def audit(session: nox.Session) -> None:
    """The lock fits pyproject.toml, and all of it can be installed by its checksums."""
    renewed = Path(session.create_tmp()).resolve() / "ci.txt"
    shutil.copy(LOCK, renewed)
    unlocked = {"UV_CONSTRAINT": ""}
    session.run(*COMPILE, "--output-file", str(renewed), env=unlocked)
    if differing := locked(LOCK) ^ locked(renewed):
        session.error(f"run nox -s lock: {', '.join(sorted(differing))}")
    if "://" in LOCK.read_text(encoding="utf-8"):
        session.error(f"{LOCK} names a package index")
    session.install("--require-hashes", "-r", str(LOCK), env=unlocked)
    session.install("--no-deps", "-e", ".")
    session.run("uv", "pip", "check")
    session.run("kafka-tasks", "--version")


def locked(path: Path) -> set[str]:
    """The lines that name a version; checksums of further wheels may be added any time."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.removesuffix("\\").strip() for line in lines if line[:1].strip()}


@nox.session(venv_backend="uv")
def lock(session: nox.Session) -> None:
    """Renew requirements/ci.txt."""
    session.run(*COMPILE, "--upgrade", "--output-file", str(LOCK), env={"UV_CONSTRAINT": ""})


@nox.session(venv_backend="uv", python=PYTHONS[:1])
def lowest(session: nox.Session) -> None:
    """Unit tests with the oldest dependencies that pyproject.toml allows."""
    session.install(
        *("--resolution", "lowest-direct"), *INSTALL, *GROUPS["test"], env={"UV_CONSTRAINT": ""}
    )
    session.run("pytest", *BOTH_CORES, "tests/unit", "-x", *session.posargs)


@nox.session(python=OLDEST_AND_NEWEST)
def unit(session: nox.Session) -> None:
    """Unit and architecture tests, on the oldest and the newest Python of this machine."""
    for version, reason in SUPPORTED.items():
        if reason is not None and session.python == PYTHONS[-1]:
            session.log(f"Python {version} is not tested: {reason}")
    with_group(session, "test")
    suites = ("tests/unit", "tests/test_architecture.py")
    session.run("pytest", *BOTH_CORES, SLOWEST, *suites, *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damaged files, odd command lines and hostile servers: a corpus; `-- --full` at random."""
    with_group(session, "test")
    # The account of a run at random is one process's.
    report = ("--report", str(Path(".nox", "tmp", "fuzz-report.json")))
    session.run(
        "pytest", "tests/fuzz", *(report if session.posargs else BOTH_CORES), *session.posargs
    )


def against_real_servers(session: nox.Session, *arguments: str) -> None:
    """Run a suite; what fails beside others is run again alone, and told where it passes then.

    A race that shows once in five hundred tests must be seen, and must not look like a defect of
    the change at hand.
    """
    # create_tmp would set TMPDIR, under which paths of sockets are too long.
    kept = Path(".nox", "tmp", f"pytest-{session.name}").resolve()
    shutil.rmtree(kept, ignore_errors=True)
    pytest = ("pytest", "-o", f"cache_dir={kept}", SLOWEST, *arguments, *session.posargs)
    try:
        session.run(*pytest, interrupt_timeout=60)
    except nox.command.CommandFailed:
        found = kept / "v" / "cache" / "lastfailed"
        failed = list(json.loads(found.read_bytes())) if found.is_file() else []
        if not 0 < len(failed) <= RACES:
            raise
        alone = ("-n", "0", "--exitfirst", "--last-failed", "--last-failed-no-failures", "none")
        session.run(*pytest, *alone, interrupt_timeout=60)
        for name in failed:
            session.warn(f"failed beside others and passed alone, a race to mend: {name}")


def fill_cache(session: nox.Session) -> None:
    """Have jars and class archives in the cache: of two workers, one would not wait for them."""
    for version in ("7.9", "4.4"):
        wanted = {"KAFKA_TASKS_RUNTIME": "embedded", "KAFKA_TASKS_VERSION": version}
        session.run("kafka-tasks", "pull", env=wanted, silent=True)


@nox.session
def integration(session: nox.Session) -> None:
    """Real processes, one test of each kind; `-- --full` for all, as before a release."""
    with_group(session, "test")
    session.install("nox")
    fill_cache(session)
    against_real_servers(session, "tests/integration", *BY_FILE)


@nox.session
def compose(session: nox.Session) -> None:
    """A real Docker engine, with images that tests/images builds; `-- --full` for all tests."""
    with_group(session, "test")
    # Before the tests, whose timeout two workers would wait out together.
    for case in IMAGES:
        images(session, case)
    if "--full" not in session.posargs:
        against_real_servers(session, "tests/compose", *BY_FILE)
        return
    # An engine that starts makes the firewall's chains anew, those of the usual engine too.
    alone = "tests/compose/test_old_engine.py"
    against_real_servers(session, "tests/compose", *BY_FILE, f"--ignore={alone}")
    against_real_servers(session, alone)


@nox.session
def faults(session: nox.Session) -> None:
    """Real clusters, broken on purpose; `-- --full` for the size of a release.

    Where this may be done, the servers get a network and mounts of their own to break.
    """
    with_group(session, "test")
    fill_cache(session)
    own = ("unshare", "--net", "--mount", "--propagation", "private", "sh", "-c")
    isolated = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
    pytest = (f"{session.bin}/python", "-m", "pytest", "--capture=no", SLOWEST, *session.posargs)
    session.run(
        *((*own, 'ip link set lo up && exec "$@"', "sh") if isolated else ()),
        *(*pytest, "tests/faults/test_embedded.py"),
        external=True,
        interrupt_timeout=60,
    )
    if session.posargs:
        # What was asked for may have no size on containers.
        containers = (*pytest, "tests/faults/test_compose.py")
        session.run(*containers, external=True, interrupt_timeout=60, success_codes=(0, 5))


@nox.session
def docs(session: nox.Session) -> None:
    """The documents' tables, links and examples, the examples against a real cluster."""
    with_group(session, "test")
    session.install("nox")
    against_real_servers(session, "tests/docs", *BOTH_CORES)


@nox.session
def build(session: nox.Session) -> None:
    """The wheel, in an empty environment, starts a cluster elsewhere, and one for a test."""
    target = Path(session.create_tmp()).resolve()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    session.install(*GROUPS["build"])
    session.run(
        "python", "-m", "build", "--no-isolation", "--outdir", str(target / "dist"), silent=True
    )
    (wheel,) = (target / "dist").glob("*.whl")
    session.install(
        "--reinstall" if session.venv_backend == "uv" else "--force-reinstall",
        f"kafka-tasks[embedded] @ {wheel.as_uri()}",
    )
    elsewhere = target / "elsewhere"
    elsewhere.mkdir()
    # Without these, it is the checkout above whose project and settings count.
    (elsewhere / ".kafka-tasks").mkdir()
    (elsewhere / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    free = {
        "KAFKA_TASKS_RUNTIME": "embedded",
        "KAFKA_TASKS_PORT": "auto",
        "KAFKA_TASKS_ZOOKEEPER_PORT": "auto",
    }
    with session.chdir(elsewhere):
        try:
            for verb in ("up", "topic", "verify", "init"):
                session.run("kafka-tasks", verb, env=free, interrupt_timeout=60)
            # The plugin by its entry point, on the test that init wrote.
            session.run("pytest", "tests/test_kafka.py", interrupt_timeout=60)
        finally:
            session.run("kafka-tasks", "down", "--wipe", "--yes", env=free)


@nox.session
def bench(session: nox.Session) -> None:
    """Ours and the alternative side by side, as ratios."""
    with_group(session, "test", "bench")
    # After Ctrl-C it stops what it was measuring; Nox would otherwise kill it after half a second.
    session.run("python", "-m", "bench", *session.posargs, interrupt_timeout=60)


def images(session: nox.Session, case: str) -> dict[str, str]:
    """The compose runtime is tested on images of this project's own, where an engine answers."""
    if case not in IMAGES:
        return {}
    answer = session.run(
        *("docker", "version", "--format", "{{.Server.Version}}"),
        external=True,
        silent=True,
        success_codes=range(256),
    )
    if not answer or not answer[0].isdigit():
        if os.environ.get("CI"):
            session.error("CI has no Docker engine: .ci/run starts one")
        session.skip("no Docker engine answers on this machine")
    line, environ = IMAGES[case]
    python = {"PYTHON": f"{session.bin}/python"}
    session.run("tests/images/build", line, external=True, env=python)
    return environ


@nox.session
def reports(session: nox.Session) -> None:
    """What the acceptance sessions have written is complete."""
    with_group(session, "test")
    session.run("pytest", "tests/acceptance", *session.posargs)


register(
    install=INSTALL,
    runtimes=("embedded", "compose"),
    versions=("4.4",),
    secure=("scram",),
    # The secured case proves all that the plain one does, and what it refuses.
    release=("embedded-4.4", "embedded-scram"),
    environ=images,
)
