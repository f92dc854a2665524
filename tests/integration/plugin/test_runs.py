"""How runs begin and end: options, workers, interruptions, kept clusters, clusters that fail."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.integration.conftest import eventually
from tests.integration.plugin.conftest import Inner, require_gone, servers
from tests.tiers import telling

_NOTE = """
    from pathlib import Path


    def note(*words):
        with open("noted", "a") as out:
            print(*words, file=out, flush=True)
"""

_ONE = """
    def test_one(kafka_topic, kafka_records, kafka_cluster):
        from note import note

        kafka_records.send(kafka_topic, "x")
        assert [each.value for each in kafka_records.take(kafka_topic)] == [b"x"]
        note(kafka_cluster.project, kafka_cluster.cluster_id, kafka_topic)
"""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--kafka-version=2.8"], "*--kafka-version*2.8*"),
        (["--kafka-brokers=0"], "*--kafka-brokers*0*"),
        (["--kafka-timeout=soon"], "*--kafka-timeout*soon*"),
        (["--kafka-logs=many"], "*--kafka-logs is 'many'; allowed: a number of lines, or none.*"),
        (["--kafka-runtime=podman"], "*--kafka-runtime*podman*"),
        (["--kafka-version=4.4", "--kafka-mode=zookeeper"], "*--kafka-mode*zookeeper*"),
        (["-o", "kafka_scope=global"], "*kafka_scope is 'global'; allowed: session, worker.*"),
        (
            ["--kafka-bootstrap-servers=localhost:1", "--kafka-keep"],
            "*--kafka-bootstrap-servers names a cluster that is there, and --kafka-keep is for*",
        ),
    ],
)
def test_wrong_options_end_the_run_before_it_begins(
    inner: Inner, arguments: list[str], sentence: str
) -> None:
    """One sentence names the option; pytest's exit code is that of a usage error."""
    inner.pytester.plugins.append("kafka_tasks.pytest_plugin")
    result = inner.pytester.runpytest_inprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([sentence])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


@pytest.mark.release
def test_workers_share_a_cluster_or_have_one_each(inner: Inner) -> None:
    """Both workers of xdist use the first one's cluster; with --kafka-scope each starts its own."""
    clean = "def test_clean(kafka_clean): pass"
    inner.write(note=_NOTE, test_a=_ONE, test_b=_ONE, test_c=clean)
    shared = inner.run("-n2", "--dist=loadfile")
    shared.assert_outcomes(passed=2, errors=1)
    shared.stdout.fnmatch_lines(
        [
            "kafka_clean deletes every topic, and other xdist workers share this cluster.",
            "Hint: --kafka-scope worker gives each worker a cluster of its own",
        ]
    )
    inner.run("-n2", "--dist=loadfile", "--kafka-scope=worker").assert_outcomes(passed=3)
    projects = [line.split()[0] for line in inner.noted()]
    assert projects[0] == projects[1]
    assert len({*projects}) == 3
    for project in projects:
        require_gone(project)


@pytest.mark.release
def test_a_worker_that_crashes_leaves_nothing(inner: Inner) -> None:
    """The controller stops what a worker started that has exited in the middle of a test."""
    crash = _ONE + "        import os; os._exit(3)\n"
    inner.write(note=_NOTE, test_crash=crash)
    inner.run("-n1").assert_outcomes(failed=1)
    (line,) = inner.noted()
    require_gone(line.split()[0])


_WAITING = """
    import time

    import pytest


    def test_waiting(kafka_cluster):
        from note import note

        note(kafka_cluster.project)
        time.sleep(120)
"""


@pytest.mark.parametrize("name", telling(["SIGINT", "SIGTERM", "SIGKILL"], "SIGINT"))
def test_an_interrupted_run_leaves_nothing(inner: Inner, name: str) -> None:
    """Ctrl-C and SIGTERM end it in order; of a killed one, the watcher stops the cluster."""
    inner.write(note=_NOTE, test_waiting=_WAITING)
    process = inner.begin()
    (project,) = eventually(inner.noted, "the test waits", 120)
    assert servers(project)
    sent = signal.Signals[name]
    os.kill(process.pid, sent)
    said, _ = process.communicate(timeout=120)
    code = pytest.ExitCode.INTERRUPTED if sent is signal.SIGINT else -sent
    assert process.returncode == code, said.decode()
    require_gone(project)


