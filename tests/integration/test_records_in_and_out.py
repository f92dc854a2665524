"""kafka.produce and kafka.consume against a real broker: every byte, every end, every bad day."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import warm_python
from tests.integration.conftest import COMMAND, Done, Sandbox, eventually

TRICKY: list[dict[str, Any]] = [
    {"key": None, "value": "plain"},
    {"key": "k", "value": None},
    {"key": {"base64": base64.b64encode(bytes(range(256))).decode()}, "value": ""},
    {"key": "", "value": {"base64": "/w=="}, "headers": [["h", "1"], ["h", {"base64": "gA=="}]]},
    {"key": "ü\u0000\n", "value": '{"json": "text"}', "headers": [["none", None]]},
    {"key": "old", "value": "x", "timestamp": 1000},
]


def produced(sandbox: Sandbox, text: str | bytes, *flags: str) -> Done:
    """`kafka.produce` with this on its standard input."""
    content = text.encode() if isinstance(text, str) else text
    done = warm_python.run(["produce", *flags], sandbox.path, sandbox.env(), 90, content)
    return Done(done.returncode, done.stdout, done.stderr)


def consumed(sandbox: Sandbox, topic: str, *flags: str) -> list[dict[str, Any]]:
    """The records that `kafka.consume --exit` prints."""
    done = sandbox.run("consume", topic, "--exit", *flags)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def new_topic(sandbox: Sandbox, name: str, *flags: str) -> str:
    """Make a topic and return its name."""
    assert sandbox.run("topic.create", name, *flags).code == 0
    return name


def values(records: list[dict[str, Any]]) -> list[Any]:
    """Their values."""
    return [record["value"] for record in records]


def test_every_byte_goes_in_and_comes_out(running: Sandbox) -> None:
    """Keys, headers, null values, bytes that are no text; and what comes out goes in again."""
    topic = new_topic(running, "tricky")
    lines = "".join(json.dumps(record) + "\n" for record in TRICKY)
    assert produced(running, lines, topic).out == "6 records sent to tricky.\n"
    found = consumed(running, topic)
    for record, sent in zip(found, TRICKY, strict=True):
        assert {"headers": [], **sent}.items() <= record.items()
    assert [record["offset"] for record in found] == list(range(6))
    copy = new_topic(running, "tricky-copy")
    again = running.run("consume", topic, "--exit")
    assert produced(running, again.out, copy).code == 0
    assert [{**r, "offset": 0} for r in consumed(running, copy)] == [
        {**r, "offset": 0} for r in found
    ]


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
def test_a_broker_unpacks_its_libraries_in_the_project(running: Sandbox, codec: str) -> None:
    """Not in /tmp, from which a machine may not let it load them."""
    topic = new_topic(running, f"packed-{codec}", "--config", f"compression.type={codec}")
    assert produced(running, '{"value": "one"}\n', topic).code == 0
    assert values(consumed(running, topic)) == ["one"]
    mapped = Path(f"/proc/{running.pids()['kafka']}/maps").read_text().splitlines()
    place = f"{running.path}/.kafka-tasks/run/kafka.tmp/"
    assert any(place in line and codec in line.rpartition("/")[2] for line in mapped)


def test_kcat_reads_what_we_send_and_we_read_what_kcat_sends(running: Sandbox) -> None:
    """Another client agrees on keys, values and headers."""
    topic = new_topic(running, "with-kcat")
    broker = f"127.0.0.1:{running.recorded()['services'][-1]['port']}"
    produced(running, '{"key":"k","value":"ours","headers":[["h","1"]]}\n', topic)
    subprocess.run(
        ["kcat", "-P", "-b", broker, "-t", topic, "-K", ":", "-H", "a=b"],
        input=b"x:theirs\n",
        check=True,
        timeout=30,
    )
    found = consumed(running, topic)
    assert [(r["key"], r["value"], r["headers"]) for r in found] == [
        ("k", "ours", [["h", "1"]]),
        ("x", "theirs", [["a", "b"]]),
    ]
    seen = subprocess.run(
        ["kcat", "-C", "-b", broker, "-t", topic, "-e", "-q", "-f", "%k=%s %h\n"],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert seen.stdout.decode().splitlines() == ["k=ours h=1", "x=theirs a=b"]


def test_places_are_what_they_say(running: Sandbox) -> None:
    """start, end, after the start, before the end, an offset, a moment, a count, a partition."""
    # The records are years old: the broker's own retention would take them within the minute.
    topic = new_topic(running, "places", "--partitions", "2", "--config", "retention.ms=-1")
    lines = "".join(
        json.dumps({"value": str(n), "partition": n % 2, "timestamp": 1_700_000_000_000 + n}) + "\n"
        for n in range(10)
    )
    assert produced(running, lines, topic).code == 0

    def of(place: str, *flags: str) -> list[Any]:
        return values(consumed(running, topic, "--from", place, "--partition", "0", *flags))

    assert of("start") == ["0", "2", "4", "6", "8"]
    assert of("end") == []
    assert of("+3") == ["6", "8"]
    assert of("-2") == ["6", "8"]
    assert of("4") == ["8"]
    assert of("@1700000000005") == ["6", "8"]
    assert of("start", "--count", "2") == ["0", "2"]
    assert len(consumed(running, topic)) == 10
    running.run("consume", topic, "--exit", "--from", "99").refused(3, "out of range", "places-0")
    running.run("consume", topic, "--exit", "--partition", "7").refused(3, "has no partition 7")
    running.run("consume", topic, "--from", "soon").refused(3, "--from is 'soon'")
    document = running.run("consume", topic, "--exit", "--count", "3", "-o", "json").document
    assert len(document["records"]) == 3
    assert running.run("consume", topic, "-o", "json").error["code"] == "invalid"


def test_an_empty_topic_and_one_that_is_not_there_end_at_once(running: Sandbox) -> None:
    """Nothing to print is exit 0, nothing to read from is exit 1 with the nearest name."""
    topic = new_topic(running, "empty-one")
    assert consumed(running, topic) == []
    running.run("consume", "empty-on").refused(1, "no topic empty-on", "did you mean empty-one")
    assert produced(running, '{"value":1}', "empty-on").code == 1
    assert "empty-on" not in running.topics()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("nope", "Line 3 cannot be sent: it is not JSON"),
        ('{"value": 1, "partition": 9}', "Line 3 is for partition 9; "),
        (json.dumps({"value": "x" * 2_000_000}), "Line 3 is a record of 2000000 bytes, larger"),
    ],
    ids=["no-json", "no-partition", "too-large"],
)
def test_nothing_after_a_bad_line_is_sent(
    running: Sandbox, bad: str, said: str, request: pytest.FixtureRequest
) -> None:
    """The line is named, what came before it is sent and counted, what comes after it is not."""
    topic = new_topic(running, f"bad-{request.node.callspec.id}")
    done = produced(running, f'{{"value":"a"}}\n\n{bad}\n{{"value":"z"}}\n', topic)
    done.refused(3, said, "1 record was sent before it")
    assert values(consumed(running, topic)) == ["a"]


def test_a_compacted_topic_wants_a_key_in_each_line(running: Sandbox) -> None:
    """The broker would refuse the lines before it as well, and not say which one it was."""
    topic = new_topic(running, "compacted", "--config", "cleanup.policy=compact,delete")
    for bad in ('{"value":"x"}', '{"value":{"x":1},"partition":0}'):
        done = produced(running, f'{{"key":"k","value":"a"}}\n{bad}\n', topic)
        done.refused(3, f"Line 2 has no key, and {topic} is compacted", "1 record was sent before")
        produced(running, f"{bad}\n", topic, "--dry").refused(3, "Line 1 has no key")
    assert values(consumed(running, topic)) == ["a", "a"]


def test_a_dry_run_sends_nothing_and_finds_the_bad_line(running: Sandbox) -> None:
    """The whole input is checked."""
    topic = new_topic(running, "dry-one")
    done = produced(running, '{"value":1}\n{"value":2}\n', topic, "--dry")
    assert (done.code, done.out) == (0, "would send 2 records to dry-one\n")
    produced(running, '{"value":1}\n{"value"\n', topic, "--dry").refused(3, "Line 2")
    assert consumed(running, topic) == []


def test_a_file_is_sent_and_a_missing_one_is_a_sentence(running: Sandbox, tmp_path: Path) -> None:
    """With or without a last line end, with Windows' line ends too."""
    topic = new_topic(running, "from-file")
    (tmp_path / "in.jsonl").write_bytes(b'{"value":"1"}\r\n{"value":"2"}')
    done = running.run("produce", topic, "--file", str(tmp_path / "in.jsonl"), "-o", "json")
    assert done.document["sent"] == 2
    assert values(consumed(running, topic)) == ["1", "2"]
    running.run("produce", topic, "--file", "none.jsonl").refused(3, "none.jsonl cannot be read")


