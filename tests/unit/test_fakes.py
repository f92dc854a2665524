"""The fakes are what they stand for: the same members, with the same parameters."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from kafka_tasks.clients.kafka import changes
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.model.data_files import Data
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.compose.preparation import ComposePreparation
from kafka_tasks.runtimes.compose.recovery import ComposeRecovery
from kafka_tasks.runtimes.compose.runtime import ComposeRuntime
from kafka_tasks.runtimes.compose.volumes import ComposeDataAccess
from kafka_tasks.runtimes.embedded.data_directory import EmbeddedData, EmbeddedDataAccess
from kafka_tasks.runtimes.embedded.preparation import EmbeddedPreparation
from kafka_tasks.runtimes.embedded.recovery import EmbeddedRecovery
from kafka_tasks.runtimes.embedded.runtime import EmbeddedRuntime
from kafka_tasks.runtimes.protocol import DataAccess, Preparation, Recovery, Runtime, Servers
from kafka_tasks.runtimes.remote import RemoteRuntime
from kafka_tasks.testing import FakeData, FakeRuntime
from tests.contract.data import DataContract
from tests.unit.fakes import FakeAdmin, FakeChanges

# What a fake has beside what it stands for: the handles of the test.
HANDLES = {"called"}
STARTING = (FakeRuntime, EmbeddedRuntime, ComposeRuntime)


def members(of: Any) -> dict[str, Any]:
    """Return the public functions of a class or module, and its properties."""
    return {
        name: value
        for name, value in inspect.getmembers(of)
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, property))
        and (not inspect.ismodule(of) or value.__module__ == of.__name__)
    }


def parameters(function: Any) -> list[tuple[str, Any, bool]]:
    """Return the name of each parameter, its kind, and whether it may be left out."""
    found = inspect.signature(function).parameters.values()
    empty = inspect.Parameter.empty
    return [(each.name, each.kind, each.default is not empty) for each in found]


def test_a_fake_is_known_by_what_differs() -> None:
    """A parameter with another name, another kind or no default is another signature."""

    def real(topic: str, *, timeout_s: float = 1.0) -> None: ...
    def renamed(name: str, *, timeout_s: float = 1.0) -> None: ...
    def positional(topic: str, timeout_s: float = 1.0) -> None: ...
    def needed(topic: str, *, timeout_s: float) -> None: ...

    assert parameters(real) not in [parameters(each) for each in (renamed, positional, needed)]


@pytest.mark.parametrize(
    ("made", "protocol"),
    [
        *((each, Runtime) for each in (*STARTING, RemoteRuntime)),
        *((each, Servers) for each in STARTING),
        *((each, Recovery) for each in (FakeRuntime, EmbeddedRecovery, ComposeRecovery)),
        *((each, Preparation) for each in (FakeRuntime, EmbeddedPreparation, ComposePreparation)),
        *((each, DataAccess) for each in (FakeRuntime, EmbeddedDataAccess, ComposeDataAccess)),
        *((each, Data) for each in (FakeData, EmbeddedData)),
    ],
    ids=lambda value: value.__name__,
)
def test_every_runtime_has_what_the_protocol_has(made: type, protocol: type) -> None:
    """Each method takes what the protocol's takes; the fakes do, as the real ones do."""
    for name, value in members(protocol).items():
        if isinstance(value, property):
            continue
        assert parameters(getattr(made, name)) == parameters(value), f"{made.__name__}.{name}"


@pytest.mark.parametrize(("fake", "real"), [(FakeAdmin, Admin), (FakeChanges, changes)])
def test_the_client_in_memory_is_called_as_the_real_one(fake: type, real: Any) -> None:
    """Each function of the fake is one of the real client, and takes nothing that it does not.

    What the real one may be told besides, nobody has told the fake yet: it would refuse it.
    """
    known = members(real)
    for name, value in members(fake).items():
        if name in HANDLES:
            continue
        assert name in known, f"{fake.__name__} has {name}, which is no function of the client"
        assert isinstance(value, property) == isinstance(known[name], property), name
        if isinstance(value, property):
            continue
        theirs, ours = parameters(known[name]), parameters(value)
        needed = [each for each in theirs if not each[2]]
        assert set(needed) <= set(ours) <= set(theirs), f"{fake.__name__}.{name}"
        assert ours == [each for each in theirs if each in ours], f"{fake.__name__}.{name}"


class TestFakeData(DataContract):
    """Files in memory."""

    @pytest.fixture
    def data(self) -> FakeData:
        """Return the data of a cluster that has none yet."""
        return FakeData()


class TestEmbeddedData(DataContract):
    """Files below `.kafka-tasks`."""

    @pytest.fixture
    def data(self, project: Project) -> EmbeddedData:
        """Return the data of a cluster that has none yet."""
        (project.state / "data").mkdir(exist_ok=True)
        return EmbeddedData(project.state, zookeeper_cluster(1))
