"""Everything that can go wrong, as one tree.

::

    KafkaTasksError            1  failed
    ├── InvalidInput           3  invalid
    │   ├── SettingsError
    │   └── SnapshotDamaged
    ├── MachineError           4  machine
    │   ├── PortTaken
    │   ├── JavaUnfit
    │   ├── JarsMissing
    │   ├── EngineMissing
    │   ├── EngineRefused
    │   └── ImageMissing
    ├── NotReady               5  not-ready
    │   └── ServiceDied
    ├── Refused                6  refused
    ├── Interrupted          130  interrupted
    ├── SnapshotMissing
    └── ClusterError           1  cluster
        ├── BrokerUnreachable  5
        ├── TopicMissing
        ├── TopicExists
        ├── TopicDiffers
        ├── GroupMissing
        └── GroupActive

Every error carries one sentence (`message`), the evidence for it (lines of text), a `hint` that
can be pasted, and the exit code of the process that ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class KafkaTasksError(Exception):
    """Base of all errors that this package raises on purpose."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, hint: str | None = None, evidence: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.evidence = tuple(evidence)
        # What an examination adds: why it happened, and which finding that is.
        self.cause: str | None = None
        self.finding: str | None = None


class InvalidInput(KafkaTasksError):
    """What was typed or configured cannot be meant."""

    code = "invalid"
    exit_code = 3


class SettingsError(InvalidInput):
    """A setting has an unknown name or a bad value."""


class SnapshotDamaged(InvalidInput):
    """What lies there is not a whole snapshot."""

    code = "snapshot-damaged"


class MachineError(KafkaTasksError):
    """The machine is not able: no Java, port taken, disk full, jar not to be had."""

    code = "machine"
    exit_code = 4


class PortTaken(MachineError):
    """A port that a service needs is held by another process."""

    code = "port-taken"


class JavaUnfit(MachineError):
    """No Java that can run this Kafka."""

    code = "java"


class JarsMissing(MachineError):
    """A jar is neither in the cache nor to be had."""

    code = "jars"


class EngineMissing(MachineError):
    """No Docker engine answers, or it is not able."""

    code = "engine"


class EngineRefused(MachineError):
    """The Docker engine answered, and the answer was no."""

    code = "engine-refused"


class ImageMissing(MachineError):
    """An image is neither on the machine nor to be had."""

    code = "image"


class NotReady(KafkaTasksError):
    """The cluster did not become ready: `layer` names the rung that failed."""

    code = "not-ready"
    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        layer: str | None = None,
        service: str | None = None,
        hint: str | None = None,
        evidence: Iterable[str] = (),
    ) -> None:
        super().__init__(message, hint=hint, evidence=evidence)
        self.layer = layer
        self.service = service


class ServiceDied(NotReady):
    """A service ended while it was waited for."""

    code = "died"


class Refused(KafkaTasksError):
    """Would destroy something and was not confirmed."""

    code = "refused"
    exit_code = 6


class Interrupted(KafkaTasksError):
    """Ctrl-C or SIGTERM; what the call had started is stopped again."""

    code = "interrupted"
    exit_code = 130


class SnapshotMissing(KafkaTasksError):
    """There is no snapshot of that name."""

    code = "snapshot-missing"


class ClusterError(KafkaTasksError):
    """The cluster answered, and the answer was no."""

    code = "cluster"


class BrokerUnreachable(ClusterError):
    """No broker answered within the time given."""

    code = "unreachable"
    exit_code = 5


class TopicMissing(ClusterError):
    """The topic is not there."""

    code = "topic-missing"


class TopicExists(ClusterError):
    """The topic is there already."""

    code = "topic-exists"


class TopicDiffers(ClusterError):
    """The topic is there, but not as it was asked for."""

    code = "topic-differs"


class GroupMissing(ClusterError):
    """The consumer group is not there."""

    code = "group-missing"


class GroupActive(ClusterError):
    """The consumer group has members, and what was asked for needs it to have none."""

    code = "group-active"
