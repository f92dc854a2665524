"""Files that their owner alone may read, whatever the umask says."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path

from kafka_tasks.errors import InvalidInput

MODE = 0o600
DIRECTORY_MODE = 0o700
# For processes that write such files themselves.
UMASK = 0o077


def opener(path: str, flags: int) -> int:
    """Open for `open(…, opener=opener)`; others lose their rights to an existing file, too."""
    number = os.open(path, flags, MODE)
    with contextlib.suppress(OSError):  # another user's, or a file system without modes
        os.fchmod(number, MODE)
    return number


def write(path: Path, content: bytes) -> None:
    """Write a whole file."""
    with open(path, "wb", opener=opener) as file:
        file.write(content)


def first_line(path: Path) -> str:
    """Return the first line of a password file; raises `InvalidInput` where others may read it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The password file {path} cannot be read.",
            evidence=(str(error),),
            hint=f"ls -l {shlex.quote(str(path))}",
        ) from error
    require_private(path, "password file")
    return required(text, str(path))


def require_private(path: Path, what: str) -> None:
    """Raise `InvalidInput` where others may read this file, which can be read here."""
    mode = path.stat().st_mode
    if mode & UMASK:
        raise InvalidInput(
            f"Other users may read the {what} {path}.",
            evidence=(f"its mode is {mode & 0o777:03o}",),
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )


def required(text: str, where: str) -> str:
    """Return the password in the first line of a text; or raise `InvalidInput`."""
    password = text.partition("\n")[0].rstrip("\r")
    if password:
        require_usable(password, where)
        return password
    raise InvalidInput(
        f"There is no password in the first line of {where}.",
        hint="write the password into the first line; kafka-tasks user.create NAME "
        "--password-file FILE generates one into a file that is missing",
    )


def require_usable(password: str, where: str) -> None:
    """Raise `InvalidInput` for a password that no client of librdkafka can log in with."""
    if password[0].isspace():
        raise InvalidInput(
            f"The password in {where} begins with a blank.",
            evidence=("librdkafka drops blanks before a value, so that its log-in is refused",),
            hint="choose a password that begins with another character",
        )
