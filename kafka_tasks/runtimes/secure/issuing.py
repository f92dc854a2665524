"""Certificates, keys and passwords of a secured cluster: made once, kept, and renewed in time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import security as model
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import NAMES
from kafka_tasks.runtimes.secure import store
from kafka_tasks.runtimes.secure.store import Index, Passwords, SecureStore

if TYPE_CHECKING:
    from kafka_tasks.clients.certificates import Authority, Identity

_YEAR = timedelta(days=365)
_AUTHORITY_LASTS, _CERTIFICATE_LASTS = 10 * _YEAR, 2 * _YEAR
_DAY_S = 86400.0
# Where clients and containers reach the brokers.
_HOSTS = ("localhost", "127.0.0.1", "::1", *NAMES)
_RENEWED = "renewed the certificates in .kafka-tasks/secure"
_NEW_PASSWORDS = (
    ".kafka-tasks/secure/passwords.json was missing: "
    f"{', '.join(model.USERS)} have new passwords, the authorities stay"
)


def prepare(kept: SecureStore, wanted: Security, notice: Callable[[str], None]) -> None:
    """Make what a start needs and does not have, and tell a change; raises `InvalidInput`."""
    if said := ensure(kept, wanted):
        notice(said)


def ensure(kept: SecureStore, wanted: Security) -> str | None:
    """Make what a start needs and does not have; return what was renewed, or made again, if any.

    The servers answer for `wanted.hosts`; where these change, the same authorities issue the
    servers' certificates again, and what users have stays.

    Raises `InvalidInput` where the directory has files that are not kafka-tasks' own.
    """
    passwords = kept.passwords()
    before = kept.index()
    # The PKCS#12 files are encrypted with a password that is gone.
    are_lost = passwords is None and before is not None
    if passwords is None:
        made = {name: _password() for name in model.USERS}
        passwords = Passwords(users=made, stores=_password())
        kept.keep_passwords(passwords)
    require_allowed(wanted, passwords.users)
    users = tuple(passwords.users) if wanted.kind == "mtls" else ()
    every = tuple(dict.fromkeys((*_HOSTS, *wanted.hosts)))
    now = store.now()
    is_valid = before is not None and before.is_valid(now)
    if before is not None and is_valid and not are_lost and before.covers(users):
        if set(before.hosts) != set(every):
            _issue_servers(kept, before, every)
        return None
    old = before if before and before.keeps_authorities(now) else None
    _issue(kept, old, every, users, passwords.stores)
    if are_lost:
        return _NEW_PASSWORDS
    return _RENEWED if before is not None and not is_valid else None


def require_allowed(wanted: Security, users: Mapping[str, str]) -> None:
    """Raise `InvalidInput` for a user whose name or password this kind of log-in cannot have."""
    for name, word in users.items():
        if not wanted.allows(name, word):
            raise InvalidInput(
                f"With --secure {wanted.kind}, names and passwords have up to 64 letters, digits "
                f"and . _ ~ + = - only; those of user {name} do not.",
                hint="invoke kafka.user.create carol, or KAFKA_TASKS_SECURE=scram",
            )


def issue_user(kept: SecureStore, name: str) -> None:
    """Issue the certificate of one further user, by the authority that is there."""
    before, passwords = kept.index(), kept.passwords()
    assert before is not None and passwords is not None
    files = _of_user(authority(kept), name, passwords.stores)
    kept.keep(files, _with(before, files))


def _issue_servers(kept: SecureStore, before: Index, hosts: tuple[str, ...]) -> None:
    """Issue the servers' certificates for other hosts; they may last longer than the index says."""
    files = _of_servers(*_authorities(kept, renewed=False), hosts)
    index = msgspec.structs.replace(before, hosts=hosts, begins=store.now() - _DAY_S)
    kept.keep(files, _with(index, files))


def _password() -> str:
    return secrets.token_urlsafe(18)


def _issue(
    kept: SecureStore,
    old: Index | None,
    hosts: tuple[str, ...],
    users: Iterable[str],
    password: str,
) -> None:
    """Write every file and their index; the authorities of `old` are kept."""
    clients, internal = _authorities(kept, renewed=old is None)
    files = {
        **_separate("ca", clients.identity),
        **_separate("internal/ca", internal.identity),
        **_separate("internal/tool", internal.issue(model.TOOL, ends=_CERTIFICATE_LASTS)),
        "truststore.p12": clients.trust_store(password),
        **_of_servers(clients, internal, hosts),
    }
    for name in users:
        files |= _of_user(clients, name, password)
    now = store.now()
    authorities_end = old.authorities_end if old else now + _AUTHORITY_LASTS.total_seconds()
    ends = now + _CERTIFICATE_LASTS.total_seconds()
    index = Index(
        files={}, hosts=hosts, begins=now - _DAY_S, ends=ends, authorities_end=authorities_end
    )
    kept.keep(files, _with(index, files))


def _of_servers(
    clients: Authority, internal: Authority, hosts: tuple[str, ...]
) -> dict[str, bytes]:
    issuers = {
        "server": clients,
        f"internal/{model.BROKER}": internal,
        f"internal/{model.CONTROLLER}": internal,
    }
    return {
        f"{path}.pem": _both(issuer.issue(Path(path).name, hosts, ends=_CERTIFICATE_LASTS))
        for path, issuer in issuers.items()
    }


def _authorities(kept: SecureStore, *, renewed: bool) -> tuple[Authority, Authority]:
    """Return the authority of clients and that of INTERNAL and CONTROLLER."""
    if not renewed:
        return authority(kept), authority(kept, "internal/")
    from kafka_tasks.clients.certificates import Authority

    names = ("kafka-tasks users", "kafka-tasks internal")
    clients, internal = (Authority(name, ends=_AUTHORITY_LASTS) for name in names)
    return clients, internal


def _with(index: Index, files: Mapping[str, bytes]) -> Index:
    sums = {name: store.checksum(content) for name, content in files.items()}
    return msgspec.structs.replace(index, files={**index.files, **sums})


def authority(kept: SecureStore, folder: str = "") -> Authority:
    """Return the authority of users, or that in `internal/`; raises `InvalidInput`."""
    from kafka_tasks.clients.certificates import Authority

    try:
        parts = (kept.root / f"{folder}ca.{suffix}" for suffix in ("crt", "key"))
        return Authority.load(*(path.read_bytes() for path in parts))
    except (OSError, ValueError) as error:
        raise kept.foreign(f"{folder}ca.key", f"it is no authority: {error}") from error


def _of_user(authority: Authority, name: str, password: str) -> dict[str, bytes]:
    found = authority.issue(name, ends=_CERTIFICATE_LASTS)
    store_file = found.key_store(name, password)
    return {**_separate(f"users/{name}", found), f"users/{name}.p12": store_file}


def _separate(name: str, identity: Identity) -> dict[str, bytes]:
    return {f"{name}.crt": identity.certificate_pem, f"{name}.key": identity.key_pem()}


def _both(identity: Identity) -> bytes:
    return identity.key_pem() + identity.certificate_pem
