"""The faults: each does one kind of harm to a ready cluster and leaves the healing to `up`."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.arena import Arena, begun, ended, heal, taken

BOTH = ("embedded", "compose")
# How long a `restart` takes at least: signals that come later meet nobody.
_BUSY_S = {"embedded": 2.0, "compose": 6.0}
_ALLOWED_S = 60.0
_INJECTED = Path(__file__).parents[1] / "integration" / "faults.py"


def _victims(arena: Arena) -> tuple[tuple[str, ...], ...]:
    """The broker, what it registers with, or both; one service may be all of these."""
    both = tuple(dict.fromkeys(("kafka", arena.keeper)))
    return tuple(dict.fromkeys((("kafka",), (arena.keeper,), both)))


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of harm; `does` returns what exactly it did."""

    name: str
    runtimes: tuple[str, ...]
    does: Callable[[Arena, random.Random], str]
    needs_own_system: bool = False
    needs_quorum: bool = False

    def is_possible(self, arena: Arena) -> bool:
        """Return whether it can be done to this cluster."""
        return (
            arena.runtime in self.runtimes
            and (arena.has_own_system or not self.needs_own_system)
            and (arena.keeper != "zookeeper" or not self.needs_quorum)
        )


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, *runtimes: str, needs_own_system: bool = False, needs_quorum: bool = False
) -> Callable[[Callable[[Arena, random.Random], str]], Callable[[Arena, random.Random], str]]:
    """Register a fault; without runtimes it is one for each."""

    def register(
        does: Callable[[Arena, random.Random], str],
    ) -> Callable[[Arena, random.Random], str]:
        FAULTS[name] = Fault(name, runtimes or BOTH, does, needs_own_system, needs_quorum)
        return does

    return register


@fault("kill")
def kill(arena: Arena, dice: random.Random) -> str:
    """SIGKILL of broker, of what it registers with, or of both."""
    victims = dice.choice(_victims(arena))
    arena.kill(*victims)
    return "+".join(victims)


@fault("keeper-gone")
def keeper_gone(arena: Arena, dice: random.Random) -> str:
    """`down` after its coordinator died: the broker finds nobody to say goodbye to."""
    arena.kill(arena.keeper)
    if dice.random() < 0.3:
        arena.kill("kafka")
    done = arena.run("down")
    assert done.code == 0, f"exit code {done.code}\n{done.err}"
    return "and down"


@fault("hold")
def hold(arena: Arena, dice: random.Random) -> str:
    """Broker, coordinator or both stand still, up to beyond the end of their session."""
    victims, seconds = dice.choice(_victims(arena)), dice.choice((0.0, 1.0, 8.0))
    arena.hold(*victims)
    time.sleep(seconds)
    return f"{'+'.join(victims)} for {seconds:g} s"


@fault("tool-killed")
def tool_killed(arena: Arena, dice: random.Random) -> str:
    """A command that changes the cluster is ended at any moment of its work."""
    verb, number = dice.choice(("up", "restart", "down")), dice.choice(_ENDINGS)
    delay = dice.uniform(0.05, _BUSY_S[arena.runtime])
    if verb == "up":
        arena.kill("kafka")
    command = arena.begin(verb)
    time.sleep(delay)
    command.send_signal(number)
    code = ended(command)
    assert code in (0, 130, -number), f"{verb} ended with {code} after {number.name}"
    return f"{verb}, {number.name} after {delay:.2f} s"


_ENDINGS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


@fault("tool-held")
def tool_held(arena: Arena, dice: random.Random) -> str:
    """A command stands still with the lock in its hand: readers do not wait, the next one does."""
    delay = dice.uniform(0.3, _BUSY_S[arena.runtime])
    command = arena.begin("restart")
    time.sleep(delay)
    command.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        seen = arena.run("status")
        waited = time.monotonic() - began
        assert seen.code in (0, 5), seen.err
        assert waited < 15, f"status took {waited:.1f} s"
    finally:
        command.send_signal(signal.SIGCONT)
    assert ended(command) == 0
    return f"restart after {delay:.2f} s"


@fault("ports")
def ports(arena: Arena, dice: random.Random) -> str:
    """A stranger takes the port of a dead broker: `up` names it, and starts nothing beside it."""
    arena.kill("kafka")
    with taken(arena.port):
        refused = arena.run("up")
        assert refused.code == 4, f"exit code {refused.code}\n{refused.out}\n{refused.err}"
        assert str(arena.port) in refused.err
        assert "Traceback" not in refused.err
    return str(arena.port)


@fault("network", needs_own_system=True)
def network(arena: Arena, dice: random.Random) -> str:
    """Broker and coordinator do not reach each other, up to beyond the end of the session."""
    seconds = dice.choice((0.5, 3.0, 9.0))
    with arena.cut():
        time.sleep(seconds)
    return f"cut for {seconds:g} s"


@fault("disk", needs_own_system=True)
def disk(arena: Arena, dice: random.Random) -> str:
    """The disk fills up while records come in, and is freed again some time later."""
    ballast = arena.disk / "ballast"
    seconds = dice.uniform(0.5, 4.0)
    try:
        written = _fill(ballast)
        time.sleep(seconds)
        full = arena.run("up", "--timeout", "10")
        assert full.code in (0, 4, 5), f"exit code {full.code}\n{full.out}\n{full.err}"
        assert "Traceback" not in full.err + full.out
        assert full.code == 0 or "disk" in full.err or "No space left" in full.err, full.err
    finally:
        ballast.unlink(missing_ok=True)
    return f"full by {written / 1e6:.0f} MB for {seconds:.1f} s, up ended with {full.code}"


