"""`topic` and its verbs on one real cluster."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

TOPIC_TASKS = ("topic.create", "topic.describe", "topic.delete")


def described(sandbox: Sandbox, name: str) -> dict[str, object]:
    """The document of `topic.describe`."""
    done = sandbox.run("topic.describe", name, "-o", "json")
    assert done.code == 0, done.out
    return done.document


def test_topic_alone_creates_and_proves_and_proves_again(running: Sandbox) -> None:
    """The first `topic` creates test-topic with a record; the second finds it and adds one."""
    first = running.run("topic", "-o", "json").document
    assert first["topic"] == "test-topic" and first["created"] is True
    assert (first["partitions"], first["replication_factor"], first["leaders"]) == (1, 1, 1)
    assert first["records"] == 1 and first["roundtrip_ms"] > 0
    second = running.run("topic", "-o", "json").document
    assert (second["created"], second["records"]) == (False, 2)
    assert "proven" in running.run("topic").out


def test_existing_topic_gets_no_record_unless_allowed(running: Sandbox) -> None:
    """A topic of another name that existed is proven without a record, or with --prove by one."""
    assert running.run("topic.create", "theirs").code == 0
    found = running.run("topic", "--name", "theirs", "-o", "json").document
    assert (found["created"], found["records"], found["roundtrip_ms"]) == (False, 0, None)
    proven = running.run("topic", "--name", "theirs", "--prove", "-o", "json").document
    assert proven["records"] == 1


def test_flags_of_a_new_topic_are_what_it_gets(running: Sandbox) -> None:
    """Partitions and settings that were asked for are what the broker then has."""
    arguments = [
        "--partitions",
        "3",
        "--config",
        "retention.ms=60000",
        "--config",
        "max.message.bytes=2000000",
    ]
    done = running.run("topic", "--name", "shaped", *arguments)
    assert done.code == 0, done.out + done.err
    found = running.run("topic.describe", "shaped", "-o", "json").document
    assert len(found["partitions"]) == 3
    assert found["config"]["retention.ms"]["value"] == "60000"
    assert found["config"]["max.message.bytes"]["source"] == "dynamic-topic"
    text = running.run("topic.describe", "shaped").out
    assert "retention.ms" in text and "60000" in text


def test_differing_topic_is_an_error_that_shows_both(running: Sandbox) -> None:
    """A topic that is not as asked for exits 1 with both values, and stays as it is."""
    assert running.run("topic.create", "two", "--partitions", "2").code == 0
    for verb in (["topic", "--name", "two"], ["topic.create", "two", "--if-not-exists"]):
        done = running.run(*verb, "--partitions", "5", "--config", "retention.ms=1")
        done.refused(1, "partitions: asked for 5, the topic has 2", "retention.ms: asked for 1")
    error = running.run("topic", "--name", "two", "--partitions", "5", "-o", "json").error
    assert error["code"] == "topic-differs"
    assert len(described(running, "two")["partitions"]) == 2  # type: ignore[arg-type]


def test_only_what_was_asked_for_is_compared(running: Sandbox) -> None:
    """A topic with more partitions is the same topic to flags that do not speak of partitions."""
    assert running.run("topic.create", "wide", "--partitions", "4").code == 0
    assert running.run("topic", "--name", "wide").code == 0
    assert running.run("topic.create", "wide", "--if-not-exists").code == 0


def test_create_twice_is_an_error_unless_allowed(running: Sandbox) -> None:
    """`create` of a topic that is there exits 1; with --if-not-exists it says so and exits 0."""
    assert running.run("topic.create", "once", "-o", "json").document["created"] is True
    running.run("topic.create", "once").refused(1, "once exists already", "--if-not-exists")
    again = running.run("topic.create", "once", "--if-not-exists", "-o", "json")
    assert (again.code, again.document["created"]) == (0, False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        ("x" * 250, "250 characters"),
        ("a b", "' '"),
        ("..", "'..'"),
        (".", "'.'"),
        ("--x", "--help kafka.topic"),
        ("grün", "'ü'"),
        ("a/b", "'/'"),
    ],
)
def test_bad_names_are_refused(running: Sandbox, name: str, words: str) -> None:
    """A name that Kafka would not take is refused in words, by every verb and as JSON too."""
    running.run("topic", f"--name={name}").refused(3, words)
    if name != "--x":
        assert running.run("topic.create", name, "-o", "json").error["code"] == "invalid"
        running.run("topic.delete", name, "--yes").refused(3, words)


def test_a_flag_in_place_of_a_name_creates_nothing(running: Sandbox) -> None:
    """`topic.create --x` fails and makes no topic of that name; so does `--dry` alone."""
    before = running.topics()
    for flag in ("--x", "--dry", "-o"):
        done = running.run("topic.create", flag)
        assert done.code != 0 and "Traceback" not in done.err, done
    assert running.topics() == before


def test_longest_name_is_a_topic(running: Sandbox) -> None:
    """249 characters are a name."""
    name = "x" * 249
    assert running.run("topic.create", name).code == 0
    assert name in running.topics()
    assert running.run("topic.delete", name, "--yes").code == 0


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1.5", "", "9999999999"])
def test_bad_numbers_are_refused(running: Sandbox, number: str) -> None:
    """Partitions and replication factors that are none are refused in words."""
    running.run("topic.create", "numbered", f"--partitions={number}").refused(3, number)
    failed = running.run("topic", "--name=numbered", f"--replication-factor={number}", "-o", "json")
    assert failed.error["code"] == "invalid"
    if number == "0":
        assert "numbered" not in running.topics()


def test_replication_factor_above_brokers_is_refused(running: Sandbox) -> None:
    """Three replicas on one broker are refused in those words, and nothing is created."""
    words = "a replication factor of 3 is larger than the number of brokers (1)"
    for verb in (["topic.create", "three"], ["topic", "--name", "three"]):
        running.run(*verb, "--replication-factor", "3").refused(3, words)
    assert "three" not in running.topics()


def test_names_that_differ_by_dot_and_underscore_collide(running: Sandbox) -> None:
    """`a_b` is refused while `a.b` is there, with its name."""
    assert running.run("topic.create", "col.lide").code == 0
    running.run("topic.create", "col_lide").refused(3, "collides with col.lide")
    running.run("topic", "--name", "col_lide").refused(3, "collides with col.lide")
    assert "col_lide" not in running.topics()


def test_bad_topic_settings_are_refused(running: Sandbox) -> None:
    """A setting without `=` and one that the broker does not know are invalid input."""
    running.run("topic.create", "set", "--config", "retention").refused(3, "retention")
    done = running.run("topic.create", "set", "--config", "no.such.thing=1", "-o", "json")
    assert done.error["code"] == "invalid"
    assert "no.such.thing" in str(done.error["evidence"])
    assert "set" not in running.topics()


def test_describe_of_a_missing_topic_suggests_a_near_one(running: Sandbox) -> None:
    """A topic that is not there exits 1 and the nearest name is offered."""
    assert running.run("topic.create", "payments").code == 0
    running.run("topic.describe", "paymets").refused(1, "no topic paymets", "payments")
    running.run("topic.delete", "paymets", "--yes").refused(1, "no topic paymets", "payments")


def test_delete_asks_and_is_refused_without_an_answer(running: Sandbox) -> None:
    """`delete` without --yes and without a terminal names what would go and deletes nothing."""
    assert running.run("topic.create", "asked").code == 0
    running.run("topic.delete", "asked").refused(6, "asked", "--yes")
    assert running.run("topic.delete", "asked", "-o", "json").error["code"] == "refused"
    assert "asked" in running.topics()
    assert running.run("topic.delete", "asked", "--yes", "--dry").out == "would delete asked\n"
    assert "asked" in running.topics()
    assert running.run("topic.delete", "asked", "--yes").code == 0
    assert "asked" not in running.topics()


def test_delete_by_pattern_and_by_list(running: Sandbox) -> None:
    """A pattern and a list with commas delete those topics and no other, and never Kafka's own."""
    for name in ("gone-1", "gone-2", "left-1", "listed"):
        assert running.run("topic.create", name).code == 0
    running.run("topic.delete", "gone-*").refused(6, "gone-1, gone-2")
    done = running.run("topic.delete", "gone-*,listed", "--yes", "-o", "json")
    assert done.document["deleted"] == ["gone-1", "gone-2", "listed"]
    assert {"left-1"} == {"gone-1", "gone-2", "left-1", "listed"} & set(running.topics())
    running.run("topic.delete", "__consumer_offsets", "--yes").refused(3, "Kafka's own")
    running.run("topic.delete", "nothing-*", "--yes").refused(1, "nothing-*")


