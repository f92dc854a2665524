from __future__ import annotations

import shutil
from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.diagnosis import secured
from kafka_tasks.errors import MachineError
from kafka_tasks.runtimes.secure import issuing, store
from kafka_tasks.runtimes.secure.store import SecureStore
from tests.unit.diagnosis.conftest import MakeExam

_DAY_S = 86400.0


def test_a_plain_cluster_has_nothing_to_look_at(make_exam: MakeExam) -> None:
    """Without security, no check says anything."""
    exam = make_exam()
    assert [found for check in secured.CHECKS for found in check.run(exam)] == []


@pytest.mark.parametrize(
    ("days", "level", "said"),
    [
        (0, "ok", "valid for 730 days"),
        (705, "warning", "expire in 25 days"),
        (740, "error", "not valid now"),
        (-3, "error", "not valid now"),
    ],
)
def test_certificates_are_judged_by_the_clock(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch, days: int, level: str, said: str
) -> None:
    """Before they expire a restart is enough, and after it, too."""
    exam = make_exam(secure="scram")
    assert list(secured.certificates(exam)) == []
    exam.project.make_state()
    security = exam.settings.security
    assert security is not None
    issuing.ensure(SecureStore.of(exam.project), security)
    moment = store.now() + days * _DAY_S
    monkeypatch.setattr(secured, "now", lambda: moment)
    (found,) = secured.certificates(exam)
    assert found.level == level and said in found.title
    assert level == "ok" or found.fix == "invoke kafka.restart"


def test_a_foreign_file_is_a_finding(make_exam: MakeExam) -> None:
    """Its fix makes new ones."""
    exam = make_exam(secure="scram")
    exam.project.make_state()
    security, kept = exam.settings.security, SecureStore.of(exam.project)
    assert security is not None
    issuing.ensure(kept, security)
    (kept.root / "server.pem").write_bytes(b"another")
    (found,) = secured.certificates(exam)
    assert (found.id, found.level, found.exit_code) == ("secure-files", "error", 3)
    assert "server.pem" in found.title and "rm -r" in str(found.fix)


def test_missing_passwords_are_a_finding(make_exam: MakeExam) -> None:
    """A restart makes new ones."""
    exam = make_exam(secure="scram")
    exam.project.make_state()
    security, kept = exam.settings.security, SecureStore.of(exam.project)
    assert security is not None
    issuing.ensure(kept, security)
    (kept.root / "passwords.json").unlink()
    found = next(iter(secured.certificates(exam)))
    assert (found.id, found.level) == ("secure-files", "warning")
    assert "kafka.restart makes new passwords" in str(found.fix)


def test_keys_that_others_may_read_are_a_finding(make_exam: MakeExam) -> None:
    """Its fix takes the rights of other users away."""
    exam = make_exam(secure="scram")
    exam.project.make_state()
    security, kept = exam.settings.security, SecureStore.of(exam.project)
    assert security is not None
    issuing.ensure(kept, security)
    assert list(secured.readable(exam)) == []
    (kept.root / "passwords.json").chmod(0o644)
    (found,) = secured.readable(exam)
    assert (found.id, found.level) == ("secret-readable", "warning")
    assert found.evidence == (f"{kept.root / 'passwords.json'}: mode 644",)
    assert found.fix == f'chmod -R go-rwx "{kept.root}"'


def test_zookeeper_stays_open(make_exam: MakeExam) -> None:
    """In KRaft mode every server asks for a certificate."""
    (found,) = secured.open_servers(make_exam(secure="scram"))
    assert found.level == "info" and "ZooKeeper has no password" in found.title
    assert list(secured.open_servers(make_exam(secure="scram", mode="kraft"))) == []


@pytest.mark.parametrize(
    ("version", "kind", "library", "is_told"),
    [
        ("4.4.0", "scram", "2.0.2", True),
        ("4.4.0", "scram", "2.6.1", False),
        ("4.4.0", "mtls", "2.0.2", False),
        ("3.9.2", "scram", "2.0.2", False),
    ],
)
def test_a_kcat_that_cannot_log_in(
    make_exam: MakeExam,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    kind: str,
    library: str,
    is_told: bool,
) -> None:
    """Kafka 4 refuses the SCRAM of an older librdkafka, and only that."""
    said = f"Version 1.7.1 (JSON, librdkafka {library} builtin.features=ssl)"

    def run(command: list[str], **_: Any) -> processes.Completed:
        return processes.Completed(0, said)

    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/kcat")
    monkeypatch.setattr(processes, "run", run)
    exam = make_exam(secure=kind, version=version)
    found = list(secured.kcat(exam))
    assert [each.id for each in found] == (["kcat-scram"] if is_told else [])
    assert all("2.0.2" in each.evidence[0] for each in found)


def test_a_kcat_that_does_not_answer_is_passed_over(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be asked is not judged."""

    def fail(*_: Any, **__: Any) -> processes.Completed:
        raise MachineError("no answer")

    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/kcat")
    monkeypatch.setattr(processes, "run", fail)
    assert list(secured.kcat(make_exam(secure="scram", version="4.4.0"))) == []
