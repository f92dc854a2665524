"""What a failed start takes back: what it made, and nothing that was there before."""

from __future__ import annotations

import pytest

from kafka_tasks.clients.docker import Made
from kafka_tasks.runtimes.compose import command, leavings
from kafka_tasks.runtimes.compose.leavings import Before
from tests.unit.runtimes.compose.engine import FakeEngine, container

OLD, NEW = "a" * 64, "b" * 64


def test_only_what_is_new_is_taken_back() -> None:
    """Containers, networks, named and unnamed volumes; an external volume is somebody's."""
    old = container("zookeeper", volumes=dict.fromkeys([OLD, "shop_zookeeper"], "/data"))
    engine = FakeEngine([old])
    engine.made["shop"] = Made(frozenset({"net-1"}), frozenset({"shop_zookeeper"}))
    before = Before.of(engine, "shop")  # type: ignore[arg-type]
    volumes = dict.fromkeys([NEW, OLD, "shop_kafka", "external"], "/data")
    engine.there.append(container("kafka", volumes=volumes))
    engine.made["shop"] = Made(
        frozenset({"net-1", "net-2"}), frozenset({"shop_zookeeper", "shop_kafka"})
    )
    made = before.new(engine)  # type: ignore[arg-type]
    assert made.containers == ("id-shop-kafka",)
    assert made.networks == ("net-2",)
    assert set(made.volumes) == {NEW, "shop_kafka"}


def test_it_is_removed_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network and a volume go once no container uses them."""
    done: list[str] = []
    for kind in ("container", "network", "volume"):
        remove = lambda name, kind=kind: done.append(f"{kind} {name}")  # noqa: E731
        monkeypatch.setattr(command, f"remove_{kind}", remove)
    leavings.Leavings(("c",), ("n",), ("v",)).remove()
    assert done == ["container c", "network n", "volume v"]


def test_an_unnamed_volume_has_a_name_of_the_engine() -> None:
    """Sixty-four digits; whatever else has a name from somebody."""
    found = container("kafka", volumes=dict.fromkeys([NEW, "data", "b" * 63], "/data"))
    assert leavings.anonymous([found]) == {NEW}


@pytest.mark.parametrize(
    ("path", "has_data"),
    [
        ("/etc/kafka/secrets", False),
        ("/etc/zookeeper/secrets", False),
        ("/mnt/shared/config", False),
        ("/var/lib/kafka/data", True),
        ("/bitnami/kafka", True),
    ],
)
def test_configuration_is_no_data(path: str, has_data: bool) -> None:
    """The images declare volumes for both; a stop without --wipe keeps what may have records."""
    found = container("kafka", volumes={NEW: path, "data": path})
    assert leavings.unnamed_data([found]) == ({NEW: f"kafka:{path}"} if has_data else {})
