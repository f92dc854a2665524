"""Cases and their judge: a value or one of our errors, in time, and nothing written elsewhere."""

from __future__ import annotations

import random
import re
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.errors import KafkaTasksError
from tests.fuzz.boundary import Boundary
from tests.fuzz.corpus import Corpus, Covering, Id, Wrong, is_loose

EXIT_CODES = frozenset({0, 1, 2, 3, 4, 5, 6})
# In one process a case takes milliseconds; other work may have the machine at the same time.
LIMIT_S = 10.0
_FINDINGS = 12
# What is left of a message tells kinds of errors apart: its words, without the values in it.
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|\S*[^\sa-z,.]\S*")
_SHAPE = 40
_SHOWN = 600
# What moves a terminal's cursor, colours it or turns its text around.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Hung(BaseException):
    """The call did not end in time; nothing in the package catches this."""


@dataclass(frozen=True)
class Case:
    """What is given, to be shown where it fails, and the call that it is given to.

    `kind` names what is given in a word where the corpus needs one case of each.
    """

    given: object
    act: Callable[[], object]
    kind: str = ""


@dataclass
class Tally:
    """What became of one target's cases; times are in seconds."""

    target: str
    cases: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest_case: int = 0
    elapsed_s: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)
    covering: Covering = field(default_factory=Covering)

    def note(self, number: int, seconds: float, kind: str) -> None:
        """One more case, how long it took, and how it ended."""
        self.cases += 1
        self.kinds[kind] += 1
        if seconds > self.slowest_s:
            self.slowest_s, self.slowest_case = seconds, number

    def as_document(self) -> dict[str, Any]:
        """For the report."""
        return {
            "target": self.target,
            "cases": self.cases,
            "kinds": dict(sorted(self.kinds.items())),
            "slowest_s": round(self.slowest_s, 3),
            "slowest_case": self.slowest_case,
            "elapsed_s": round(self.elapsed_s, 1),
            "findings": len(self.findings),
        }


@dataclass
class Campaign:
    """One run: each case is made from a seed, the target's name and a number.

    A run at random has `cases` in all; a replay, those of the corpus.
    """

    seed: int
    cases: int
    only: int | None
    boundary: Boundary
    corpus: Corpus | None = None
    tallies: list[Tally] = field(default_factory=list)

    def chosen(self, target: str, share: float, *, least: int = 1) -> Sequence[Id]:
        """Return a target's cases, of which it has this share."""
        if self.corpus is not None:
            return self.corpus.cases(target)
        if self.only is not None:
            return [Id(self.seed, self.only)]
        return [Id(self.seed, number) for number in range(max(least, round(self.cases * share)))]

    def generator(self, target: str, id: Id) -> random.Random:
        """Return what the case is made with."""
        return random.Random(f"{id.seed}:{target}:{id.number}")

    def tally(self, target: str) -> Tally:
        """The account of a target."""
        found = Tally(target)
        self.tallies.append(found)
        return found

    def run(
        self,
        target: str,
        share: float,
        make: Callable[[random.Random], Case],
        root: Path,
        *,
        limit_s: float = LIMIT_S,
        least: int = 1,
    ) -> None:
        """Every case of a target, one after the other; fails with what was found at the end."""
        tally = self.tally(target)
        for id in self.chosen(target, share, least=least):
            case = make(self.generator(target, id))
            self.judge(tally, id, case, root, limit_s=limit_s)
            if len(tally.findings) >= _FINDINGS:
                break
        self.conclude(tally)

    def judge(
        self, tally: Tally, id: Id, case: Case, root: Path, *, limit_s: float = LIMIT_S
    ) -> None:
        """Carry out one case and note how it ended."""
        began = time.perf_counter()
        try:
            with self.boundary.around(root), _bounded(limit_s):
                kind, origin = _outcome(case.act)
            took = time.perf_counter() - began
            with tally_lock:
                told = f"{case.kind} {kind} {origin}"
                tally.covering.note(id, kind, told, loose=is_loose(tally.target))
            if self.corpus is not None:
                self.corpus.compare(tally.target, id, kind)
            if took > limit_s:
                raise Hung(f"it took {took:.1f} s")
            if outside := self.boundary.crossed():
                raise Wrong(f"outside its directory: {', '.join(outside)}")
        except (Exception, Hung) as error:
            kind = f"FOUND {type(error).__name__}"
            took = time.perf_counter() - began
            with tally_lock:
                tally.findings.setdefault(_place(error), _said(tally, id, case, error))
        with tally_lock:
            tally.note(id.number, took, kind)
            tally.elapsed_s += took

    def conclude(self, tally: Tally) -> None:
        """Fail with every finding of a target."""
        if tally.findings:
            head = f"{tally.target}: {len(tally.findings)} findings"
            pytest.fail("\n\n".join([head, *tally.findings.values()]), pytrace=False)


def _said(tally: Tally, id: Id, case: Case, error: BaseException) -> str:
    given = repr(case.given)
    shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}… ({len(given)} characters)"
    trace = "".join(traceback.format_exception(error)[-14:])
    again = f"nox -s fuzz -- --seed {id.seed} --case {id.number} -k …"
    return f"case {id.number} of {tally.target} ({again})\ngiven: {shown}\n{trace}"


tally_lock = threading.Lock()


def _outcome(act: Callable[[], object]) -> tuple[str, str]:
    """Return how a call ended, and what tells such endings apart.

    It ends as `value`, an exit code, or the name of an error that is as it should be.
    """
    try:
        found = act()
    except KafkaTasksError as error:
        check_error(error)
        told = "".join(map(str, error.evidence[:1])) or error.message
        return type(error).__name__, _VALUES.sub("", told)[:_SHAPE]
    if isinstance(found, str) and found.startswith("exit "):
        return found, ""
    return "value", f"{type(found).__name__} {bool(found)}"


def check_error(error: KafkaTasksError) -> None:
    """Raise `Wrong` unless it is a sentence with an exit code of the contract."""
    if error.exit_code not in EXIT_CODES:
        raise Wrong(f"exit code {error.exit_code}")
    if not error.message.strip() or error.message.rstrip()[-1] not in ".?!":
        raise Wrong(f"no sentence: {error.message[:200]!r}")
    if error.hint is not None and not error.hint.strip():
        raise Wrong("an empty hint")


def check_shown(text: str) -> None:
    """Raise `Wrong` where a text for people has a traceback, or would steer a terminal."""
    if "Traceback (most recent call last)" in text:
        raise Wrong(f"a traceback: {text[-1500:]}")
    if found := CONTROL.search(text):
        near = text[max(0, found.start() - 60) : found.end() + 20]
        raise Wrong(f"a control character is echoed: {near!r}")


def _place(error: BaseException) -> str:
    """What tells one finding from another: the error and the last line of ours it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "kafka_tasks/" in frame.filename] or frames[-1:]
    where = f"{ours[-1].filename}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__} {where} {str(error)[:40] if isinstance(error, Wrong) else ''}"


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Raise `Hung` in the main thread when the time is over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(*_: object) -> None:
        raise Hung(f"it did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
