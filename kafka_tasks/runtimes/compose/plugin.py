"""The compose plugin as a program of its own.

`docker compose` asks the plugin for its metadata before it starts it: 0.04 s of each call. Compose
v2 runs without `docker`, too, by the same arguments, contexts and variables.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from kafka_tasks.settings import environment

# Where `docker` looks after the directories of its user, in its order (docker/cli, cli-plugins).
_DIRECTORIES = tuple(
    Path(root, "docker/cli-plugins")
    for root in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec")
)
# The key of docker's configuration that names further directories.
_FURTHER = b"cliPluginsExtraDirs"


def words() -> tuple[str, ...]:
    """Return the words that each call of Compose begins with.

    They are `docker compose` where the plugin is found nowhere, and where `docker` is a script,
    which may do more than start a plugin: that of Podman runs Compose on another engine.
    """
    docker = shutil.which("docker")
    found = None if docker is None or _is_script(Path(docker)) else _found()
    return ("docker", "compose") if found is None else (str(found),)


def _found() -> Path | None:
    """Return the plugin that `docker` would start; None where only `docker` can tell."""
    environ = environment()
    own = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME") or "/nowhere", ".docker"))
    try:
        if _FURTHER in (own / "config.json").read_bytes():
            return None
    except FileNotFoundError:
        pass
    except OSError:
        return None
    places = (each / "docker-compose" for each in (own / "cli-plugins", *_DIRECTORIES))
    return next((each for each in places if each.is_file() and os.access(each, os.X_OK)), None)


def _is_script(program: Path) -> bool:
    try:
        with program.open("rb") as stream:
            return stream.read(2) == b"#!"
    except OSError:
        return True