def test_following_prints_at_once_and_ends_with_the_reader(running: Sandbox) -> None:
    """A record appears while nothing else comes; Ctrl-C is exit 0, a closed pipe ends it."""
    topic = new_topic(running, "followed")
    following = running.begin("consume", topic)
    assert following.stdout is not None
    produced(running, '{"value":"first"}\n', topic)
    assert json.loads(following.stdout.readline())["value"] == "first"
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=30) == 0
    closed = running.begin("consume", topic)
    assert closed.stdout is not None
    closed.stdout.readline()
    closed.stdout.close()
    assert closed.wait(timeout=30) == 0
    closed.stdout = None


def test_a_topic_that_is_deleted_ends_its_readers(running: Sandbox) -> None:
    """After a silence of --timeout; a topic that is there and silent goes on being followed."""
    topic = new_topic(running, "going")
    produced(running, '{"value":"first"}\n', topic)
    quiet = running.begin("consume", new_topic(running, "quiet"), "--timeout", "3")
    readers = [
        running.begin("consume", topic, "--timeout", "3", *flags)
        for flags in ((), ("--count", "9"))
    ]
    for reader in readers:
        assert reader.stdout is not None and reader.stdout.readline()
    assert running.run("topic.delete", topic, "--yes").code == 0
    for reader in readers:
        _, err = reader.communicate(timeout=60)
        assert reader.returncode == 1
        assert "The topic going has been deleted meanwhile; 1 records were read" in err
    assert quiet.poll() is None
    quiet.send_signal(signal.SIGINT)
    assert quiet.wait(timeout=30) == 0