def test_a_deleted_topic_can_be_created_at_once(running: Sandbox) -> None:
    """Delete and create of the same name, one after the other, ends with a working topic."""
    for _ in range(3):
        assert running.run("topic", "--name", "again").code == 0
        assert running.run("topic.delete", "again", "--yes").code == 0
    assert "again" not in running.topics()


def test_a_topic_that_its_producer_recreates_is_an_error(running: Sandbox) -> None:
    """The producer learns of the deletion when the task is nearly done."""
    over = threading.Event()
    producer = Producer({"bootstrap.servers": running.up()["bootstrap_servers"]})

    def produce() -> None:
        while not over.wait(0.05):
            producer.produce("in-use", b"x")
            producer.poll(0)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        while "in-use" not in producer.list_topics(timeout=10).topics:
            over.wait(0.05)
        over.wait(0.5)
        deleted = running.run("topic.delete", "in-use", "--yes")
    finally:
        over.set()
        thread.join()
        producer.flush(10)
    deleted.refused(1, "a client re-created it", "auto.create.topics.enable=false")


def test_dry_run_creates_nothing(running: Sandbox) -> None:
    """`--dry` of `topic` and `topic.create` says what would happen, and creates nothing."""
    assert running.run("topic.create", "dry-1", "--dry").out == "would create dry-1\n"
    assert running.run("topic", "--name", "dry-2", "--dry", "-o", "json").document["dry"] is True
    running.run("topic.create", "dry-3", "--replication-factor", "3", "--dry").refused(3)
    assert not [name for name in running.topics() if name.startswith("dry-")]


def test_list_hides_what_is_kafkas_own(running: Sandbox) -> None:
    """`list` shows the topics with their shape, and Kafka's own only on demand."""
    assert running.run("topic.create", "read").code == 0
    made = running.run("group.reset", "reader", "--topic", "read", "--to", "start", "--execute")
    assert made.code == 0, made.err
    assert "__consumer_offsets" not in running.topics()
    shown = running.run("topic.list", "--internal", "-o", "json").document["topics"]
    read, own = (next(t for t in shown if t["name"] == n) for n in ("read", "__consumer_offsets"))
    assert read == {
        "name": "read",
        "partitions": 1,
        "replication_factor": 1,
        "leaders": 1,
        "under_replicated": 0,
        "records": None,
        "bytes": None,
        "internal": False,
    }
    assert own["internal"]
    assert own["leaders"] == own["partitions"] > 0
