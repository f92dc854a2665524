"""Grants and revokes the rights of a plan; each broker shows them when it returns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kafka_tasks.clients.kafka import acls
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.access import Rule
from kafka_tasks.topics.plan import Plan

# So many rules are sent in one request.
_BATCH = 500
# Seconds for a look after a failure or after Ctrl-C.
_LOOK_S = 3.0

_Stage = Literal["waiting", "begun", "done"]


@dataclass(slots=True)
class AccessProgress:
    """The stage of every right; true at any moment, also after Ctrl-C. `begun` means sent."""

    stages: dict[Rule, _Stage] = field(default_factory=dict)
    failures: dict[Rule, KafkaTasksError] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: Plan) -> AccessProgress:
        """Return the progress of a plan that has not begun."""
        changes = (*wanted.rights("grant"), *wanted.rights("revoke"))
        return cls({change.rule: "waiting" for change in changes})

    def having(self, stage: _Stage) -> tuple[Rule, ...]:
        """Return the rights at this stage that did not fail."""
        at = self.stages.items()
        return tuple(rule for rule, now in at if now == stage and rule not in self.failures)

    def mark(self, rules: Iterable[Rule], stage: _Stage) -> None:
        """Move rights to a stage."""
        self.stages.update(dict.fromkeys(rules, stage))

    def settle(self, wanted: Plan, admin: Admin) -> None:
        """Mark as done those sent changes that the cluster shows; raises `KafkaTasksError`."""
        sent = self.having("begun")
        if sent:
            there = set(acls.rules(admin, timeout_s=_LOOK_S))
            granted = {change.rule for change in wanted.rights("grant")}
            self.mark([rule for rule in sent if (rule in there) is (rule in granted)], "done")


def apply(
    wanted: Plan, admin: Admin, *, timeout_s: float = 30.0, progress: AccessProgress | None = None
) -> AccessProgress:
    """Make the rules what the plan says; blocked changes are left alone.

    New rights are granted first, so that a user whose right is replaced has one at any time. Where
    that failed, nothing is revoked.
    """
    told = progress if progress is not None else AccessProgress.of(wanted)
    new = [change.rule for change in wanted.rights("grant")]
    old = [change.rule for change in wanted.rights("revoke")]

    def granted(some: Sequence[Rule]) -> None:
        acls.grant(admin, some, timeout_s=timeout_s)

    def revoked(some: Sequence[Rule]) -> None:
        acls.revoke(admin, some, timeout_s=timeout_s)

    _send(wanted, admin, told, new, granted)
    if new and not told.failures:
        _await(told, new, lambda: acls.until_known(admin, present=new, timeout_s=timeout_s))
    if told.failures:
        return told
    _send(wanted, admin, told, old, revoked)
    if old and not told.failures:
        _await(told, old, lambda: acls.until_known(admin, absent=old, timeout_s=timeout_s))
    return told


def _send(
    wanted: Plan,
    admin: Admin,
    told: AccessProgress,
    rules: Sequence[Rule],
    send: Callable[[Sequence[Rule]], None],
) -> None:
    """Send all; after a failure, the cluster shows which of them were carried out."""
    for at in range(0, len(rules), _BATCH):
        some = rules[at : at + _BATCH]
        told.mark(some, "begun")
        try:
            send(some)
        except KafkaTasksError as error:
            _fail(wanted, admin, told, error)
            return


def _fail(wanted: Plan, admin: Admin, told: AccessProgress, error: KafkaTasksError) -> None:
    with contextlib.suppress(KafkaTasksError):
        told.settle(wanted, admin)
    told.failures.update(dict.fromkeys(told.having("begun"), error))


def _await(told: AccessProgress, rules: Sequence[Rule], wait: Callable[[], object]) -> None:
    try:
        wait()
    except KafkaTasksError as error:
        told.failures.update(dict.fromkeys(rules, error))
    else:
        told.mark(rules, "done")
