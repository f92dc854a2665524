"""The errors of the Docker engine, with a hint for each."""

from __future__ import annotations

from urllib.parse import urlsplit

from kafka_tasks.errors import EngineMissing, ImageMissing

_LOCAL_SCHEMES = ("unix", "npipe", "http+unix")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def is_here(host: str) -> bool:
    """Return whether an engine at this address runs on this machine."""
    parts = urlsplit(host)
    return parts.scheme in _LOCAL_SCHEMES or parts.hostname in _LOCAL_NAMES


def said(error: Exception) -> str:
    """Return the explanation of the engine in one line."""
    explanation = getattr(error, "explanation", None)
    return str(explanation or error).strip().splitlines()[0][:300]


def no_engine(host: str, error: Exception) -> EngineMissing:
    """Return the error for an engine that does not answer, or not to this user."""
    where = host or "the default socket"
    text = str(error)
    if host and not is_here(host):
        return elsewhere(host, evidence=(said(error),))
    if "Permission denied" in text or "PermissionError" in text:
        return EngineMissing(
            f"This user may not talk to the Docker engine at {where}.",
            evidence=(said(error),),
            hint="sudo usermod -aG docker $USER, then log in again; "
            "or --runtime embedded, which needs no Docker",
        )
    return EngineMissing(
        f"No Docker engine answers at {where}.",
        evidence=(said(error),),
        hint="start it (sudo systemctl start docker), check `docker context ls`, "
        "or use --runtime embedded, which needs no Docker",
    )


def elsewhere(host: str, evidence: tuple[str, ...] = ()) -> EngineMissing:
    """Return the error for an engine on another machine, whose ports are not here."""
    return EngineMissing(
        f"The Docker engine is on another machine ({host}); ports that it publishes on 127.0.0.1 "
        "cannot be reached from here.",
        evidence=evidence,
        hint="docker context use default; or --runtime embedded; or point "
        "KAFKA_TASKS_BOOTSTRAP_SERVERS at a cluster there",
    )


def no_context(name: str | None) -> EngineMissing:
    """Return the error for a Docker context that does not exist; None is the current one."""
    return EngineMissing(
        f"There is no Docker context {name!r}."
        if name
        else "The current Docker context does not exist.",
        hint="docker context ls; docker context use default",
    )


def no_image(name: str, reason: str) -> ImageMissing:
    """Return the error for an image that cannot be pulled."""
    return ImageMissing(
        f"The image {name} is not on this machine and cannot be pulled.",
        evidence=(reason,),
        hint="docker login, or set the image to one from a mirror; "
        "or --runtime embedded, which needs no image",
    )
