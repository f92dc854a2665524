"""Everything that can go wrong, as one tree.

::

    KafkaTasksError            1  failed
    ├── InvalidInput           3  invalid
    │   ├── SettingsError
    │   ├── SnapshotDamaged
    │   └── CannotConnect
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
        ├── NotPermitted
        ├── GroupMissing
        ├── GroupActive
        ├── UserMissing
        ├── UserExists
        ├── RuleMissing
        └── NoAuthorizer       3

Every error carries one sentence (`message`), its evidence (lines of text), a `hint` to paste into a
shell, and the exit code of the process.
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
        # Filled in by the diagnosis: why it happened, the id of the finding, other mistakes.
        self.cause: str | None = None
        self.finding: str | None = None
        self.also_wrong: tuple[str, ...] = ()


class InvalidInput(KafkaTasksError):
    """An argument, a setting or a file is invalid."""

    code = "invalid"
    exit_code = 3


class SettingsError(InvalidInput):
    """A setting has an unknown name or a bad value."""


class SnapshotDamaged(InvalidInput):
    """A snapshot file is incomplete or corrupt."""

    code = "snapshot-damaged"


class CannotConnect(InvalidInput):
    """The settings of the connection and the servers at its addresses do not fit together."""

    code = "cannot-connect"

    def __init__(
        self, message: str, *, finding: str, hint: str, evidence: Iterable[str] = ()
    ) -> None:
        super().__init__(message, hint=hint, evidence=evidence)
        self.finding = finding

    @property
    def is_of_user(self) -> bool:
        """True for a refused log-in, which each further address would refuse, too."""
        return self.finding == "log-in-refused" or str(self.finding).startswith("token-")


class MachineError(KafkaTasksError):
    """The machine lacks something: no Java, port in use, disk full, jar not available."""

    code = "machine"
    exit_code = 4


class PortTaken(MachineError):
    """Another process holds a port that a service needs."""

    code = "port-taken"


class JavaUnfit(MachineError):
    """No Java on this machine can run this Kafka version."""

    code = "java"


class JarsMissing(MachineError):
    """A jar is not in the cache and cannot be downloaded."""

    code = "jars"


class EngineMissing(MachineError):
    """No Docker engine answers, or it lacks a feature."""

    code = "engine"


class EngineRefused(MachineError):
    """The Docker engine rejected a request."""

    code = "engine-refused"


class ImageMissing(MachineError):
    """An image is not on the machine and cannot be pulled."""

    code = "image"


class NotReady(KafkaTasksError):
    """The cluster did not become ready: `layer` names the readiness layer that failed."""

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
    """A service exited before it became ready."""

    code = "died"


class Refused(KafkaTasksError):
    """A destructive action was not confirmed."""

    code = "refused"
    exit_code = 6


class Interrupted(KafkaTasksError):
    """Ctrl-C or SIGTERM; the call stops what it had started."""

    code = "interrupted"
    exit_code = 130


class SnapshotMissing(KafkaTasksError):
    """No snapshot has this name."""

    code = "snapshot-missing"


class ClusterError(KafkaTasksError):
    """The cluster rejected a request."""

    code = "cluster"


class BrokerUnreachable(ClusterError):
    """No broker answered in time."""

    code = "unreachable"
    exit_code = 5


class TopicMissing(ClusterError):
    """The topic does not exist."""

    code = "topic-missing"


class TopicExists(ClusterError):
    """The topic exists already."""

    code = "topic-exists"


class TopicDiffers(ClusterError):
    """The topic exists with other partitions, replicas or settings than requested."""

    code = "topic-differs"


class NotPermitted(ClusterError):
    """The user of this connection has no right to do this."""

    code = "not-permitted"


class GroupMissing(ClusterError):
    """The consumer group does not exist."""

    code = "group-missing"


class GroupActive(ClusterError):
    """The consumer group has members; the request needs a group without members."""

    code = "group-active"


class UserMissing(ClusterError):
    """The user does not exist."""

    code = "user-missing"


class UserExists(ClusterError):
    """The user exists already."""

    code = "user-exists"


class RuleMissing(ClusterError):
    """No rule grants this right."""

    code = "rule-missing"


class NoAuthorizer(ClusterError):
    """The cluster has no authorizer: it keeps no rights, and permits everything."""

    code = "no-authorizer"
    exit_code = 3
