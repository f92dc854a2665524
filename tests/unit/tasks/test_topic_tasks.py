from __future__ import annotations

import pytest

from kafka_tasks.errors import NotPermitted
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.tasks import kafka
from kafka_tasks.testing import FakeRuntime
from kafka_tasks.topics import altering
from tests.unit.fakes import FakeAdmin, topic
from tests.unit.tasks.conftest import Run


def test_alone_it_makes_test_topic_and_proves_it(ready: Run, admin: FakeAdmin) -> None:
    """One partition, replication factor 1, a record in and out; a second run proves it again."""
    first = ready("topic -o json").document
    assert first == {
        "schema": 1,
        "topic": "test-topic",
        "created": True,
        "partitions": 1,
        "replication_factor": 1,
        "leaders": 1,
        "records": 0,
        "roundtrip_ms": 5.0,
    }
    assert "create test-topic 1 1" in admin.calls
    again = ready("topic").out
    assert again.startswith("Topic test-topic found and proven (1 partition")


def test_a_topic_of_another_name_gets_no_record_unasked(ready: Run, admin: FakeAdmin) -> None:
    """One that existed is proven by leaders and offsets; --prove allows a record."""
    admin.there["mine"] = topic("mine", 3)
    assert ready("topic --name mine -o json").document["roundtrip_ms"] is None
    assert ready("topic --name mine --prove -o json").document["roundtrip_ms"] == 5.0
    assert ready("topic --name fresh -o json").document["roundtrip_ms"] == 5.0


def test_flags_that_differ_from_the_topic_are_exit_1(ready: Run, admin: FakeAdmin) -> None:
    """Both values are shown; only what was asked for is compared."""
    admin.there["test-topic"] = topic("test-topic", 3, config={"retention.ms": "5"})
    assert ready("topic").code == 0
    ran = ready("topic --partitions 2 --config retention.ms=6")
    assert ran.code == 1
    assert "  | partitions: asked for 2, the topic has 3" in ran.err
    assert "  | config.retention.ms: asked for 6, the topic has 5" in ran.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("topic --partitions abc", "--partitions is 'abc', which is not a whole number."),
        ("topic --partitions 0", "A topic cannot have 0 partitions"),
        ("topic --replication-factor 0", "A replication factor of 0 is not possible"),
        ("topic --name=", "A topic name cannot be empty."),
        ("topic --name ..", "A topic cannot be named '..'."),
        ("topic --config nonsense", "--config 'nonsense' is not of the form key=value."),
        ("topic.create " + "a" * 250, "The topic name has 250 characters"),
        ("topic.create a$b", "The topic name 'a$b' has characters that Kafka does not allow"),
        ("topic.create orders --partitions 1.5", "--partitions is '1.5'"),
        ("topic.describe a/b", "The topic name 'a/b' has characters"),
        ("topic.delete __consumer_offsets --yes", "__consumer_offsets is Kafka's own"),
        ("topic.delete a,,b --yes", "A topic name cannot be empty."),
    ],
)
def test_bad_input_is_exit_3_and_touches_nothing(
    ready: Run, admin: FakeAdmin, line: str, said: str
) -> None:
    """One sentence before the network is touched."""
    ran = ready(line)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"Error: {said}")
    assert admin.calls == []


@pytest.mark.parametrize("line", ["topic.create", "topic"])
def test_more_replicas_than_brokers_is_exit_3_in_those_words(
    ready: Run, admin: FakeAdmin, line: str
) -> None:
    """--replication-factor 3 with one broker is refused before anything is created."""
    name = "orders" if line == "topic.create" else "--name orders"
    ran = ready(f"{line} {name} --replication-factor 3")
    assert ran.code == 3
    assert "a replication factor of 3 is larger than the number of brokers (1)" in ran.err
    assert admin.there == {}


@pytest.mark.parametrize(
    ("line", "task"),
    [
        ("topic --name --x", "kafka.topic"),
        ("topic.create --x", "kafka.topic.create"),
        ("topic.describe --x", "kafka.topic.describe"),
        ("topic.alter --x --partitions 2", "kafka.topic.alter"),
        ("topic.trim --x --before end", "kafka.topic.trim"),
        ("topic.delete a,--x", "kafka.topic.delete"),
        ("topic.export --names --x", "kafka.topic.export"),
        ("produce --x", "kafka.produce"),
        ("consume --x", "kafka.consume"),
    ],
)
def test_what_looks_like_a_flag_points_to_the_help_of_the_task(
    ready: Run, admin: FakeAdmin, line: str, task: str
) -> None:
    """A misspelt flag is taken for the name; the flags of that very task are what helps."""
    ran = ready(line)
    assert ran.code == 3 and "'--x' looks like a flag" in ran.err
    assert ran.err.splitlines()[-1] == f"Hint: invoke --help {task}"


