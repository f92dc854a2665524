"""A new password: from a file, from stdin, typed at the terminal, or generated into a file."""

from __future__ import annotations

import sys
from pathlib import Path

from kafka_tasks.tasks.call import Call

_BYTES = 24


def new_password(call: Call, user: str, file: str | None) -> tuple[str, str | None]:
    """Return a new password, and the file into which a generated one was written.

    Raises `InvalidInput` where there is none, and for a file that others may read.
    """
    if file == "-":
        return _from_stdin(), None
    if file is not None:
        return _from_file(Path(file))
    return _typed(call, user), None


def _from_stdin() -> str:
    from kafka_tasks.project import private

    return private.required(sys.stdin.readline(), "stdin")


def _from_file(path: Path) -> tuple[str, str | None]:
    import secrets

    from kafka_tasks.project import private

    if not path.exists():
        password = secrets.token_urlsafe(_BYTES)
        private.write(path, f"{password}\n".encode())
        return password, str(path)
    return private.first_line(path), None


def _typed(call: Call, user: str) -> str:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.tasks.repeated import repeated

    hint = repeated(call, password_file=f"{user}.password")
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidInput(
            f"The password of user {user} is missing: stdin is not a terminal.", hint=hint
        )
    from getpass import getpass

    from kafka_tasks.project import private

    first = getpass(f"New password of user {user}: ", sys.stderr)
    if not first:
        raise InvalidInput(f"The password of user {user} is empty.", hint=hint)
    private.require_usable(first, "the terminal")
    if getpass("Again: ", sys.stderr) != first:
        raise InvalidInput("The two passwords differ; nothing was changed.", hint=hint)
    return first
