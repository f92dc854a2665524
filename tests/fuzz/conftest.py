"""One campaign for all targets: its seed, its size, its report."""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kafka_tasks.project.directory import Project
from kafka_tasks.settings import PREFIX
from tests.fuzz.boundary import Boundary
from tests.fuzz.corpus import Corpus
from tests.fuzz.judging import Campaign

FULL = 100_000
_TEST_TIMEOUT_S = 1800

_campaign = pytest.StashKey[Campaign]()
_began = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a campaign can be asked for."""
    group = parser.getgroup("fuzz")
    group.addoption("--seed", type=int, help="seed of every case made at random (default: new)")
    cases = f"so many cases at random (--full: {FULL}), not those of the corpus"
    group.addoption("--cases", type=int, help=cases)
    group.addoption("--case", type=int, help="only the case of this number of each target")
    group.addoption("--renew", action="store_true", help="choose the corpus from this run's cases")
    group.addoption("--report", type=Path, help="write what became of the cases to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the cases: the corpus, or a seed."""
    option = config.getoption
    seed, only = option("--seed", None), option("--case", None)
    cases = option("--cases", None) or (FULL if option("--full") else 0)
    campaign = Campaign(
        seed=random.SystemRandom().randrange(2**32) if seed is None else seed,
        cases=cases,
        only=only,
        boundary=Boundary(),
        corpus=Corpus.read() if not cases and only is None else None,
    )
    config.stash[_campaign] = campaign
    config.stash[_began] = time.monotonic()


def pytest_report_header(config: pytest.Config) -> str:
    """The seed, before anything can go wrong."""
    campaign = config.stash[_campaign]
    if campaign.corpus is not None:
        return "fuzz: the cases of the corpus"
    return f"fuzz: seed {campaign.seed}, {campaign.cases} cases"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The cases' own limit uses the alarm; what watches a whole target is a thread."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(_TEST_TIMEOUT_S, method="thread"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A line a target: cases, how they ended, the slowest."""
    campaign = config.stash[_campaign]
    line = terminalreporter.write_line
    terminalreporter.section("fuzz")
    for tally in campaign.tallies:
        rate = tally.cases / tally.elapsed_s if tally.elapsed_s else 0.0
        line(
            f"{tally.target:<34}{tally.cases:>7} cases {rate:>8.0f}/s   slowest "
            f"{tally.slowest_s:6.3f} s (case {tally.slowest_case})   "
            f"{len(tally.findings)} findings"
        )
        line(f"    {', '.join(f'{kind} {n}' for kind, n in tally.kinds.most_common(8))}")
    cases = sum(tally.cases for tally in campaign.tallies)
    line(f"{cases} cases, {sum(len(tally.findings) for tally in campaign.tallies)} findings")
    if config.getoption("--renew", None) and campaign.corpus is None:
        covering = {tally.target: tally.covering for tally in campaign.tallies}
        line(f"corpus: {Corpus.read().renewed(covering).write()} cases")
    if path := config.getoption("--report", None):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_document(campaign, config.stash[_began]), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        line(f"report: {path}")


def _document(campaign: Campaign, began: float) -> dict[str, object]:
    tallies = campaign.tallies
    slowest = max(tallies, key=lambda tally: tally.slowest_s, default=None)
    return {
        "schema": 1,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "seed": None if campaign.corpus else campaign.seed,
        "cases": sum(tally.cases for tally in tallies),
        "findings": sum(len(tally.findings) for tally in tallies),
        "elapsed_s": round(time.monotonic() - began, 1),
        "slowest_s": round(slowest.slowest_s, 3) if slowest else None,
        "slowest_target": slowest.target if slowest else None,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "targets": [tally.as_document() for tally in tallies],
    }


@pytest.fixture(scope="session")
def fuzz(pytestconfig: pytest.Config) -> Campaign:
    """The campaign that every target belongs to."""
    return pytestconfig.stash[_campaign]


@dataclass(frozen=True)
class Room:
    """All that a case may write to: a project, and a home."""

    root: Path
    project: Path
    home: Path

    def put(self, name: str, content: bytes) -> Path:
        """Write a file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A project and a home of its own, without any setting from outside, and to be in."""
    found = Room(tmp_path, tmp_path / "project", tmp_path / "home")
    found.project.mkdir()
    found.home.mkdir()
    for name in list(os.environ):
        if name.startswith((PREFIX, "XDG_", "INVOKE_", "DOCKER_")) or name == "JAVA_HOME":
            monkeypatch.delenv(name)
    lies_in = Project.find(found.project).path
    assert lies_in == found.project, f"temporary files lie in the project {lies_in}: set TMPDIR"
    monkeypatch.setenv("HOME", str(found.home))
    monkeypatch.chdir(found.project)
    yield found