@pytest.mark.release
def test_a_broker_that_comes_back_loses_and_doubles_nothing(project: Sandbox) -> None:
    """Killed in the middle of a long input, started again: every line once and in order."""
    project.up()
    topic = new_topic(project, "survives")
    path = project.path / "in.jsonl"
    count = 300_000
    path.write_text("".join(f'{{"value":"{n}"}}\n' for n in range(count)))
    process = project.begin("produce", topic, "--file", str(path), "--timeout", "90")
    eventually(lambda: _records(project, topic) > 1000, "some records are there")
    project.kill("kafka")
    project.up()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert values(consumed(project, topic)) == [str(n) for n in range(count)]


def _records(sandbox: Sandbox, topic: str) -> int:
    logs = (sandbox.path / ".kafka-tasks" / "data").rglob(f"{topic}-0/*.log")
    return sum(path.stat().st_size for path in logs) // 10


def test_ctrl_c_counts_what_was_sent(running: Sandbox) -> None:
    """Exit 130; as many records are there as the account says."""
    topic = new_topic(running, "interrupted")
    process = subprocess.Popen(
        [str(COMMAND), "produce", topic, "-o", "json"],
        cwd=running.path,
        env=running.env(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("".join(f'{{"value":"{n}"}}\n' for n in range(50_000)))
    process.stdin.flush()
    eventually(lambda: _records(running, topic) > 0, "some records are there")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    account = json.loads(out)
    assert "error" not in account, out
    assert account["interrupted"]
    assert len(consumed(running, topic)) == account["sent"] > 0
    assert account["unknown"] == 0
