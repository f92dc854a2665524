"""Rights as values: rules of Kafka's authorizer, read from what people type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kafka_tasks.errors import InvalidInput

_CLUSTER_NAME = "kafka-cluster"
_EVERY = "all"
_EVERYBODY = "*"
# Kind of resource → its rights, besides `all`.
_RIGHTS = {
    "topic": (
        *("read", "write", "create", "delete", "alter", "describe"),
        *("describe-configs", "alter-configs"),
    ),
    "group": ("read", "describe", "delete", "describe-configs", "alter-configs"),
    "cluster": (
        *("create", "alter", "describe", "describe-configs", "alter-configs"),
        *("cluster-action", "idempotent-write"),
    ),
    "transactional-id": ("write", "describe"),
}
RIGHTS = tuple(dict.fromkeys((_EVERY, *(right for kind in _RIGHTS.values() for right in kind))))
# Right → those that imply it, as Kafka's authorizers have it.
_IMPLIED_BY = {
    "describe": ("read", "write", "delete", "alter"),
    "describe-configs": ("alter-configs",),
}


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """What a right is for: one resource, or with `prefixed` all whose names begin so."""

    kind: str
    name: str
    prefixed: bool = False

    def __str__(self) -> str:
        if self.kind == "cluster":
            return "on the cluster"
        return f"{self.kind} {self.pattern}"

    @property
    def pattern(self) -> str:
        """The name as it is typed: a star at the end of a prefix."""
        return f"{self.name}*" if self.prefixed else self.name

    def covers(self, other: Resource) -> bool:
        """Return True where all of the other resource is part of this one."""
        if self.kind != other.kind:
            return False
        if self.name == "*" and not self.prefixed:
            return True
        if self.prefixed:
            return other.name.startswith(self.name) and (other.prefixed or other.name != "*")
        return self == other


CLUSTER = Resource("cluster", _CLUSTER_NAME)


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """A rule of the authorizer: it allows or denies a right, from one host or from all (`*`)."""

    principal: str
    resource: Resource
    right: str
    allows: bool = True
    host: str = "*"

    @property
    def user(self) -> str:
        """The name in the principal; a star is everybody."""
        return self.principal.removeprefix("User:")

    def __str__(self) -> str:
        verb = "may" if self.allows else "may not"
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{self.user} {verb} {self.right} {self.resource}{where}"

    def decides(self, other: Rule) -> bool:
        """Return True where this rule is enough to allow, or deny, all that the other is about."""
        if self.principal not in (other.principal, f"User:{_EVERYBODY}"):
            return False
        if self.host not in ("*", other.host) or not self.resource.covers(other.resource):
            return False
        # What implies a right allows it, but does not deny it.
        implying = _IMPLIED_BY.get(other.right, ()) if self.allows else ()
        return self.right in (_EVERY, other.right, *implying)


def principal(user: str) -> str:
    """Return Kafka's name for a user that was typed; raises `InvalidInput` for none."""
    name = user.removeprefix("User:")
    if not name or name != name.strip() or not name.isprintable():
        raise InvalidInput(f"{user!r} is not a user.", hint="invoke kafka.user.list")
    return f"User:{name}"


def resource(text: str) -> Resource:
    """Return the resource that was typed: a topic, or its kind before a colon.

    A star at the end is a prefix, a star alone is all. Raises `InvalidInput`.
    """
    kind, colon, name = text.partition(":")
    if not colon:
        kind, name = "topic", text
    if kind not in _RIGHTS:
        raise InvalidInput(
            f"{kind} in {text} is not a kind of resource; allowed: {', '.join(_RIGHTS)}.",
            hint=_nearest(kind, tuple(_RIGHTS)) or "write orders or group:billing",
        )
    if kind == "cluster":
        if name not in ("", _CLUSTER_NAME):
            raise InvalidInput(f"{text}: a cluster has no name here.", hint="write cluster:")
        return CLUSTER
    prefix = name.removesuffix("*")
    if not name or "*" in prefix:
        raise InvalidInput(
            f"{text!r} is neither a name nor a prefix with a star at its end.",
            hint="write orders, billing.* or '*'",
        )
    return Resource(kind, prefix or "*", prefixed=bool(prefix) and prefix != name)


def rights(text: str, kind: str) -> tuple[str, ...]:
    """Return the rights that were typed, with commas, for a kind of resource.

    Raises `InvalidInput` with the nearest right of this kind.
    """
    allowed = (_EVERY, *_RIGHTS[kind])
    found = [part.strip().lower().replace("_", "-") for part in text.split(",")]
    for right in found:
        if right not in allowed:
            raise InvalidInput(
                f"{right!r} is not a right on a {kind}; allowed: {', '.join(allowed)}.",
                hint=_nearest(right, allowed) or "invoke --help kafka.acl.grant",
            )
    return tuple(dict.fromkeys(found))


def every_right(kind: str) -> tuple[str, ...]:
    """Return all rights that Kafka 3.5 and every later one has on a kind of resource."""
    newer = ("describe-configs", "alter-configs") if kind == "group" else ()
    return tuple(right for right in _RIGHTS[kind] if right not in newer)


def in_order(found: Iterable[str]) -> tuple[str, ...]:
    """Return rights in the order in which they are documented, unknown ones last."""
    known = {right: at for at, right in enumerate(RIGHTS)}
    return tuple(sorted(found, key=lambda right: (known.get(right, len(known)), right)))


def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else None


def deciding(there: Iterable[Rule], wanted: Rule, *, allows: bool) -> list[Rule]:
    """Return those rules that allow, or deny, all that the wanted rule is about."""
    return [rule for rule in there if rule.allows is allows and rule.decides(wanted)]


def applying(
    there: Iterable[Rule], *, principal: str | None = None, on: Resource | None = None
) -> list[Rule]:
    """Return the rules that apply to a principal and to a resource, or to parts of a prefix."""
    return [
        rule
        for rule in there
        if principal is None or rule.principal in (principal, f"User:{_EVERYBODY}")
        if on is None or rule.resource.covers(on) or (on.prefixed and on.covers(rule.resource))
    ]


def removed_by(there: Iterable[Rule], wanted: Rule) -> list[Rule]:
    """Return the rules that a revocation removes: from all hosts, and for `all` of every right."""
    return [
        rule
        for rule in there
        if rule.allows
        and (rule.principal, rule.resource) == (wanted.principal, wanted.resource)
        and wanted.right in (_EVERY, rule.right)
    ]