_WITHOUT = """
    import os
    import time


    def test_without_kafka():
        from note import note

        note("waits")
        controller = os.getppid()
        for _ in range(2400):
            if os.getppid() != controller:
                break
            time.sleep(0.05)
"""


def test_a_killed_run_that_started_nothing_leaves_nothing(
    inner: Inner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller of xdist names a directory for its workers, and makes none."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    inner.write(note=_NOTE, test_without=_WITHOUT)
    process = inner.begin("-n1")
    eventually(inner.noted, "the test waits", 120)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)
    assert not list(tmp_path.glob("kafka-tasks-*"))


def test_a_kept_cluster_serves_the_next_run_until_it_is_deleted(inner: Inner) -> None:
    """The second run has the same cluster and no topic of the first; other settings are refused."""
    inner.write(note=_NOTE, test_one=_ONE)
    first = inner.run("--kafka-keep")
    first.assert_outcomes(passed=1)
    first.stdout.fnmatch_lines(["kafka: the cluster at * stays for the next run; *"])
    inner.run("--kafka-keep").assert_outcomes(passed=1)
    other = inner.run("--kafka-keep", "--kafka-version=4.4")
    other.assert_outcomes(errors=1)
    other.stdout.fnmatch_lines(
        ["*The kept cluster has version *", "Hint: pytest --kafka-keep --kafka-fresh replaces it"]
    )
    (project, cluster_id, _), (again, same_id, _) = (line.split() for line in inner.noted())
    assert (project, cluster_id) == (again, same_id)
    assert servers(project)
    inner.run("--kafka-fresh", "-m", "not kafka")
    require_gone(project)


_FURTHER = """
    import pytest

    from kafka_tasks.pytest_factories import cluster

    three = cluster(brokers=3, version="4.4", properties={"log.retention.ms": 100000})


    def test_three(three):
        from confluent_kafka.admin import AdminClient

        found = AdminClient(dict(three.client)).list_topics(timeout=10)
        assert len(found.brokers) == 3
        assert three.kafka_version.startswith("4.4.")
        assert three.mode == "kraft"


    @pytest.mark.kafka(brokers=3, version="4.4", config={"log.retention.ms": 100000})
    def test_same_shape(kafka_cluster, kafka_topic_factory, three):
        assert kafka_cluster == three
        kafka_topic_factory(partitions=3, replication_factor=3)
"""


_OVERRIDES = """
    import pytest


    @pytest.fixture(scope="session")
    def kafka_settings():
        return {"config": {"auto.create.topics.enable": False}}


    @pytest.fixture(scope="session")
    def kafka_topics_file():
        return "shop.yaml"
"""

_OVERRIDDEN = """
    def test_overridden(kafka_admin, kafka_cluster):
        from confluent_kafka.admin import ConfigResource

        found = kafka_admin.list_topics(timeout=10).topics
        assert len(found["orders"].partitions) == 3
        broker = ConfigResource("BROKER", "1")
        (config,) = kafka_admin.describe_configs([broker]).values()
        assert config.result(10)["auto.create.topics.enable"].value == "false"
"""


@pytest.mark.release
def test_a_factory_and_a_marker_of_one_shape_share_a_cluster(
    inner: Inner, warm_kafka_4: Path
) -> None:
    """Three brokers of Kafka 4.4, beside a cluster with the settings and topics of a conftest."""
    assert warm_kafka_4.is_dir()
    topics = "topics: [{name: orders, partitions: 3}]"
    (inner.pytester.path / "shop.yaml").write_text(topics, encoding="utf-8")
    inner.write(conftest=_OVERRIDES, test_further=_FURTHER, test_overridden=_OVERRIDDEN)
    inner.run().assert_outcomes(passed=3)


