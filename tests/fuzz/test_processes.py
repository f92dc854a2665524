"""The command itself, in a process of its own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz import corpora, hostile
from tests.fuzz.command_lines import line
from tests.fuzz.conftest import Room
from tests.fuzz.corpus import Id
from tests.fuzz.judging import Campaign, Case, Hung
from tests.fuzz.mutations import WORDS, damaged
from tests.fuzz.terminal import Typed
from tests.fuzz.test_state_files import content_of

COMMAND = Path(sys.executable).with_name("kafka-tasks")
_AT_ONCE = 3
# Python, Invoke and an examination of this machine, on a machine that has other work.
_LIMIT_S = 30.0
_SLACK_S = 3.0
# How long loading all of it takes where three do it at once.
_STARTING_S = 15.0


def _environment(home: Path, **more: str) -> dict[str, str]:
    """No engine, no Java and no cache: what is typed can start nothing, and fetch nothing."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "DOCKER_HOST": f"unix://{home}/no-engine.sock",
        "KAFKA_TASKS_RUNTIME": "embedded",
        "KAFKA_TASKS_JAVA_HOME": str(home / "no-java"),
        "KAFKA_TASKS_COMPOSE_FILE": str(home / "no-compose.yml"),
        "KAFKA_TASKS_TIMEOUT": "2",
        **more,
    }


def _command(words: list[str], cwd: Path, environ: dict[str, str], limit_s: float) -> Typed:
    try:
        done = subprocess.run(
            [str(COMMAND), *words],
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Hung(f"it did not end within {limit_s:g} s") from error
    return Typed(
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def _typable(words: list[str]) -> list[str]:
    """What a shell can hand over: no NUL, no half surrogate but those of odd bytes, no books."""
    return [
        word.replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:20_000]
        if "\udcff" not in word
        else "\udcff"
        for word in words
    ]


def _run(
    fuzz: Campaign,
    target: str,
    share: float,
    room: Room,
    make: Callable[[random.Random, Path], Case],
    *,
    least: int,
    limit_s: float = _LIMIT_S,
) -> None:
    """Several at a time, each in a directory of its own."""
    tally = fuzz.tally(target)

    def carry_out(id: Id) -> None:
        own = room.root / f"{id.seed}-{id.number}"
        own.mkdir()
        case = make(fuzz.generator(target, id), own)
        fuzz.judge(tally, id, case, room.root, limit_s=limit_s)

    with fuzz.boundary.around(room.root), ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(carry_out, fuzz.chosen(target, share, least=least)))
    fuzz.conclude(tally)


def test_typed_command_lines(fuzz: Campaign, room: Room) -> None:
    """Any command line, in a project whose files may be damaged: words and an exit code."""

    def make(rng: random.Random, own: Path) -> Case:
        state = own / ".kafka-tasks"
        state.mkdir()
        if rng.random() < 0.5:
            (state / "state.json").write_bytes(content_of(rng, corpora.STATE))
        if rng.random() < 0.3:
            (own / ".env").write_bytes(damaged(rng, rng.choice(corpora.ENV)))
        (own / "topics.yaml").write_bytes(damaged(rng, rng.choice(corpora.TOPICS)))
        words = _typable(line(rng))
        more = {}
        if rng.random() < 0.2:
            odd = [word.replace("\0", "") for word in WORDS if "\ud800" not in word]
            more["KAFKA_TASKS_TOPICS_FILE"] = rng.choice(odd)[:5000]
        environ = _environment(own, **more)
        return Case(words, lambda: _command(words, own, environ, _LIMIT_S).checked())

    _run(fuzz, "processes: command lines", 0.0022, room, make, least=16)


def test_commands_at_a_hostile_broker(fuzz: Campaign, room: Room) -> None:
    """status, wait and topic.list end within their timeout, whoever answers."""
    commands = {
        ("status",): 3.0,
        ("status", "-o", "json"): 3.0,
        ("wait", "--timeout", "2"): 2.0,
        ("topic.list",): 10.0,
        ("group.list",): 32.0,
        ("topic.describe", "orders"): 32.0,
    }

    def make(rng: random.Random, own: Path) -> Case:
        talk, words = rng.choice(hostile.BROKER), rng.choice(sorted(commands))
        limit_s = commands[words] + _STARTING_S + _SLACK_S

        def act() -> object:
            with hostile.server(rng, talk) as port:
                environ = _environment(own, KAFKA_TASKS_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")
                environ["KAFKA_TASKS_RUNTIME"] = "remote"
                typed = _command(list(words), own, environ, limit_s)
            if "json" in words:
                json.loads(typed.out)
            return typed.checked()

        return Case((talk.__name__, words), act, talk.__name__)

    _run(fuzz, "hostile-broker processes", 0.0005, room, make, least=6, limit_s=60.0)
