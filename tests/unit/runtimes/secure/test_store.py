from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from msgspec.structs import replace

from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Topology
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import access, issuing, store
from kafka_tasks.runtimes.secure.store import SecureStore

_DAY_S = 86400.0
_SCRAM, _MTLS = Security("scram"), Security("mtls")


@pytest.fixture
def kept(project: Project) -> SecureStore:
    """The store of a project in which nothing was issued yet."""
    project.make_state()
    return SecureStore.of(project)


def _certificate(kept: SecureStore, name: str) -> x509.Certificate:
    content = (kept.root / name).read_bytes()
    return x509.load_pem_x509_certificate(content[content.index(b"-----BEGIN CERT") :])


def _contents(kept: SecureStore) -> dict[str, bytes]:
    found = (path for path in kept.root.rglob("*") if path.is_file())
    return {str(path.relative_to(kept.root)): path.read_bytes() for path in found}


def test_what_is_made_is_for_its_owner_alone(kept: SecureStore) -> None:
    """Directories are 0700 and files 0600, whatever the umask says."""
    issuing.ensure(kept, _MTLS)
    for path in (kept.root, *kept.root.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_a_second_start_keeps_everything(kept: SecureStore) -> None:
    """Passwords, keys and certificates stay as they are."""
    assert not issuing.ensure(kept, _SCRAM)
    before = _contents(kept)
    assert not issuing.ensure(kept, _SCRAM)
    assert _contents(kept) == before


def test_each_user_has_a_password_of_its_own(kept: SecureStore) -> None:
    """Three users, and a password for the PKCS#12 files: four that differ."""
    issuing.ensure(kept, _SCRAM)
    found = kept.passwords()
    assert found is not None and set(found.users) == {"admin", "alice", "bob"}
    assert len({*found.users.values(), found.stores}) == 4
    assert kept.secrets() == {*found.users.values(), found.stores}


def test_a_server_answers_for_this_machine_and_for_every_service(kept: SecureStore) -> None:
    """The certificate has localhost, both loopback addresses, the services, and names asked for."""
    issuing.ensure(kept, replace(_SCRAM, hosts=("kafka.test",)))
    found = _certificate(kept, "server.pem").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    names = found.value.get_values_for_type(x509.DNSName)
    assert {"localhost", "kafka", "kafka-2", "controller", "kafka.test"} <= set(names)
    addresses = map(str, found.value.get_values_for_type(x509.IPAddress))
    assert set(addresses) == {"127.0.0.1", "::1"}


def test_another_name_changes_the_certificates_of_servers_alone(kept: SecureStore) -> None:
    """The same authorities sign them; users keep certificates and passwords, and names may go."""
    issuing.ensure(kept, _MTLS)
    before, dates = _contents(kept), kept.index()
    wanted = replace(_MTLS, hosts=("*.kafka.test", "10.9.8.7"))
    assert not issuing.ensure(kept, wanted)
    found = _certificate(kept, "server.pem")
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "*.kafka.test" in names.get_values_for_type(x509.DNSName)
    assert "10.9.8.7" in map(str, names.get_values_for_type(x509.IPAddress))
    found.verify_directly_issued_by(_certificate(kept, "ca.crt"))
    now, index = _contents(kept), kept.index()
    servers = {"server.pem", "internal/broker.pem", "internal/controller.pem"}
    assert {name for name in now if now[name] != before[name]} == {*servers, "index.json"}
    assert index is not None and dates is not None and index.ends == dates.ends
    issuing.ensure(kept, wanted)
    assert _contents(kept) == now
    issuing.ensure(kept, _MTLS)
    assert kept.index() != index


def test_the_authority_of_users_signs_nothing_internal(kept: SecureStore) -> None:
    """A user's certificate is no certificate on INTERNAL, and the other way round."""
    issuing.ensure(kept, _MTLS)
    clients, internal = _certificate(kept, "ca.crt"), _certificate(kept, "internal/ca.crt")
    for name in ("users/alice.crt", "server.pem"):
        _certificate(kept, name).verify_directly_issued_by(clients)
        with pytest.raises((ValueError, InvalidSignature)):
            _certificate(kept, name).verify_directly_issued_by(internal)
    for name in ("broker.pem", "controller.pem", "tool.crt"):
        _certificate(kept, f"internal/{name}").verify_directly_issued_by(internal)


def test_keys_are_pkcs_8_and_java_has_files_of_its_own(kept: SecureStore) -> None:
    """The PEM header is that of PKCS#8; the PKCS#12 file has the user's key and certificate."""
    issuing.ensure(kept, _MTLS)
    passwords = kept.passwords()
    assert passwords is not None
    key = (kept.root / "users/alice.key").read_bytes()
    assert key.startswith(b"-----BEGIN PRIVATE KEY-----")
    found = pkcs12.load_pkcs12(
        (kept.root / "users/alice.p12").read_bytes(), passwords.stores.encode()
    )
    assert found.cert is not None and found.key is not None
    assert found.cert.certificate == _certificate(kept, "users/alice.crt")
    loaded = load_pem_private_key(key, None)
    assert found.key.public_key() == loaded.public_key()


@pytest.mark.parametrize("days", [2 * 365 - 29, 2 * 365 + 400])
def test_certificates_are_renewed_before_and_after_they_expire(
    kept: SecureStore, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Authorities and passwords stay, so that clients keep what they trust."""
    issuing.ensure(kept, _SCRAM)
    before = _contents(kept)
    later = store.now() + days * _DAY_S
    monkeypatch.setattr(store, "now", lambda: later)
    assert issuing.ensure(kept, _SCRAM)
    now = _contents(kept)
    same = ("ca.crt", "ca.key", "internal/ca.crt", "passwords.json")
    assert all(now[name] == before[name] for name in same)
    assert all(now[name] != before[name] for name in ("server.pem", "internal/broker.pem"))


@pytest.mark.parametrize("days", [10 * 365, -2])
def test_authorities_that_are_not_valid_are_renewed_too(
    kept: SecureStore, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """After ten years, or where the clock has been wrong, everything is new but the passwords."""
    issuing.ensure(kept, _SCRAM)
    before = _contents(kept)
    other = store.now() + days * _DAY_S
    monkeypatch.setattr(store, "now", lambda: other)
    assert issuing.ensure(kept, _SCRAM)
    now = _contents(kept)
    assert now["ca.crt"] != before["ca.crt"]
    assert now["passwords.json"] == before["passwords.json"]


def test_a_certificate_lasts_two_years(kept: SecureStore) -> None:
    """The dates in the index are those in the certificate."""
    issuing.ensure(kept, _SCRAM)
    index, found = kept.index(), _certificate(kept, "server.pem")
    assert index is not None
    assert abs(found.not_valid_after_utc.timestamp() - index.ends) < 60
    assert abs(found.not_valid_before_utc.timestamp() - index.begins) < 60
    assert found.not_valid_after_utc - found.not_valid_before_utc == timedelta(days=731)


def test_another_kind_issues_what_it_needs(kept: SecureStore) -> None:
    """With mtls each user needs a certificate; a user that was added gets one, too."""
    issuing.ensure(kept, _SCRAM)
    assert not (kept.root / "users/alice.crt").exists()
    assert not issuing.ensure(kept, _MTLS)
    issuing.issue_user(kept, "carol")
    assert _certificate(kept, "users/alice.crt").subject.rfc4514_string() == "CN=alice"
    assert _certificate(kept, "users/carol.crt").subject.rfc4514_string() == "CN=carol"
    assert kept.index() is not None


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [_emptied, _removed])
@pytest.mark.parametrize("name", ["server.pem", "internal/ca.key"])
def test_a_foreign_file_is_named(kept: SecureStore, name: str, damage: object) -> None:
    """A file that is missing or another one is exit 3, with the way to new ones."""
    issuing.ensure(kept, _SCRAM)
    assert callable(damage)
    damage(kept.root / name)
    with pytest.raises(InvalidInput, match=name) as raised:
        issuing.ensure(kept, _SCRAM)
    assert "rm -r" in str(raised.value.hint)


def _rewrite(kept: SecureStore, name: str, **changes: Any) -> None:
    path = kept.root / name
    path.write_bytes(json.dumps({**json.loads(path.read_bytes()), **changes}).encode())


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("index.json", {"files": {}}, "does not list 'ca.crt'"),
        ("passwords.json", {"users": {}}, "it has no user admin"),
        ("passwords.json", {"users": {"admin": "a", "broker": "b"}}, "'broker' cannot be a user"),
        ("passwords.json", {"users": {"admin": ""}}, "'admin' cannot be a user, or has no passw"),
        ("passwords.json", {"users": {"admin": "a\0"}}, "'admin' cannot be a user"),
    ],
)
def test_a_list_that_no_cluster_can_have_is_named(
    kept: SecureStore, name: str, changes: dict[str, Any], said: str
) -> None:
    """Such a list may come with the snapshot of someone else."""
    issuing.ensure(kept, _SCRAM)
    _rewrite(kept, name, **changes)
    with pytest.raises(InvalidInput, match=said):
        issuing.ensure(kept, _MTLS)


def test_no_list_leads_out_of_the_directory(kept: SecureStore) -> None:
    """Neither a file of the index nor a user, whose name is that of a file, with mtls."""
    issuing.ensure(kept, _SCRAM)
    _rewrite(kept, "passwords.json", users={"admin": "a", "../../../x": "b"})
    with pytest.raises(InvalidInput, match=r"those of user \.\./\.\./\.\./x do not"):
        issuing.ensure(kept, _MTLS)
    index = kept.index()
    assert index is not None
    _rewrite(kept, "index.json", files={**index.files, "users/../../x": "0" * 64})
    with pytest.raises(InvalidInput, match=re.escape("lists 'users/../../x'")):
        kept.index()


def test_an_authority_that_cannot_sign_is_named(kept: SecureStore) -> None:
    """Where its file is the listed one all the same."""
    issuing.ensure(kept, _SCRAM)
    index = kept.index()
    assert index is not None
    (kept.root / "ca.key").write_bytes(b"no key")
    _rewrite(kept, "index.json", files={**index.files, "ca.key": store.checksum(b"no key")})
    with pytest.raises(InvalidInput, match=r"ca\.key does not belong .* it is no authority"):
        issuing.issue_user(kept, "carol")


def test_what_others_may_read_is_found(kept: SecureStore) -> None:
    """Files and directories that give any right to other users."""
    assert kept.readable_by_others() == []
    issuing.ensure(kept, _SCRAM)
    assert kept.readable_by_others() == []
    (kept.root / "ca.key").chmod(0o640)
    assert kept.readable_by_others() == [kept.root / "ca.key"]


@pytest.mark.parametrize("name", ["index.json", "passwords.json"])
@pytest.mark.parametrize("content", [b"{", b"{}", b"\xff"])
def test_a_damaged_list_is_named(kept: SecureStore, name: str, content: bytes) -> None:
    """The index and the passwords are read as they were written, or not at all."""
    issuing.ensure(kept, _SCRAM)
    (kept.root / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=name):
        issuing.ensure(kept, _SCRAM)


class _Killed(BaseException):
    """What a SIGKILL looks like to a test: nothing cleans up after it."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the process "die" before its step of this number, counted from 0."""
    counted = iter(range(1000))

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if next(counted) == step:
                raise _Killed
            return real(*arguments, **named)

        return call

    monkeypatch.setattr(private, "write", dying(private.write))
    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    monkeypatch.setattr(os, "replace", dying(os.replace))


@pytest.mark.parametrize("wanted", [replace(_SCRAM, hosts=("kafka.test",)), _MTLS])
def test_a_crash_leaves_the_old_files_or_the_new_ones(
    kept: SecureStore, monkeypatch: pytest.MonkeyPatch, wanted: Security
) -> None:
    """Killed before each single write and rename, the same authorities and passwords stay."""
    issuing.ensure(kept, _SCRAM)
    before = _contents(kept)
    same = ("ca.crt", "ca.key", "internal/ca.crt", "internal/ca.key", "passwords.json")
    for step in range(1000):
        with monkeypatch.context() as patched:
            _kill_at(patched, step)
            try:
                issuing.ensure(kept, wanted)
            except _Killed:
                pass
            else:
                break
        assert kept.index() is not None, step
        assert not issuing.ensure(kept, wanted)
        now = _contents(kept)
        if wanted.kind == "scram":
            assert {*now} == {*before}, step
        else:
            assert "users/alice.crt" in now, step
        assert all(now[name] == before[name] for name in same), step
        shutil.rmtree(kept.root)
        for name, content in before.items():
            (kept.root / name).parent.mkdir(parents=True, exist_ok=True)
            (kept.root / name).write_bytes(content)
    assert step > 6


def test_a_first_start_that_is_killed_is_finished_by_the_next(
    kept: SecureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had been made completely is kept; the rest is made then."""
    for step in range(1000):
        with monkeypatch.context() as patched:
            _kill_at(patched, step)
            try:
                issuing.ensure(kept, _SCRAM)
            except _Killed:
                pass
            else:
                break
        issued = kept.root / "issued"
        complete = (issued / "ca.crt") if (issued / "ca.crt").exists() else kept.root / "ca.crt"
        there = complete.read_bytes() if complete.exists() else None
        assert not issuing.ensure(kept, _SCRAM)
        assert there in (None, (kept.root / "ca.crt").read_bytes()), step
        assert kept.index() is not None and not issued.exists()
        shutil.rmtree(kept.root)
    assert step > 20


def test_a_full_disk_changes_nothing(kept: SecureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the directory; what was there still counts."""
    issuing.ensure(kept, _SCRAM)
    before = _contents(kept)

    def full(path: Path, content: bytes) -> None:
        path.write_bytes(content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(private, "write", full)
        with pytest.raises(MachineError, match="No space left on device"):
            issuing.ensure(kept, _MTLS)
    assert _contents(kept) == before


def test_lost_passwords_are_new_ones_by_the_same_authority(kept: SecureStore) -> None:
    """Clients that trust the authority go on doing so, and a person is told."""
    issuing.ensure(kept, _SCRAM)
    before = _contents(kept)
    (kept.root / "passwords.json").unlink()
    assert "admin, alice, bob have new passwords" in (issuing.ensure(kept, _SCRAM) or "")
    now = _contents(kept)
    assert now["ca.crt"] == before["ca.crt"] and now["ca.key"] == before["ca.key"]
    assert now["truststore.p12"] != before["truststore.p12"]


def test_a_lost_index_is_named(kept: SecureStore) -> None:
    """No new authority takes the place of one that is there."""
    issuing.ensure(kept, _SCRAM)
    (kept.root / "index.json").unlink()
    with pytest.raises(InvalidInput, match=r"index\.json does not belong .* it is missing"):
        issuing.ensure(kept, _SCRAM)


def test_a_connection_without_passwords_names_the_file_or_the_start(kept: SecureStore) -> None:
    """What is missing was never made, or was deleted."""
    topology = Topology(security=_SCRAM)
    cluster = Cluster(kept.root.parent.parent, "embedded", topology, (), 1)
    with pytest.raises(InvalidInput, match="a start makes them"):
        access.as_user(cluster)
    issuing.ensure(kept, _SCRAM)
    (kept.root / "passwords.json").unlink()
    with pytest.raises(InvalidInput, match=r"passwords\.json is missing") as caught:
        access.as_user(cluster, "alice")
    assert "kafka.restart" in str(caught.value.hint)
