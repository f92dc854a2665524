from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model.topic import PartitionState, TopicState
from kafka_tasks.topics.assignment import as_reassignment_json, spread


def _topic(name: str, *replicas: tuple[int, ...]) -> TopicState:
    return TopicState(name, tuple(PartitionState(at, r[0], r, r) for at, r in enumerate(replicas)))


def test_growing_keeps_replicas_and_takes_the_emptiest_broker() -> None:
    """The preferred leader stays first, and new replicas go where there are fewest."""
    observed = {"t": _topic("t", (1,), (1,)), "other": _topic("other", (2,))}
    assert spread(observed, {"t": 2}, [1, 2, 3]) == {"t": {0: (1, 3), 1: (1, 2)}}


def test_shrinking_lets_the_fullest_broker_go_and_the_leader_stay() -> None:
    """The leader is kept although its broker has the most."""
    observed = {"t": _topic("t", (1, 2, 3)), "full": _topic("full", (3,), (1,), (1,), (1,))}
    assert spread(observed, {"t": 2}, [1, 2, 3]) == {"t": {0: (1, 2)}}


@given(
    partitions=st.integers(1, 12),
    brokers=st.integers(2, 5),
    data=st.data(),
)
def test_shrinking_keeps_even_brokers_even(
    partitions: int, brokers: int, data: st.DataObject
) -> None:
    """Whoever leads what: of replicas everywhere, each broker lets as many go as the next."""
    ids = tuple(range(1, brokers + 1))
    first = data.draw(st.integers(0, brokers - 1))
    leaders = [ids[(first + number) % brokers] for number in range(partitions)]
    state = TopicState(
        "t",
        tuple(PartitionState(n, leader, ids, ids) for n, leader in enumerate(leaders)),
        {},
    )
    size = data.draw(st.integers(1, brokers - 1))
    found = spread({"t": state}, {"t": size}, ids)["t"]
    held = Counter(broker for replicas in found.values() for broker in replicas)
    assert all(leader in found[n] and len(found[n]) == size for n, leader in enumerate(leaders))
    assert max(held[broker] for broker in ids) - min(held[broker] for broker in ids) <= 1


def test_what_is_right_already_is_left_out() -> None:
    """Only partitions that change are moved."""
    observed = {"t": _topic("t", (1, 2), (3,))}
    assert spread(observed, {"t": 2}, [1, 2, 3]) == {"t": {1: (3, 1)}}


_brokers = (1, 2, 3, 4)
_replicas = st.lists(st.sampled_from(_brokers), min_size=1, max_size=4, unique=True).map(tuple)
_topics = st.dictionaries(
    st.sampled_from("abc"), st.lists(_replicas, min_size=1, max_size=6), min_size=1
)


@given(shapes=_topics, size=st.integers(1, 4), order=st.permutations(_brokers))
def test_assignments_are_sound_and_move_as_little_as_possible(
    shapes: dict[str, list[tuple[int, ...]]], size: int, order: list[int]
) -> None:
    """So many distinct brokers, all that can stay stays, and any order of input is the same."""
    observed = {name: _topic(name, *replicas) for name, replicas in shapes.items()}
    wanted = dict.fromkeys(observed, size)
    found = spread(observed, wanted, _brokers)
    assert spread(dict(reversed(observed.items())), wanted, order) == found
    for name, state in observed.items():
        for partition in state.partitions:
            before = partition.replicas
            after = found.get(name, {}).get(partition.id, before)
            assert len(after) == len(set(after)) == size
            assert len(set(after) & set(before)) == min(size, len(before))
            assert partition.leader in after
            if len(before) <= size:
                assert after[: len(before)] == before


@given(partitions=st.integers(1, 12), size=st.integers(2, 4))
def test_growth_keeps_even_brokers_even(partitions: int, size: int) -> None:
    """Where replicas were even, none has more than two more than another afterwards."""
    shape = [(at % 4 + 1,) for at in range(partitions)]
    found = spread({"t": _topic("t", *shape)}, {"t": size}, _brokers)
    load = Counter(broker for replicas in found["t"].values() for broker in replicas)
    assert max(load[b] for b in _brokers) - min(load[b] for b in _brokers) <= 2


def test_the_same_can_be_handed_to_kafkas_own_tool() -> None:
    """The file of kafka-reassign-partitions, version 1."""
    assert json.loads(as_reassignment_json({"t": {1: (3, 1), 0: (1, 2)}})) == {
        "version": 1,
        "partitions": [
            {"topic": "t", "partition": 0, "replicas": [1, 2]},
            {"topic": "t", "partition": 1, "replicas": [3, 1]},
        ],
    }
