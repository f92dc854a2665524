"""Reading tasks in this very process, and what each has to answer while brokers restart."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kafka_tasks.program import KafkaTasks
from kafka_tasks.tasks import kafka

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

_NAMES = ("orders", "payments", "refunds")
_RECORDS = 20


@dataclass(frozen=True)
class Answer:
    """How one command ended."""

    line: str
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The document on stdout."""
        return json.loads(self.out)


@contextmanager
def inside(sandbox: Sandbox) -> Iterator[None]:
    """Let this process be one that works in the project, with its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.env().items():
            patch.setenv(name, value)
        patch.chdir(sandbox.path)
        yield


def call(*arguments: str) -> Answer:
    """Run one command in this process: a Python command of its own takes half a second."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    code, said = 0, io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        try:
            KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka).run(
                ["kafka-tasks", *arguments]
            )
        except SystemExit as end:
            code = int(end.code or 0)
    text = out.buffer.getvalue().decode() if isinstance(out.buffer, io.BytesIO) else ""
    return Answer(" ".join(arguments), code, text, said.getvalue())


def asked(sandbox: Sandbox, env: Mapping[str, str | None], *arguments: str) -> Answer:
    """Run one command in this process, with these settings."""
    with inside(replace(sandbox, environ=sandbox.env(env))):
        return call(*arguments, "-o", "json")


@dataclass
class Tally:
    """What the calls came to: `away` could say that no broker runs, which is true of one."""

    calls: int = 0
    away: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, answer: Answer, is_right: Callable[[Any], bool]) -> None:
        """Judge one answer."""
        if answer.code == 5 and "No broker is running" in answer.out:
            self.away += 1
            return
        self.calls += 1
        if answer.code or not is_right(answer.document):
            self.wrong.append(
                f"{answer.line}: {answer.code} {answer.out[:500]} {answer.err[-300:]}"
            )


class Questions:
    """Topics with records, and commands whose answers are the same whatever restarts."""

    def __init__(self, sandbox: Sandbox, replicas: int) -> None:
        self._path = sandbox.path
        self._write("topics.yaml", "present", replicas)
        self._write("gone.yaml", "absent", replicas)
        self._lines("lines.jsonl", _RECORDS)
        self._lines("one.jsonl", 1)
        for line in (
            ["topic.apply", "--file", "topics.yaml"],
            *(["produce", name, "--file", "lines.jsonl"] for name in _NAMES),
            ["topic.create", "log", "--replication-factor", str(replicas)],
            ["group.reset", "readers", "--to", "start", "--topic", "orders", "--execute"],
        ):
            done = call(*line)
            assert done.code == 0, f"{line}: {done.out}{done.err}"
        self._every = cycle(self._all())

    def ask(self, tally: Tally) -> None:
        """Ask the next one."""
        arguments, is_right = next(self._every)
        tally.add(call(*arguments, "--timeout", "60", "-o", "json"), is_right)

    def _write(self, name: str, state: str, replicas: int) -> None:
        wanted = "" if state == "absent" else f", partitions: 3, replication_factor: {replicas}"
        lines = [f"  - {{name: {topic}, state: {state}{wanted}}}" for topic in _NAMES]
        Path(self._path / name).write_text("\n".join(["topics:", *lines, ""]))

    def _lines(self, name: str, count: int) -> None:
        records = (json.dumps({"key": str(n), "value": "v"}) + "\n" for n in range(count))
        Path(self._path / name).write_text("".join(records))

    def _all(self) -> list[tuple[list[str], Callable[[Any], bool]]]:
        every = {*_NAMES, "log"}
        plan = ["topic.plan", "--file"]
        return [
            (["topic.list"], lambda d: {t["name"] for t in d["topics"]} == every),
            ([*plan, "topics.yaml"], lambda d: d["summary"]["unchanged"] == len(_NAMES)),
            ([*plan, "gone.yaml"], lambda d: d["summary"]["delete"] == len(_NAMES)),
            (["topic.export"], lambda d: set(d["topics"]) == every),
            (["topic.describe", "orders"], lambda d: len(d["partitions"]) == 3),
            (["consume", "payments", "--exit"], lambda d: len(d["records"]) == _RECORDS),
            (["produce", "log", "--file", "one.jsonl"], lambda d: d["sent"] == 1),
            (["topic.list", "--sizes"], lambda d: {t["name"] for t in d["topics"]} == every),
            (["group.list"], lambda d: [g["name"] for g in d["groups"]] == ["readers"]),
            (["group.describe", "readers"], lambda d: d["name"] == "readers"),
            (["topic.delete", "orders", "--dry"], lambda d: "orders" in d["would"]),
            (["group.reset", "readers", "--to", "end"], lambda d: len(d["offsets"]) == 3),
        ]
