"""The rules of a cluster's authorizer: listed, granted and revoked, at each broker."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from kafka_tasks.clients.kafka.admin import ANSWER_S, CHANGE_S, Admin
from kafka_tasks.clients.kafka.authorized import require_visible
from kafka_tasks.clients.kafka.connection import FORBIDDEN, awaited, translate, undecided
from kafka_tasks.clients.kafka.permissions import Right
from kafka_tasks.errors import BrokerUnreachable, KafkaTasksError, NoAuthorizer
from kafka_tasks.model.access import Resource, Rule

_TYPES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}
_KINDS = {kind.value: name for name, kind in _TYPES.items()}
_LIST = "invoke kafka.acl.list"


def rules(admin: Admin, *, timeout_s: float | None = None) -> list[Rule]:
    """Return all rules, sorted; raises `NoAuthorizer` where the cluster has none."""
    require_visible(admin, "listing of rights", timeout_s=timeout_s)
    every = AclBindingFilter(
        restype=ResourceType.ANY,
        name=None,  # type: ignore[arg-type]
        resource_pattern_type=ResourcePatternType.ANY,
        principal=None,  # type: ignore[arg-type]
        host=None,  # type: ignore[arg-type]
        operation=AclOperation.ANY,
        permission_type=AclPermissionType.ANY,
    )

    def attempt(seconds: float) -> list[Rule]:
        future = admin.client.describe_acls(every, request_timeout=seconds)
        return sorted(map(_rule, awaited(future, "list the rights", seconds)))

    found = admin.persistently(attempt, admin.limit(timeout_s, ANSWER_S))
    if not found and _lacks_authorizer(admin):
        raise _without_authorizer("SECURITY_DISABLED: list the rights")
    return found


def _lacks_authorizer(admin: Admin) -> bool:
    """Return whether there is none: the library lists no rules then, instead of saying so.

    The other library, which tells, takes 0.4 s of CPU to load: it is not asked where the start of
    the cluster set an authorizer.
    """
    security = admin.cluster.topology.security
    if security is not None and security.acl:
        return False
    from kafka_tasks.clients.kafka import each_broker

    return each_broker.lacks_authorizer(admin.cluster)


def _without_authorizer(evidence: str) -> NoAuthorizer:
    return NoAuthorizer(
        "The cluster has no authorizer: it keeps no rights, and every client may do everything.",
        evidence=(evidence,),
        hint="invoke kafka.down; invoke kafka.up --secure --acl; "
        "or set authorizer.class.name in the properties of the brokers, and restart them",
    )


def _rule(found: Any) -> Rule:
    """Return a rule of either library: their numbers are Kafka's own."""
    pattern = getattr(found, "resource_pattern", None)
    kind, name, form = (
        (found.restype, found.name, found.resource_pattern_type)
        if pattern is None
        else (pattern.resource_type, pattern.resource_name, pattern.pattern_type)
    )
    allows = found.permission_type.value == AclPermissionType.ALLOW.value
    prefixed = form.value == ResourcePatternType.PREFIXED.value
    resource = Resource(_KINDS.get(kind.value, _word(kind)), name, prefixed)
    return Rule(found.principal, resource, _word(found.operation), allows, found.host)


def _word(member: Any) -> str:
    return str(member.name).lower().replace("_", "-")


def grant(admin: Admin, wanted: Collection[Rule], *, timeout_s: float | None = None) -> None:
    """Add these rules; accepted ones may not be known to each broker yet."""
    bindings = [_binding(rule) for rule in wanted]
    _change(
        admin,
        lambda seconds: admin.client.create_acls(bindings, request_timeout=seconds),
        "grant the right",
        timeout_s,
    )


def revoke(admin: Admin, unwanted: Collection[Rule], *, timeout_s: float | None = None) -> None:
    """Remove these rules; a broker may know them for another moment."""
    exact = [_exact(_binding(rule)) for rule in unwanted]
    _change(
        admin,
        lambda seconds: admin.client.delete_acls(exact, request_timeout=seconds),
        "revoke the right",
        timeout_s,
    )


def _change(
    admin: Admin,
    request: Callable[[float], Mapping[Any, Future[Any]]],
    what: str,
    timeout_s: float | None,
) -> None:
    def attempt(seconds: float) -> None:
        for future in request(seconds).values():
            awaited(future, what, seconds, _translated_for(admin))

    try:
        admin.persistently(attempt, admin.limit(timeout_s, CHANGE_S))
    except BrokerUnreachable as error:
        raise undecided(error, f"The request to {what}", _LIST) from error


def _binding(rule: Rule) -> AclBinding:
    of = rule.resource
    return AclBinding(
        restype=_TYPES[of.kind],
        name=of.name,
        resource_pattern_type=(
            ResourcePatternType.PREFIXED if of.prefixed else ResourcePatternType.LITERAL
        ),
        principal=rule.principal,
        host=rule.host,
        operation=AclOperation[rule.right.upper().replace("-", "_")],
        permission_type=AclPermissionType.ALLOW if rule.allows else AclPermissionType.DENY,
    )


def _exact(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        *(binding.restype, binding.name, binding.resource_pattern_type, binding.principal),
        *(binding.host, binding.operation, binding.permission_type),
    )


def until_known(
    admin: Admin,
    *,
    present: Iterable[Rule] = (),
    absent: Iterable[Rule] = (),
    timeout_s: float | None = None,
) -> int | None:
    """Return when each broker shows the rules that should be there, and no other of these.

    Return how many brokers they are; None where they cannot be told apart.
    """
    from kafka_tasks.clients.kafka import each_broker

    there, gone = set(present), set(absent)

    def agrees(seen: Iterable[Rule]) -> bool:
        found = set(seen)
        return there <= found and not gone & found

    return each_broker.until_each_shows(
        admin,
        lambda client: agrees(map(_rule, each_broker.rules_of(client))),
        "the change of rights",
        alone=lambda: agrees(rules(admin)),
        timeout_s=timeout_s,
    )


def _translated_for(admin: Admin) -> Callable[[KafkaException, str], KafkaTasksError]:
    def translated(error: KafkaException, what: str) -> KafkaTasksError:
        cause: KafkaError = error.args[0]
        evidence = f"{cause.name()}: {what}"
        if cause.code() == KafkaError.SECURITY_DISABLED:
            return _without_authorizer(evidence)
        if cause.code() in FORBIDDEN:
            # The broker's own text is the request, as Java prints it.
            return Right(admin.cluster, "ALTER", "cluster").missing(evidence)
        return translate(error, what)

    return translated
