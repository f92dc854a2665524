"""Certificates made for a test, by the product's own authority, and their files."""

from __future__ import annotations

from pathlib import Path

from kafka_tasks.clients.certificates import Authority, Identity

HERE = ("localhost", "127.0.0.1")

__all__ = ["HERE", "Authority", "Identity", "write"]


def write(identity: Identity, folder: Path, name: str, password: str | None = None) -> Path:
    """Write NAME.crt, NAME.key, and NAME.pem with both; returns the latter."""
    (folder / f"{name}.crt").write_bytes(identity.certificate_pem)
    (folder / f"{name}.key").write_bytes(identity.key_pem(password))
    both = folder / f"{name}.pem"
    both.write_bytes(identity.key_pem(password) + identity.certificate_pem)
    return both