_DYING = """
    import os
    import signal

    import psutil


    def test_kills_it(kafka_topic, kafka_cluster):
        tag = f"-Dkafka.tasks.project={kafka_cluster.project}"
        for each in psutil.process_iter(["cmdline"]):
            if tag in (each.info["cmdline"] or ()):
                each.kill()
                each.wait(10)


    def test_next(kafka_topic):
        pass


    def test_last(kafka_topic):
        pass


    def test_without_kafka():
        pass
"""


def test_a_cluster_that_died_is_told_of_once(inner: Inner) -> None:
    """The next test shows the last lines of the server, those after it one line."""
    inner.write(test_dying=_DYING)
    result = inner.run()
    result.assert_outcomes(passed=2, errors=2)
    line = "There is no Kafka for this test: its service * exited in an earlier test."
    result.stdout.fnmatch_lines(
        ["*_ ERROR at setup of test_next _*", line, "*_ ERROR * test_last _*", line]
    )
    assert "Traceback" not in result.stdout.str()


_HEAP = """
    import pytest


    @pytest.fixture(scope="session")
    def kafka_settings():
        return {"heap": "4m"}


    def test_a(kafka_topic):
        pass


    def test_b(kafka_topic):
        pass
"""


def test_a_start_that_fails_is_explained_once(inner: Inner) -> None:
    """The first test has the cause and a hint, the next one line; nothing is left."""
    inner.write(test_heap=_HEAP)
    result = inner.run("--kafka-timeout=20")
    result.assert_outcomes(errors=2)
    said = result.stdout.str()
    assert said.count("Cause: The server's heap is too small.") == 1
    assert said.count("Hint: ") == 1
    result.stdout.fnmatch_lines(
        ["There is no Kafka for this test. *", "There is no Kafka for this test: *"]
    )
    assert "Traceback" not in said


@pytest.mark.release
def test_a_cluster_that_is_there_is_used_and_left_clean(inner: Inner) -> None:
    """Topics of the run are deleted; kafka_clean and another shape are refused in words."""
    inner.write(note=_NOTE, test_one=_ONE)
    inner.run_on_kept().assert_outcomes(passed=1)
    project = inner.noted()[0].split()[0]
    address = _address(inner)
    inner.write(
        test_two="""
            import pytest


            def test_clean(kafka_clean):
                pass


            @pytest.mark.kafka(brokers=3)
            def test_shape(kafka_topic):
                pass


            def test_empty(kafka_admin):
                topics = kafka_admin.list_topics(timeout=10).topics
                assert not [each for each in topics if each.startswith("test-one")]
        """
    )
    first = inner.run(f"--kafka-bootstrap-servers={address}", "test_one.py")
    first.assert_outcomes(passed=1)
    result = inner.run(f"--kafka-bootstrap-servers={address}", "test_two.py")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "kafka_clean deletes every topic, and the cluster is a remote one.",
            "*@pytest.mark.kafka (brokers=3) needs a cluster of its own, and *",
        ]
    )
    assert servers(project)


def _address(inner: Inner) -> str:
    inner.write(
        test_address="""
            def test_address(kafka_bootstrap_servers):
                with open("address", "w") as out:
                    out.write(kafka_bootstrap_servers)
        """
    )
    inner.run_on_kept("test_address.py").assert_outcomes(passed=1)
    return (inner.pytester.path / "address").read_text(encoding="utf-8")


def test_without_a_cluster_tests_fail_or_are_skipped_on_request(
    inner: Inner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody answers, tests fail; --kafka-missing=skip skips them, but not in CI."""
    inner.write(note=_NOTE, test_one=_ONE)
    nobody = ("--kafka-bootstrap-servers=127.0.0.1:1", "-o", "kafka_missing=skip")
    monkeypatch.setenv("KAFKA_TASKS_TIMEOUT", "2")
    inner.run(*nobody).assert_outcomes(skipped=1)
    monkeypatch.setenv("CI", "true")
    failed = inner.run(*nobody)
    failed.assert_outcomes(errors=1)
    failed.stdout.fnmatch_lines(["There is no Kafka for this test. *", "Hint: *"])
