"""The user's file of further broker properties, for every runtime that starts brokers."""

from __future__ import annotations

import re
from pathlib import Path

from kafka_tasks.errors import InvalidInput

# What the runtime itself decides; a file of further properties may not.
RESERVED = frozenset(
    {
        "advertised.listeners",
        "broker.id",
        "controller.listener.names",
        "controller.quorum.bootstrap.servers",
        "controller.quorum.voters",
        "listeners",
        "log.dir",
        "log.dirs",
        "node.id",
        "process.roles",
        "zookeeper.connect",
    }
)
# What may make brokers use SASL between each other.
_PROTOCOLS = ("security.inter.broker.protocol", "listener.security.protocol.map")


def read(path: Path | None) -> dict[str, str]:
    """Return the user's broker properties; raises `InvalidInput` with file and line."""
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"KAFKA_TASKS_BROKER_PROPERTIES: {path} cannot be read: {error}.",
            hint=f'ls -l "{path}"',
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text[0] in "#!":
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)\s*[=:]\s*(.*)", text)
        if not match:
            raise InvalidInput(
                f"{path}, line {number}: {_name(text)!r} is not a line of the form name=value.",
                hint=f"write name=value in line {number} of {path}",
            )
        if match[1] in RESERVED:
            raise InvalidInput(
                f"{path}, line {number}: {match[1]} is decided by kafka-tasks.",
                hint="KAFKA_TASKS_PORT, KAFKA_TASKS_ZOOKEEPER_PORT and KAFKA_TASKS_BROKERS set it",
            )
        found[match[1]] = match[2]
    return found


def uses_sasl(path: Path | None) -> bool:
    """Return whether brokers log in to each other by this file; False where it is unreadable."""
    try:
        found = read(path)
    except InvalidInput:
        return False
    return any("SASL" in found.get(name, "").upper() for name in _PROTOCOLS)


def _name(text: str) -> str:
    """Return the first word of a malformed line: the rest may be a secret."""
    match = re.match(r"[A-Za-z0-9._-]+", text)
    return f"{match[0][:60]}…" if match and match[0] != text else text[:60] if match else "…"