def test_create_makes_a_topic_once(ready: Run, admin: FakeAdmin) -> None:
    """A second create is exit 1, --if-not-exists makes it 0."""
    assert ready("topic.create orders --partitions 2").out == (
        "Topic orders created (2 partitions).\n"
    )
    ran = ready("topic.create orders -o json")
    assert (ran.code, ran.document["error"]["code"]) == (1, "topic-exists")
    ran = ready("topic.create orders --if-not-exists -o json")
    assert ran.document == {"schema": 1, "topic": "orders", "created": False}


def test_colliding_names_are_refused(ready: Run, admin: FakeAdmin) -> None:
    """a_b beside a.b is exit 3."""
    admin.there["a.b"] = topic("a.b")
    ran = ready("topic.create a_b")
    assert ran.code == 3 and "collides with a.b" in ran.err


def test_config_can_be_repeated(ready: Run, admin: FakeAdmin) -> None:
    """Each --config is a setting."""
    ready("topic.create t --config a=1 --config b=2")
    assert {key: entry.value for key, entry in admin.there["t"].config.items()} == {
        "a": "1",
        "b": "2",
    }


@pytest.mark.parametrize("line", ["topic", "topic.create t", "topic.delete old --yes"])
def test_dry_changes_no_topic(ready: Run, admin: FakeAdmin, line: str) -> None:
    """--dry says what it would do and does not."""
    admin.there["old"] = topic("old")
    ran = ready(f"{line} --dry")
    assert ran.code == 0 and ran.out.startswith("would ")
    assert list(admin.there) == ["old"]


def test_a_dry_create_tells_what_create_would(ready: Run, admin: FakeAdmin) -> None:
    """A topic that is there is the same error, or the same nothing to do."""
    admin.there["old"] = topic("old")
    assert ready("topic.create old --dry").code == 1
    assert ready("topic.create old --if-not-exists --partitions 2 --dry").code == 1
    ran = ready("topic.create old --if-not-exists --dry")
    assert (ran.code, ran.out) == (0, "would change nothing: old exists already\n")


@pytest.mark.parametrize(
    "line", ["topic.plan --out kept", "topic.export --out kept", "topic.apply"]
)
def test_a_dry_document_says_that_it_is_one(
    ready: Run, admin: FakeAdmin, project: Project, line: str
) -> None:
    """A reader cannot take it for what was done; no file is written."""
    (project.path / "topics.yaml").write_text("topics: [{name: orders, partitions: 1}]")
    assert ready(f"{line} --dry -o json").document["dry"] is True
    assert "dry" not in ready("topic.plan -o json").document
    assert admin.there == {} and not (project.path / "kept").exists()


def test_list_hides_kafkas_own(ready: Run, admin: FakeAdmin) -> None:
    """Internal topics are listed on demand; names are sorted."""
    admin.there = {name: topic(name) for name in ("b", "a", "__consumer_offsets")}
    names = [entry["name"] for entry in ready("topic.list -o json").document["topics"]]
    assert names == ["a", "b"]
    every = ready("topic.list --internal -o json").document["topics"]
    assert [entry["internal"] for entry in every] == [True, False, False]


def test_describe_suggests_the_nearest_name(ready: Run, admin: FakeAdmin) -> None:
    """A topic that is not there is exit 1 with the likely name."""
    admin.there["orders"] = topic("orders", 2)
    assert ready("topic.describe orders").out.startswith("orders: 2 partitions")
    ran = ready("topic.describe ordres -o json")
    assert (ran.code, ran.document["error"]["hint"]) == (1, "did you mean orders?")


def test_delete_names_what_goes_and_wants_a_yes(ready: Run, admin: FakeAdmin) -> None:
    """Without a terminal and --yes nothing is deleted, and the sentence lists the topics."""
    admin.there = {name: topic(name) for name in ("test-a", "test-b", "other", "__own")}
    ran = ready("topic.delete test-*")
    assert ran.code == 6
    assert "2 topics would be deleted with all records: test-a, test-b." in ran.err
    assert len(admin.there) == 4
    assert ready("topic.delete test-* --yes").out == "Deleted test-a, test-b.\n"
    assert list(admin.there) == ["other", "__own"]


@pytest.mark.parametrize(("names", "code"), [("nothing-*", 1), ("missing", 1), ("other,gone", 1)])
def test_delete_of_what_is_not_there_deletes_nothing(
    ready: Run, admin: FakeAdmin, names: str, code: int
) -> None:
    """One missing name of several stops the whole deletion."""
    admin.there["other"] = topic("other")
    assert ready(f"topic.delete {names} --yes").code == code
    assert list(admin.there) == ["other"]


