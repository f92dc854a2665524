"""Rights of users: list, grant, revoke."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected, reporting_interrupt
from kafka_tasks.tasks.confirm import require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.model.access import Rule

_HELP = {
    "user": "name of the user; * is everybody",
    "right": "read, write, describe, …: one, or several with commas",
    "topic": "a topic, billing.* for a prefix, or KIND:NAME with group, transactional-id, cluster",
    "group": "and the same right on this consumer group",
    **ANSWERS,
}
_COMPLETES = {"user": "users", "right": "rights", "topic": "topics", "group": "groups"}


@task(
    name="list",
    help={
        "user": "only what applies to this user; rules for everybody do",
        "topic": "only what applies to this topic, or KIND:NAME; rules for prefixes do",
        **ANSWERS,
    },
    completes={"user": "users", "topic": "topics"},
)
def list_(
    call: Call,
    user: str | None = None,
    topic: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """List the rights that are granted and denied."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.model.access import applying, principal
    from kafka_tasks.render.views import acls as view

    of = None if user is None else principal(user)
    on = None
    if topic is not None:
        from kafka_tasks.topics import typed_rights

        on = typed_rights.resource(topic)
    with connected(call) as (_, _, admin):
        return shown(applying(acls.rules(admin), principal=of, on=on), view)


@task(help=_HELP, completes=_COMPLETES)
def grant(
    call: Call,
    user: str,
    right: str,
    topic: str,
    group: str | None = None,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Grant a user a right on a topic; returns when each broker knows it."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.model.access import deciding
    from kafka_tasks.render.views import acl_granted, dry
    from kafka_tasks.topics import typed_rights

    wanted = typed_rights.rules(user, right, topic, group)
    with connected(call) as (session, _, admin):
        there = acls.rules(admin)
        new = [rule for rule in wanted if rule not in there]
        if call.dry:
            return shown(dry.Dry(f"grant: {_listed(new)}"), dry)
        if new or cluster_id is not None:
            require_cluster_id(call, session, admin, cluster_id, doing="granting a right on it")
        brokers = None
        if new:
            with reporting_interrupt(lambda: _accounted(admin, new), hint="invoke kafka.acl.list"):
                acls.grant(admin, new)
                brokers = acls.until_known(admin, present=new)
        similar = _similar(admin, wanted[0].user)
    denying = {rule for each in wanted for rule in deciding(there, each, allows=False)}
    old = [rule for rule in wanted if rule in there]
    return shown(acl_granted.Granted(new, old, sorted(denying), brokers, similar), acl_granted)


def _similar(admin: Admin, user: str) -> str | None:
    """Return the nearest user with a password to a name that has none: it may be mistyped."""
    from difflib import get_close_matches

    from kafka_tasks.clients.kafka import scram

    users = scram.known(admin) or {}
    return None if user in users else next(iter(get_close_matches(user, users, n=1)), None)


@task(help=_HELP, completes=_COMPLETES)
def revoke(
    call: Call,
    user: str,
    right: str,
    topic: str,
    group: str | None = None,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Revoke a user's right on a topic; lists the rules and asks first."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.model.access import deciding
    from kafka_tasks.render.views import acl_revoked, dry
    from kafka_tasks.topics import typed_rights

    wanted = typed_rights.rules(user, right, topic, group)
    with connected(call) as (session, _, admin):
        there = acls.rules(admin)
        gone = _to_remove(there, wanted)
        if call.dry:
            return shown(dry.Dry(f"revoke: {_listed(gone)}"), dry)
        require_cluster_id(call, session, admin, cluster_id, doing="revoking a right on it")
        require_yes(call, [f"These rights would be revoked: {_listed(gone)}."], yes=yes)
        with reporting_interrupt(lambda: _accounted(admin, gone), hint="invoke kafka.acl.list"):
            acls.revoke(admin, gone)
            brokers = acls.until_known(admin, absent=gone)
    left = [rule for rule in there if rule not in gone]
    allowing = {rule for each in gone for rule in deciding(left, each, allows=True)}
    return shown(acl_revoked.Revoked(gone, sorted(allowing), brokers), acl_revoked)


def _to_remove(there: Collection[Rule], wanted: Collection[Rule]) -> list[Rule]:
    """Return the rules that grant this; raises `RuleMissing` where one of the rights has none."""
    from kafka_tasks.model.access import removed_by

    found: list[Rule] = []
    for each in wanted:
        rules = removed_by(there, each)
        if not rules:
            raise _missing(there, each)
        found += [rule for rule in rules if rule not in found]
    return found


def _missing(there: Collection[Rule], wanted: Rule) -> KafkaTasksError:
    import shlex

    from kafka_tasks.errors import RuleMissing
    from kafka_tasks.model.access import deciding

    wider = deciding(there, wanted, allows=True)
    return RuleMissing(
        f"No rule of its own grants this: {wanted}.",
        evidence=[f"allowed by: {rule}" for rule in wider],
        hint=f"invoke kafka.acl.list --user {shlex.quote(wanted.user)}",
    )


def _listed(rules: Collection[Rule]) -> str:
    return "; ".join(map(str, rules)) or "nothing"


def _accounted(admin: Admin, changed: Collection[Rule]) -> Iterator[str]:
    """Yield a line for each of the rules: whether the cluster has it."""
    from kafka_tasks.clients.kafka import acls

    there = acls.rules(admin, timeout_s=3.0)
    for rule in changed:
        yield f"{'granted' if rule in there else 'not granted'}: {rule}"
