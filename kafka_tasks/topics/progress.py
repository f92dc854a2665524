"""What has become of a plan so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from kafka_tasks.errors import KafkaTasksError

Stage = Literal["waiting", "begun", "done", "failed"]


@dataclass(slots=True)
class Account:
    """What has become of every change so far; true at any moment, also after Ctrl-C.

    `begun` means sent and not known to be done. `watch` is told after each step.
    """

    stages: dict[str, Stage] = field(default_factory=dict)
    failures: dict[str, KafkaTasksError] = field(default_factory=dict)
    watch: Callable[[Account], None] = lambda _: None

    def expect(self, names: Iterable[str]) -> None:
        """These are going to be changed."""
        self.stages.update(dict.fromkeys(names, "waiting"))

    def begin(self, names: Iterable[str]) -> None:
        """These are being sent."""
        self.stages.update({name: "begun" for name in names if self.stages[name] != "failed"})
        self.watch(self)

    def done(self, names: Iterable[str]) -> None:
        """These are as the plan wants them."""
        self.stages.update({name: "done" for name in names if self.stages[name] != "failed"})
        self.watch(self)

    def failed(self, name: str, error: KafkaTasksError) -> None:
        """This one could not be changed; the others go on."""
        self.stages[name] = "failed"
        self.failures.setdefault(name, error)
        self.watch(self)

    def having(self, stage: Stage) -> tuple[str, ...]:
        """The topics at this stage, in order."""
        return tuple(sorted(name for name, at in self.stages.items() if at == stage))


def require_done(account: Account) -> None:
    """Raise the first failure, if there is one."""
    for error in account.failures.values():
        raise error
