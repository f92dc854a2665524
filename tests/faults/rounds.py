"""Round after round: a client writes, something breaks, `up` heals, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from tests.faults import ledger
from tests.faults.arena import Arena, Counts, heal
from tests.faults.faults import FAULTS, Fault
from tests.faults.report import Report
from tests.integration.conftest import eventually

# Sockets that a client opens and closes as it likes.
_SLACK = 40


def chosen(arena: Arena, config: pytest.Config) -> list[Fault]:
    """The kinds of fault that are possible here."""
    wanted = config.getoption("--fault") or sorted(FAULTS)
    return [FAULTS[name] for name in wanted if FAULTS[name].is_possible(arena)]


def deals(faults: list[Fault], seed: int, first: int, rounds: int) -> Iterator[tuple[int, Fault]]:
    """Each kind equally often, in an order that the seed decides."""
    deck: list[Fault] = []
    for number in range(first + rounds):
        if not deck:
            deck = list(faults)
            random.Random(f"{seed}/{number}").shuffle(deck)
        dealt = deck.pop()
        if number >= first:
            yield number, dealt


def kraft_name(arena: Arena) -> str:
    """Return the report's name for the rounds of this quorum."""
    return "kraft" if arena.keeper == "controller" else "kraft_combined"


def run_rounds(
    arena: Arena,
    report: Report,
    config: pytest.Config,
    rounds: int,
    name: str = "",
    only: Sequence[str] = (),
) -> None:
    """Fails at the first round after which anything is not as it was.

    The report calls it by `name`, else by the runtime; `only` are the kinds of fault, if not all.
    """
    name = name or arena.runtime
    seed = config.getoption("--seed")
    assert heal(arena) > 0
    done = arena.run(
        "topic.create", ledger.TOPIC, "--partitions", str(ledger.PARTITIONS),
        "--config", "retention.ms=-1",
    )  # fmt: skip
    assert done.code == 0, done.err
    figures = report.of(name)
    client = arena.client()
    writer = ledger.Writer(client)
    try:
        more(writer, 100)
        ledger.check_new(writer, client)
        before, files, mine = settled(arena), arena.open_files(), psutil.Process().num_fds()
        kinds = [each for each in chosen(arena, config) if not only or each.name in only]
        for number, fault in deals(kinds, seed, config.getoption("--first"), rounds):
            print(f"round {number}: {fault.name}", end=" ", flush=True)
            what = fault.does(arena, random.Random(f"{seed}/{number}/{fault.name}"))
            print(f"({what})", end=" ", flush=True)
            took = heal(arena)
            print(f"healed in {took:.1f} s", flush=True)
            more(writer, 100)
            figures.read_again += ledger.check_new(writer, client)
            figures.rounds += 1
            figures.faults[fault.name] += 1
            figures.heals.append(took)
            eventually(lambda: arena.counts() == before, f"{before} after {what}", 300)
            assert arena.open_files() <= files + _SLACK, what
            assert psutil.Process().num_fds() <= mine + _SLACK, what
    finally:
        writer.close()
        figures.acknowledged = writer.acknowledged
        figures.producers_replaced = writer.restarts
    figures.found = ledger.check_all(writer, client)
    assert figures.found == writer.acknowledged


def more(writer: ledger.Writer, count: int) -> None:
    """Wait until so many further records are acknowledged."""
    wanted = writer.acknowledged + count
    eventually(lambda: writer.acknowledged >= wanted, f"{count} more records acknowledged", 60)


def settled(arena: Arena) -> Counts:
    """The counts once no builder of archives is at work any more."""
    quiet = len({"kafka", arena.keeper}) if arena.runtime == "embedded" else 0
    eventually(lambda: arena.counts().processes == quiet, "nothing but the servers runs", 300)
    return arena.counts()


def require_rights(arena: Arena) -> None:
    """Assert that an authorizer still shows topics to the user admin alone."""
    assert AdminClient(arena.client("alice")).list_topics(timeout=60).topics == {}
    assert ledger.TOPIC in AdminClient(arena.client()).list_topics(timeout=60).topics
