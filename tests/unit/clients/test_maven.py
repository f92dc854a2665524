from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from kafka_tasks.clients import maven
from kafka_tasks.errors import JarsMissing, MachineError

CONTENT = b"a jar"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What jgo would answer: `content` or `error`; `asked` is how it was set up."""
    answer: dict[str, Any] = {"content": CONTENT, "asked": {}, "mirrors": {}}

    class Context:
        def __init__(self, **options: Any) -> None:
            answer["asked"] = options
            self.artifact = self

        def create_dependency(self, coordinates: str) -> Any:
            """Note what is asked for."""
            answer["coordinates"] = coordinates
            return self

        def resolve(self) -> str:
            """Write the file where jgo would."""
            if error := answer.get("error"):
                raise error
            path = answer["asked"]["repo_cache"] / "found.jar"
            path.write_bytes(answer["content"])
            return str(path)

    class Settings:
        @property
        def repositories(self) -> dict[str, str]:
            """The mirrors of the machine."""
            return dict(answer["mirrors"])

        @classmethod
        def load(cls) -> Settings:
            """As jgo reads its own file."""
            return cls()

    fakes: dict[str, dict[str, Any]] = {
        "jgo": {},
        "jgo.config": {"GlobalSettings": Settings},
        "jgo.constants": {"MAVEN_CENTRAL_URL": "central-address"},
        "jgo.maven": {"MavenContext": Context},
    }
    for name, members in fakes.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return answer


def test_a_jar_arrives_verified_and_whole(repository: dict[str, Any], tmp_path: Path) -> None:
    """The file is put in place in one step, and nothing else is left beside it."""
    target = tmp_path / "g" / "a-1.jar"
    maven.fetch("g:a:1", SUM, target)
    assert target.read_bytes() == CONTENT
    assert maven.sha256(target) == SUM
    assert list(target.parent.iterdir()) == [target]
    assert repository["coordinates"] == "g:a:1"


def test_another_checksum_is_never_put_in_place(repository: dict[str, Any], tmp_path: Path) -> None:
    """A jar that is not the locked one is refused with both checksums, and the old one stays."""
    repository["content"] = b"tampered"
    target = tmp_path / "a-1.jar"
    target.write_bytes(b"before")
    with pytest.raises(JarsMissing, match="another checksum") as caught:
        maven.fetch("g:a:1", SUM, target)
    assert caught.value.exit_code == 4
    assert caught.value.evidence[0] == f"expected sha256 {SUM}"
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"before"


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("no route\nto host"),
        requests.HTTPError("404"),
        RuntimeError("not found in any repository"),
    ],
)
def test_no_network_is_a_jar_that_is_missing(
    repository: dict[str, Any], tmp_path: Path, error: Exception
) -> None:
    """Whatever keeps jgo from the jar is exit 4 with one line of reason."""
    repository["error"] = error
    with pytest.raises(JarsMissing, match="g:a:1 is not in the cache and cannot be fetched") as got:
        maven.fetch("g:a:1", SUM, tmp_path / "a.jar")
    assert got.value.evidence == (str(error).splitlines()[0],)


def test_a_full_disk_is_another_matter(repository: dict[str, Any], tmp_path: Path) -> None:
    """A cache that cannot be written is said to be that, not a missing jar."""
    repository["error"] = OSError(28, "No space left on device")
    with pytest.raises(MachineError, match="cannot be written: No space left") as caught:
        maven.fetch("g:a:1", SUM, tmp_path / "a.jar")
    assert not isinstance(caught.value, JarsMissing)


def test_without_jgo_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where jgo is not installed, the hint is the line that installs it."""
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(JarsMissing) as caught:
        maven.fetch("g:a:1", SUM, tmp_path / "a.jar")
    assert caught.value.hint == 'pip install "kafka-tasks[embedded]"'


@pytest.mark.parametrize(
    ("mirrors", "remotes"),
    [
        ({}, {"central": "central-address"}),
        ({"company": "inside"}, {"company": "inside", "central": "central-address"}),
        ({"central": "inside"}, {"central": "inside"}),
    ],
)
def test_configured_mirrors_are_honoured(
    repository: dict[str, Any], tmp_path: Path, mirrors: dict[str, str], remotes: dict[str, str]
) -> None:
    """A mirror of the default repository replaces it, others come before it."""
    repository["mirrors"] = mirrors
    maven.fetch("g:a:1", SUM, tmp_path / "a.jar")
    asked = repository["asked"]["remote_repos"]
    assert asked == remotes
    assert list(asked)[-1] == "central"
