"""Runs under the debugger, in a source tree that nobody may write to, and with two workers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.integration.plugin.conftest import Inner, require_gone, servers

_STOPS = """
    def test_stops(kafka_topic, kafka_cluster):
        print(f"<{kafka_cluster.project}>")
        raise ValueError(kafka_topic)


    def test_is_left_out(kafka_topic):
        pass
"""


@pytest.mark.release
def test_a_cluster_lives_as_long_as_the_debugger(inner: Inner) -> None:
    """At the prompt the cluster answers; `q`, which is pytest.exit, ends the run and stops it."""
    inner.write(test_stops=_STOPS)
    asked = (
        "from confluent_kafka.admin import AdminClient",
        "found = AdminClient(dict(kafka_cluster.client)).list_topics(timeout=30)",
        "print('seen', kafka_topic in found.topics)",
        "q",
    )
    command = (sys.executable, "-m", "pytest", "-s", "--pdb")
    result = inner.pytester.run(*command, stdin="\n".join((*asked, "")).encode(), timeout=240)
    said = result.stdout.str()
    assert "seen True" in said
    assert "Quitting debugger" in said
    result.assert_outcomes(failed=1)
    require_gone(said.partition("<")[2].partition(">")[0])


_TOPICS = """
    import pytest


    @pytest.mark.parametrize("number", range(8))
    def test_topic(number, kafka_topic, kafka_records, kafka_cluster):
        from note import note

        kafka_records.send(kafka_topic, "x")
        assert [each.value for each in kafka_records.take(kafka_topic)] == [b"x"]
        note(kafka_topic, kafka_cluster.project)
"""
_NOTE = """
    def note(*words):
        with open("noted", "a") as out:
            print(*words, file=out, flush=True)
"""


def test_topics_of_two_workers_are_all_different(inner: Inner) -> None:
    """Both workers use the kept cluster, and the controller deletes what they made."""
    inner.write(note=_NOTE, test_topics=_TOPICS)
    inner.run_on_kept("-n2").assert_outcomes(passed=8)
    names = [line.split()[0] for line in inner.noted()]
    assert len({*names}) == 8
    assert {name.split("-")[-2] for name in names} == {"gw0", "gw1"}
    inner.write(
        test_topics="""
            def test_left(kafka_admin):
                topics = kafka_admin.list_topics(timeout=30).topics
                assert not [name for name in topics if name.startswith("test-topic-")]
        """
    )
    inner.run_on_kept().assert_outcomes(passed=1)


_READ_ONLY = """
    import errno

    import pytest


    def test_read_only(kafka_topic, kafka_records, kafka_cluster):
        with pytest.raises(OSError) as caught:
            open("written", "w")
        assert caught.value.errno == errno.EROFS
        kafka_records.send(kafka_topic, "x")
        assert [each.value for each in kafka_records.take(kafka_topic)] == [b"x"]
        print(f"<{kafka_cluster.project}>")
"""


def _read_only(path: str, *command: str) -> list[str]:
    """A command in whose eyes a directory cannot be written; skips where nobody may mount."""
    own = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    shell = [*own, "sh", "-c", script, path]
    try:
        subprocess.run([*shell, "true"], capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount")
    return [*shell, *command]


@pytest.mark.release
def test_a_source_tree_that_cannot_be_written_is_left_alone(inner: Inner) -> None:
    """The cluster's files are elsewhere; nothing is written beside the tests."""
    inner.write(test_read_only=_READ_ONLY)
    before = sorted(inner.pytester.path.iterdir())
    command = _read_only(str(inner.pytester.path), sys.executable, "-m", "pytest", "-s")
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(inner.pytester.path.iterdir()) == before
    project = done.stdout.partition("<")[2].partition(">")[0]
    require_gone(project)
    assert servers(project) == []
