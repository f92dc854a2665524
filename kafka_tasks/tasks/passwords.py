"""A new password: from a file, from stdin, typed at the terminal, or generated into a file."""

from __future__ import annotations

import sys
from pathlib import Path

from kafka_tasks.tasks.call import Call

# Bits of others and of the group.
_OF_OTHERS = 0o077
_BYTES = 24


def new_password(call: Call, user: str, file: str | None) -> tuple[str, str | None]:
    """Return a new password, and the file into which a generated one was written.

    Raises `InvalidInput` where there is none, and for a file that others may read.
    """
    if file == "-":
        return _required(sys.stdin.readline(), "stdin"), None
    if file is not None:
        return _from_file(Path(file))
    return _typed(call, user), None


def _from_file(path: Path) -> tuple[str, str | None]:
    import secrets

    from kafka_tasks.project import private

    if not path.exists():
        password = secrets.token_urlsafe(_BYTES)
        private.write(path, f"{password}\n".encode())
        return password, str(path)
    return read_private(path), None


def read_private(path: Path) -> str:
    """Return the first line of a file that its owner alone may read; raises `InvalidInput`."""
    import shlex

    from kafka_tasks.errors import InvalidInput

    try:
        mode, text = path.stat().st_mode, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The password file {path} cannot be read.",
            evidence=(str(error),),
            hint=f"ls -l {shlex.quote(str(path))}",
        ) from error
    if mode & _OF_OTHERS:
        raise InvalidInput(
            f"Other users may read the password file {path}.",
            evidence=(f"its mode is {mode & 0o777:03o}",),
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )
    return _required(text, str(path))


def _required(text: str, where: str) -> str:
    from kafka_tasks.errors import InvalidInput

    password = text.partition("\n")[0].rstrip("\r")
    if password:
        return password
    raise InvalidInput(
        f"There is no password in the first line of {where}.",
        hint="--password-file FILE; kafka-tasks generates a password into a file that is missing",
    )


def _typed(call: Call, user: str) -> str:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.tasks.repeated import repeated

    hint = repeated(call, password_file=f"{user}.password")
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidInput(
            f"The password of user {user} is missing: stdin is not a terminal.", hint=hint
        )
    from getpass import getpass

    first = getpass(f"New password of user {user}: ", sys.stderr)
    if not first:
        raise InvalidInput(f"The password of user {user} is empty.", hint=hint)
    if getpass("Again: ", sys.stderr) != first:
        raise InvalidInput("The two passwords differ; nothing was changed.", hint=hint)
    return first