def test_a_pattern_never_means_kafkas_own(ready: Run, admin: FakeAdmin) -> None:
    """* is every topic of the users."""
    admin.there = {name: topic(name) for name in ("a", "__consumer_offsets")}
    ready("topic.delete * --yes")
    assert list(admin.there) == ["__consumer_offsets"]


def test_deleting_on_a_remote_cluster_wants_its_id(
    ready: Run, runtime: FakeRuntime, admin: FakeAdmin
) -> None:
    """Besides --yes, --cluster-id has to name the very cluster; a wrong one is refused anywhere."""
    admin.there["t"] = topic("t")
    assert ready("topic.delete t --yes --cluster-id other").code == 6
    runtime.abilities = Abilities()
    ran = ready("topic.delete t --yes")
    assert ran.code == 6 and f"--cluster-id {admin.cluster_id}" in ran.err
    assert list(admin.there) == ["t"]
    assert ready(f"topic.delete t --yes --cluster-id {admin.cluster_id}").code == 0
    assert admin.there == {}


def test_settings_that_may_delete_records_want_the_id_of_a_remote_cluster(
    ready: Run,
    project: Project,
    runtime: FakeRuntime,
    admin: FakeAdmin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`alter` and `apply` alike; nothing else does, and a wrong id is refused anywhere."""
    for step in ("require_possible", "carry_out"):
        monkeypatch.setattr(altering, step, lambda *_: None)
    admin.there["t"] = topic("t", config={"retention.ms": "5000", "segment.bytes": "9"})
    assert ready("topic.alter t --set segment.bytes=8 --cluster-id other").code == 6
    runtime.abilities = Abilities()
    shorter = "topic.alter t --set retention.ms=10"
    ran = ready(shorter)
    assert ran.code == 6 and "this change of retention.ms may delete records" in ran.err
    assert f"{shorter} --cluster-id {admin.cluster_id}" in ran.err
    assert ready(f"--dry {shorter}").code == 0
    assert ready("topic.alter t --set retention.ms=9000").code == 0
    file = project.path / "topics.yaml"
    file.write_text("topics: [{name: t, config: {retention.ms: 10}}]")
    ran = ready("topic.apply")
    assert ran.code == 6 and "this change of retention.ms may delete records" in ran.err
    file.write_text("topics: [{name: t, config: {segment.bytes: 100}}]")
    assert ready("topic.apply").code == 0


def test_without_a_cluster_every_topic_task_is_5(
    run: Run, runtime: FakeRuntime, admin: FakeAdmin
) -> None:
    """What needs a cluster says that none runs, and how to start one."""
    for line in ("topic", "topic.create t", "topic.list", "topic.describe t", "topic.delete t"):
        ran = run(line)
        assert ran.code == 5, line
        assert ran.err.splitlines()[-1] == "Hint: invoke kafka.up"
    assert admin.calls == []


def test_connections_are_closed(ready: Run, admin: FakeAdmin) -> None:
    """Each task closes its connection, also when it fails."""
    ready("topic.list")
    ready("topic.describe missing")
    assert admin.closed == 2


def test_an_answer_is_waited_for_as_long_as_was_asked(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--timeout and its variable reach every request; without them each has its own limit."""
    assert ready("topic.list").code == 0
    assert admin.timeout_s is None
    monkeypatch.setenv("KAFKA_TASKS_TIMEOUT", "90")
    assert ready("topic.list").code == 0
    assert admin.timeout_s == 90
    assert ready("group.list --timeout 3").code == 0
    assert admin.timeout_s == 3


@pytest.mark.parametrize("of", ["topic", "group"])
def test_whatever_asks_the_cluster_has_a_timeout(of: str) -> None:
    """All tasks of topics and groups but the one that needs no cluster."""
    tasks = kafka.collections[of].tasks
    without = {
        name
        for name, task in tasks.items()
        if "timeout" not in {argument.name for argument in task.get_arguments()}
    }
    assert without == ({"validate"} if of == "topic" else set())


def test_a_topic_that_is_hidden_is_not_said_to_be_missing(
    ready: Run, admin: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list leaves it out; asked for by its name, the broker tells which right is missing."""

    def seen(**_: object) -> None:
        raise NotPermitted("User alice lacks the right DESCRIBE on topic t.")

    with monkeypatch.context() as patch:
        patch.setattr(admin, "seen", seen)
        ran = ready("topic.delete t --yes")
    assert ran.code == 1
    assert "alice lacks the right DESCRIBE on topic t" in ran.err
    assert "There is no topic t." in ready("topic.delete t --yes").err
