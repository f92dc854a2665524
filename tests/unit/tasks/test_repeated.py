from __future__ import annotations

import shlex
from typing import Any

import pytest
from invoke.context import Context

from kafka_tasks.tasks import group, kafka, reset, snapshot, topic, topics_plan
from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.repeated import repeated
from kafka_tasks.tasks.task import KafkaTask


def call(task: KafkaTask, output: str = "text", **given: Any) -> Call:
    """Return a call of a task with these flags."""
    return Call(Context(), output, task, given)


@pytest.mark.parametrize(
    ("called", "changed", "command"),
    [
        (call(reset.reset, yes=False, timeout=None), {"yes": True}, "kafka.reset --yes"),
        (
            call(topic.delete, names="old,a-*", yes=True, cluster_id="X", timeout="5"),
            {},
            "kafka.topic.delete 'old,a-*' --yes --cluster-id X --timeout 5",
        ),
        (
            call(topics_plan.apply, file=["a.yaml", "b c.yaml"], plan=None, prune=True),
            {"cluster_id": "X"},
            "kafka.topic.apply --file a.yaml --file 'b c.yaml' --prune --cluster-id X",
        ),
        (
            call(group.reset, name="g", to="-5", topic=[], execute=False),
            {"execute": True},
            "kafka.group.reset g --to=-5 --execute",
        ),
        (
            call(snapshot.delete, output="json", name="one", yes=False),
            {"yes": True},
            "kafka.snapshot.delete one --yes --output json",
        ),
        (call(topic.ensure, name="-x"), {}, "kafka.topic --name=-x"),
    ],
)
def test_a_command_is_repeated_with_all_that_was_typed(
    called: Call, changed: dict[str, Any], command: str
) -> None:
    """Flags that were not given are left out, and a shell reads each value as it was."""
    assert repeated(called, **changed) == f"invoke {command}"


def test_each_task_has_its_name() -> None:
    """The name is that of `invoke --list`, and each repeated command is one of Invoke's."""
    for name in kafka.task_names:
        found = kafka[name]
        said = repeated(call(found, **dict.fromkeys(found.positional, "a b")))
        expected = "kafka.topic" if found is topic.ensure else f"kafka.{name}"
        assert shlex.split(said)[1] == expected == found.full_name
