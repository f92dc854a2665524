"""The rules of a cluster in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kafka_tasks.model.access import Resource, Rule

ORDERS = Resource("topic", "orders")
ALLOWED = Rule("User:alice", ORDERS, "read")
WIDER = Rule("User:*", Resource("topic", "ord", True), "all")
_DENIED = Rule("User:alice", ORDERS, "write", allows=False)


class Rules:
    """`clients.kafka.acls` in memory; `asked` is what each broker was asked for."""

    def __init__(self) -> None:
        self.there = [ALLOWED, _DENIED, WIDER]
        self.asked: list[tuple[set[Rule], set[Rule]]] = []

    def grant(self, _: object, wanted: Collection[Rule], **__: object) -> None:
        """Add rules."""
        self.there += wanted

    def revoke(self, _: object, unwanted: Collection[Rule], **__: object) -> None:
        """Remove rules."""
        self.there = [rule for rule in self.there if rule not in unwanted]

    def until_known(
        self, _: object, *, present: Iterable[Rule] = (), absent: Iterable[Rule] = (), **__: object
    ) -> int:
        """Return the number of brokers."""
        self.asked.append((set(present), set(absent)))
        return 3