def _fill(ballast: Path) -> int:
    """Write until nothing more fits; returns bytes."""
    written = 0
    with open(ballast, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while written < 4 << 30:
                    written += file.write(b"\0" * size)
    return written


@fault("state")
def state(arena: Arena, dice: random.Random) -> str:
    """What is written down about the cluster is damaged, with servers alive or dead."""
    victims = dice.choice(((), *_victims(arena)))
    damage = dice.choice(sorted(_DAMAGES))
    folder = arena.path / ".kafka-tasks"
    targets = [folder / "state.json", folder / "lock.json", folder / "run" / "last-failure.json"]
    target = dice.choice(targets[:1] * 3 + targets[1:])
    arena.kill(*victims)
    target.parent.mkdir(exist_ok=True)
    content = target.read_bytes() if target.exists() else b"{}"
    if damage == "removed":
        target.unlink(missing_ok=True)
    else:
        target.write_bytes(_DAMAGES[damage](content, dice))
    seen = arena.run("status")
    assert seen.code in (0, 5), f"exit code {seen.code}\n{seen.err}"
    assert "Traceback" not in seen.err
    return f"{target.name} {damage}, dead: {'+'.join(victims) or 'none'}"


_DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "emptied": lambda old, dice: b"",
    "cut": lambda old, dice: old[: dice.randrange(len(old) or 1)],
    "garbage": lambda old, dice: dice.randbytes(200),
    "another type": lambda old, dice: dice.choice((b"[]", b"null", b'{"schema": 99}', b'"x"')),
    "flipped": lambda old, dice: _flipped(old, dice),
    "removed": lambda old, dice: b"",
}


def _flipped(old: bytes, dice: random.Random) -> bytes:
    changed = bytearray(old or b"{}")
    at = dice.randrange(len(changed))
    changed[at] ^= 1 << dice.randrange(8)
    return bytes(changed)


@fault("archive", "embedded")
def archive(arena: Arena, dice: random.Random) -> str:
    """The class archive is damaged while servers use it; the next start does without."""
    cache = Path(arena.environ["KAFKA_TASKS_CACHE"])  # type: ignore[attr-defined]
    found = sorted(path for kind in ("jsa", "aot") for path in cache.glob(f"archives/*/*.{kind}"))
    if not found:
        heal(arena)
        return "none there yet"
    target = dice.choice(found)
    size = target.stat().st_size
    draft = target.with_suffix(".damaged")
    content = bytearray(target.read_bytes())
    for _ in range(50):
        content[dice.randrange(size)] ^= 0xFF
    draft.write_bytes(content[: dice.choice((size, size, size // 2))])
    os.replace(draft, target)
    done = arena.run("restart")
    assert done.code == 0, f"exit code {done.code}\n{done.out}\n{done.err}"
    return target.name


@fault("quorum-log", "embedded", needs_quorum=True)
def quorum_log(arena: Arena, dice: random.Random) -> str:
    """The quorum is killed, and its log lacks what it had written last."""
    arena.kill(*dice.choice([names for names in _victims(arena) if arena.keeper in names]))
    data = arena.path / ".kafka-tasks" / "data" / arena.keeper
    log = max((data / "__cluster_metadata-0").glob("*.log"))
    size = log.stat().st_size
    missing = min(size, dice.randrange(1, 400))
    os.truncate(log, size - missing)
    return f"{missing} of {size} bytes"


@fault("clock", "embedded")
def clock(arena: Arena, dice: random.Random) -> str:
    """The clock jumps by days, to and fro, while a command waits."""
    arena.kill(*dice.choice(_victims(arena)))
    jump = dice.choice((-86_400, -3600, 3600, 86_400 * 30))
    command = begun(
        [sys.executable, str(_INJECTED), "clock-jump", str(jump), "up"],
        arena.path,
        {**arena.environ, "PYTHONPATH": str(_INJECTED.parents[2])},  # type: ignore[attr-defined]
    )
    assert ended(command) == 0, "up did not survive a clock that jumps"
    return f"by {jump} s"


@fault("signal", "compose")
def signal_(arena: Arena, dice: random.Random) -> str:
    """SIGSTOP in containers, which the engine goes on calling running."""
    victims, seconds = dice.choice(_victims(arena)), dice.choice((0.0, 1.0, 8.0))
    for name in victims:
        arena.bench.containers[name].kill("STOP")  # type: ignore[attr-defined]
    time.sleep(seconds)
    return f"{'+'.join(victims)} for {seconds:g} s"


@fault("by-hand", "compose")
def by_hand(arena: Arena, dice: random.Random) -> str:
    """Somebody removes containers with the docker command."""
    names = dice.choice(_victims(arena))
    there = arena.bench.containers  # type: ignore[attr-defined]
    for name in names:
        subprocess.run(
            ["docker", "rm", "--force", there[name].id], check=True, capture_output=True, timeout=60
        )
    return f"removed {'+'.join(names)}"
