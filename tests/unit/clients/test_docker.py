from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import ChunkedEncodingError, ConnectionError, ReadTimeout
from urllib3.exceptions import ProtocolError

from kafka_tasks.clients.container import Container
from kafka_tasks.clients.docker import Engine
from kafka_tasks.errors import (
    EngineMissing,
    EngineRefused,
    ImageMissing,
    InvalidInput,
    KafkaTasksError,
)
from tests.unit.runtimes.compose.engine import container

SOCKET = "unix:///var/run/docker.sock"
VERSION = {"Version": "26.1.5", "Arch": "arm64", "ApiVersion": "1.45"}


def _refusal(code: int, said: str, kind: type[APIError] = APIError) -> APIError:
    return kind(said, response=SimpleNamespace(status_code=code, reason=said), explanation=said)


class Api:
    """The SDK's low-level client: canned answers by method, or exceptions that they raise."""

    api_version = "1.45"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, **options: Any) -> Any:
            self.calls.append((name, arguments, options))
            answer = self.answers[name]
            if callable(answer):
                answer = answer(*arguments)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return method


class Client:
    """The SDK's client around it."""

    def __init__(self, version: Any = VERSION, api: str = "1.45", **answers: Any) -> None:
        self.api = Api(**answers)
        self.api.api_version = api
        self._version = version
        self.closed = False

    def version(self) -> Mapping[str, str]:
        """What the engine says of itself."""
        if isinstance(self._version, Exception):
            raise self._version
        return dict(self._version)

    def close(self) -> None:
        """Noted."""
        self.closed = True


def _engine(host: str = SOCKET, **answers: Any) -> Engine:
    return Engine(Client(**answers), host)


def _inspected(identifier: str = "abc", **changes: Any) -> dict[str, Any]:
    state = {"Status": "running", "ExitCode": 0, "OOMKilled": False, "Error": ""}
    return {
        "Id": identifier,
        "Name": f"/shop-{identifier}-1",
        "State": {**state, **changes.pop("State", {})},
        "Config": {"Image": "cp-kafka:7.9.6", "Labels": None, "Env": None}
        | changes.pop("Config", {}),
        "HostConfig": {"PortBindings": None} | changes.pop("HostConfig", {}),
    }


# -- which engine ---------------------------------------------------------------------------------


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the SDK's client was made with."""
    found: dict[str, Any] = {}

    def from_env(**options: Any) -> Client:
        found.update(options, by="from_env")
        return Client()

    def direct(**options: Any) -> Client:
        found.update(options, by="context")
        return Client()

    monkeypatch.setattr(docker, "from_env", from_env)
    monkeypatch.setattr(docker, "DockerClient", direct)
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return found


def _context(home: Path, name: str, host: str, *, current: bool) -> None:
    """A context as `docker context create` leaves it."""
    from docker.context.config import get_context_id

    folder = home / ".docker" / "contexts" / "meta" / get_context_id(name)
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    if current:
        (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


def test_docker_host_comes_first(made: dict[str, Any], home: Path) -> None:
    """Before any context, with its TLS variables."""
    _context(home, "other", "unix:///other.sock", current=True)
    environ = {"DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONTEXT": "other"}
    engine = Engine.connect(environ, timeout_s=2)
    assert made == {"by": "from_env", "environment": environ, "timeout": 2}
    assert engine.host == "tcp://far:2376"


def test_the_current_context_is_used(made: dict[str, Any], home: Path) -> None:
    """A rootless socket, say, that `docker context use` chose."""
    _context(home, "rootless", "unix:///run/user/1000/docker.sock", current=True)
    engine = Engine.connect({})
    assert engine.host == made["base_url"] == "unix:///run/user/1000/docker.sock"
    assert made["by"] == "context"


def test_docker_context_wins_over_the_current_one(made: dict[str, Any], home: Path) -> None:
    """The variable is for this call alone."""
    _context(home, "far", "tcp://far:2375", current=False)
    _context(home, "near", "unix:///near.sock", current=True)
    assert Engine.connect({"DOCKER_CONTEXT": "far"}).host == "tcp://far:2375"


def test_without_contexts_it_is_the_usual_socket(made: dict[str, Any]) -> None:
    """The one that the engine's package makes."""
    assert Engine.connect({}).host == made["base_url"] == SOCKET


def test_a_context_that_does_not_exist(made: dict[str, Any]) -> None:
    """It is named; no other engine is taken in its place."""
    with pytest.raises(EngineMissing, match="There is no Docker context 'lost'") as caught:
        Engine.connect({"DOCKER_CONTEXT": "lost"})
    assert made == {}
    assert caught.value.hint is not None and "docker context ls" in caught.value.hint


def test_a_current_context_that_was_removed(made: dict[str, Any], home: Path) -> None:
    """The same, where the configuration names it."""
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text('{"currentContext": "lost"}')
    with pytest.raises(EngineMissing, match="The current Docker context does not exist"):
        Engine.connect({})
    assert made == {}


@pytest.mark.parametrize(
    ("error", "sentence", "hint"),
    [
        (
            DockerException("('Connection aborted.', PermissionError(13, 'Permission denied'))"),
            f"This user may not talk to the Docker engine at {SOCKET}.",
            "usermod -aG docker",
        ),
        (
            DockerException("('Connection aborted.', FileNotFoundError(2, 'No such file'))"),
            f"No Docker engine answers at {SOCKET}.",
            "systemctl start docker",
        ),
        (ReadTimeout("timed out"), f"No Docker engine answers at {SOCKET}.", "docker context ls"),
        (ValueError("no port"), f"No Docker engine answers at {SOCKET}.", "docker context ls"),
    ],
)
def test_why_no_engine_answers(
    made: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    sentence: str,
    hint: str,
) -> None:
    """A socket that may not be opened is told from one where nobody listens."""

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(docker, "DockerClient", fail)
    with pytest.raises(EngineMissing) as caught:
        Engine.connect({})
    assert caught.value.message == sentence
    assert caught.value.hint is not None
    assert hint in caught.value.hint
    assert "--runtime embedded" in caught.value.hint
    assert caught.value.evidence == (str(error),)


def test_an_engine_on_another_machine_is_refused_in_words(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it does not answer: the library alone cannot connect by ssh."""

    def fail(**_: Any) -> None:
        raise DockerException("Install paramiko package to enable ssh:// support")

    monkeypatch.setattr(docker, "from_env", fail)
    with pytest.raises(EngineMissing, match=r"on another machine \(ssh://me@far") as caught:
        Engine.connect({"DOCKER_HOST": "ssh://me@far.example"})
    assert caught.value.hint is not None and "docker context use default" in caught.value.hint
    assert caught.value.evidence == ("Install paramiko package to enable ssh:// support",)


def test_an_engine_that_refuses_is_there() -> None:
    """An answer that is no is not taken for no answer."""
    with pytest.raises(EngineRefused) as caught:
        _ = _engine(version=_refusal(400, "client version 1.24 is too old")).architecture
    assert caught.value.evidence == ("client version 1.24 is too old",)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        (SOCKET, True),
        ("unix:///run/user/1000/docker.sock", True),
        ("npipe:////./pipe/docker_engine", True),
        ("http+unix:///var/run/docker.sock", True),
        ("tcp://localhost:2375", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://[::1]:2375", True),
        ("ssh://me@localhost", True),
        ("ssh://me@far.example", False),
        ("tcp://10.0.0.7:2376", False),
        ("tcp://localhost.example:2376", False),
    ],
)
def test_which_engines_are_on_this_machine(host: str, local: bool) -> None:
    """Only there is their 127.0.0.1 also ours."""
    assert _engine(host).is_local is local


@pytest.mark.parametrize(
    ("api", "quick"), [("1.41", False), ("1.43", False), ("1.44", True), ("2.0", True)]
)
def test_which_engines_know_start_interval(api: str, quick: bool) -> None:
    """Those of engine 25 and later, by numbers and not by text."""
    engine = Engine(Client(api=api), SOCKET)
    assert engine.has_start_interval is quick


def test_the_connection_is_closed() -> None:
    """The engine lets go of the SDK's client."""
    client = Client()
    Engine(client, SOCKET).close()
    assert client.closed


# -- containers -----------------------------------------------------------------------------------


def test_a_container_is_read() -> None:
    """Name without its slash, labels, published ports, health, end and environment."""
    found = _inspected(
        State={
            "Status": "exited",
            "ExitCode": 137,
            "OOMKilled": True,
            "Error": "killed",
            "StartedAt": "2024-05-01T10:00:00Z",
            "Health": {"Status": "unhealthy"},
        },
        Config={
            "Labels": {
                "com.docker.compose.project": "shop",
                "com.docker.compose.service": "kafka",
            },
            "Env": ["A=b=c", "EMPTY=", "BARE"],
        },
        HostConfig={"PortBindings": {"9092/tcp": [{"HostIp": "127.0.0.1", "HostPort": "19092"}]}},
    )
    (container,) = _engine(containers=[{"Id": "abc"}], inspect_container=found).of_project("shop")
    assert container == Container(
        id="abc",
        name="shop-abc-1",
        image="cp-kafka:7.9.6",
        status="exited",
        labels=found["Config"]["Labels"],
        ports={9092: 19092},
        health="unhealthy",
        exit_code=137,
        out_of_memory=True,
        error="killed",
        started_at="2024-05-01T10:00:00Z",
        environment={"A": "b=c", "EMPTY": ""},
    )
    assert (container.project, container.service, container.running) == ("shop", "kafka", False)
    assert "environment" not in repr(container)


def test_a_container_with_nothing_special() -> None:
    """No labels, ports, health or environment is nothing to stumble over."""
    (container,) = _engine(containers=[{"Id": "abc"}], inspect_container=_inspected()).containers()
    assert container.running
    assert (container.project, container.service, container.one_off) == ("", "", False)
    assert (container.ports, container.health, container.error) == ({}, None, None)


@pytest.mark.parametrize(
    ("status", "running"),
    [("running", True), ("paused", True), ("created", False), ("exited", False), ("dead", False)],
)
def test_which_containers_run(status: str, running: bool) -> None:
    """A paused one has its process still."""
    assert Container("i", "n", "image", status, {}).running is running


def test_a_container_of_compose_run() -> None:
    """It has the service's label without being the service."""
    label = {"com.docker.compose.service": "kafka", "com.docker.compose.oneoff": "True"}
    assert Container("i", "n", "image", "running", label).one_off
    label["com.docker.compose.oneoff"] = "False"
    assert not Container("i", "n", "image", "running", label).one_off


@pytest.mark.parametrize("bindings", [{"9092/tcp": None}, {"9092/tcp": [{"HostPort": ""}]}, {}])
def test_ports_that_are_not_bound(bindings: Any) -> None:
    """Exposed, or bound to whatever the engine picks, is not a port that one can rely on."""
    found = _inspected(HostConfig={"PortBindings": bindings})
    (container,) = _engine(containers=[{"Id": "abc"}], inspect_container=found).containers()
    assert container.ports == {}


def test_containers_are_asked_for_by_label() -> None:
    """Stopped ones too; of a directory by the label that Compose gives them."""
    client = Client(containers=[])
    engine = Engine(client, SOCKET)
    engine.of_directory(Path("/some/shop"))
    engine.of_project("shop")
    assert [options for _, _, options in client.api.calls] == [
        {
            "all": True,
            "filters": {"label": ["com.docker.compose.project.working_dir=/some/shop"]},
        },
        {"all": True, "filters": {"label": ["com.docker.compose.project=shop"]}},
    ]


@pytest.mark.parametrize(
    "gone", [_refusal(404, "No such container", NotFound), _refusal(409, "removal in progress")]
)
def test_a_container_that_goes_while_it_is_looked_at(gone: APIError) -> None:
    """The others are returned."""
    rows = [{"Id": "gone"}, {"Id": "there"}]
    found = _engine(
        containers=rows,
        inspect_container=lambda identifier: gone if identifier == "gone" else _inspected("there"),
    ).containers()
    assert [container.id for container in found] == ["there"]


def test_an_engine_that_ends_is_missing() -> None:
    """Not an empty list: containers that cannot be seen are not gone."""
    lost = ConnectionError("Connection refused")
    with pytest.raises(EngineMissing, match="No Docker engine answers"):
        _engine(containers=lost).containers()
    with pytest.raises(EngineMissing, match="No Docker engine answers"):
        _engine(containers=[{"Id": "abc"}], inspect_container=lost).containers()


def test_a_refusal_is_exit_4() -> None:
    """With what the engine said, on one line of limited length."""
    with pytest.raises(EngineRefused, match="The Docker engine refused") as caught:
        _engine(containers=_refusal(500, "x" * 1000 + "\nmore")).containers()
    assert caught.value.exit_code == 4
    assert caught.value.evidence == ("x" * 300,)


def test_who_publishes_a_port() -> None:
    """The container whose host port it is, not one that has it inside only."""
    bound = {
        name: {"PortBindings": {f"{inside}/tcp": [{"HostPort": outside}]}}
        for name, inside, outside in (("inside", 9092, "1"), ("outside", 1, "9092"))
    }
    client = Client(
        containers=[{"Id": "inside"}, {"Id": "outside"}],
        inspect_container=lambda name: _inspected(name, HostConfig=bound[name]),
    )
    found = Engine(client, SOCKET).publisher(9092)
    assert found is not None and found.id == "outside"
    assert client.api.calls[0] == ("containers", (), {"filters": {"publish": "9092"}})


def test_nobody_publishes_a_port() -> None:
    """Then a process has it."""
    assert _engine(containers=[]).publisher(9092) is None


# -- images ---------------------------------------------------------------------------------------


def test_whether_an_image_is_there() -> None:
    """Only an engine that says so is believed that it is not."""
    assert _engine(inspect_image={"Id": "sha256:1"}).has_image("a:1")
    assert not _engine(inspect_image=_refusal(404, "no such image", ImageNotFound)).has_image("a:1")
    with pytest.raises(EngineMissing):
        _engine(inspect_image=ConnectionError("gone")).has_image("a:1")


@pytest.mark.parametrize(
    "answer", [_refusal(403, "denied"), _refusal(404, "none", NotFound), ReadTimeout("slow")]
)
def test_whether_an_image_can_be_pulled(answer: Exception) -> None:
    """A registry that refuses, has none or is silent is a no."""
    assert _engine(inspect_distribution={}).can_pull("a:1")
    assert not _engine(inspect_distribution=answer).can_pull("a:1")


def test_a_pull_tells_its_progress() -> None:
    """Bytes of all layers that are being downloaded; other lines say nothing."""
    lines = [
        {"status": "Pulling from library/a", "id": "1"},
        {"status": "Downloading", "id": "x", "progressDetail": {"current": 1, "total": 10}},
        {"status": "Downloading", "id": "y", "progressDetail": {"current": 5, "total": 20}},
        {"status": "Downloading", "id": "x", "progressDetail": {"current": 10, "total": 10}},
        {"status": "Extracting", "id": "x", "progressDetail": {"current": 3, "total": 10}},
        {"status": "Downloading", "id": "z", "progressDetail": {}},
    ]
    told: list[tuple[int, int]] = []
    _engine(pull=lines).pull("a:1", lambda done, total: told.append((done, total)))
    assert told == [(1, 10), (6, 30), (15, 30)]


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("confluentinc/cp-kafka:7.9.6", "confluentinc/cp-kafka", "7.9.6"),
        ("confluentinc/cp-kafka", "confluentinc/cp-kafka", "latest"),
        ("mirror:5000/cp-kafka", "mirror:5000/cp-kafka", "latest"),
        ("cp-kafka@sha256:abc", "cp-kafka", "sha256:abc"),
    ],
)
def test_one_image_is_pulled(name: str, repository: str, tag: str) -> None:
    """Without a tag the engine would fetch every one that the registry has."""
    client = Client(pull=[])
    Engine(client, SOCKET).pull(name, lambda done, total: None)
    assert client.api.calls == [
        ("pull", (repository,), {"tag": tag, "stream": True, "decode": True})
    ]


def _breaking(error: Exception, *before: Any) -> Iterator[Any]:
    yield from before
    raise error


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_refusal(404, "manifest unknown", NotFound), "manifest unknown"),
        (ConnectionError("no route to host"), "no route to host"),
        ([{"error": "toomanyrequests: rate limit"}], "toomanyrequests: rate limit"),
        (_breaking(ProtocolError("Connection broken")), "Connection broken"),
    ],
    ids=["refused", "unreachable", "error in the stream", "engine ends in the middle"],
)
def test_an_image_that_cannot_be_pulled(answer: Any, reason: str) -> None:
    """Which one and why, and the runtime that needs none."""
    with pytest.raises(ImageMissing, match=r"The image a:1 is not on this machine") as caught:
        _engine(pull=answer).pull("a:1", lambda done, total: None)
    assert caught.value.evidence == (reason,)
    assert caught.value.hint is not None and "--runtime embedded" in caught.value.hint


# -- logs -----------------------------------------------------------------------------------------


def test_logs_are_lines() -> None:
    """Bytes that are no text do no harm; none asked for is none."""
    client = Client(logs=b"one\ntwo \xff\n")
    assert Engine(client, SOCKET).logs("abc", 2) == ["one", "two \ufffd"]
    assert client.api.calls == [("logs", ("abc",), {"tail": 2})]


@pytest.mark.parametrize(
    "gone",
    [
        _refusal(404, "No such container", NotFound),
        _refusal(409, "can not get logs from container which is dead or marked for removal"),
    ],
)
def test_logs_of_a_container_that_goes_are_empty(gone: APIError) -> None:
    """They are evidence for something else, which they must not hide."""
    engine = _engine(logs=gone)
    assert engine.logs("abc", 10) == []
    assert list(engine.follow("abc", 10)) == []


def test_logs_of_a_missing_engine() -> None:
    """Here the engine is what is to be told."""
    with pytest.raises(EngineMissing):
        _engine(logs=ConnectionError("gone")).logs("abc", 10)


def test_following_gives_whole_lines() -> None:
    """However the stream is cut; the last line may end without a newline."""
    engine = _engine(logs=[b"on", b"e\ntw", b"o\n", b"gr\xc3", b"\xbc\xc3\x9fe"])
    assert list(engine.follow("abc", 5)) == ["one", "two", "grüße"]


@pytest.mark.parametrize(
    "error", [ChunkedEncodingError("ended"), ProtocolError("broken"), ReadTimeout("slow")]
)
def test_an_engine_that_ends_while_followed(error: Exception) -> None:
    """What came before is shown, then the engine is said to be missing."""
    stream = _engine(logs=_breaking(error, b"one\n")).follow("abc", 5)
    assert next(stream) == "one"
    with pytest.raises(KafkaTasksError, match="No Docker engine answers"):
        next(stream)


def test_a_directory_is_read_in_chunks_and_patiently() -> None:
    """As the engine packs it; a slow disk is waited for longer than an answer."""
    engine = _engine(get_archive=lambda *_: (iter([b"a", b"b"]), {"name": "data"}))
    api: Any = engine._client.api
    api.timeout = 10.0
    chunks = engine.read_directory("abc", "/data")
    assert next(chunks) == b"a"
    assert api.timeout == 300.0
    assert list(chunks) == [b"b"]
    assert api.timeout == 10.0
    assert api.calls == [("get_archive", ("abc", "/data"), {})]


def test_a_directory_that_is_not_there_is_said() -> None:
    """Images of others keep their data elsewhere."""
    engine = _engine(get_archive=_refusal(404, "Could not find the file", NotFound))
    engine._client.api.timeout = 10.0
    with pytest.raises(InvalidInput, match="no directory /data"):
        list(engine.read_directory("abc", "/data"))


def test_an_engine_that_ends_while_a_directory_is_read() -> None:
    """Half a directory is an error, never less data."""
    engine = _engine(get_archive=lambda *_: (_breaking(ProtocolError("gone"), b"a"), {}))
    engine._client.api.timeout = 10.0
    with pytest.raises(EngineMissing):
        list(engine.read_directory("abc", "/data"))


def test_a_directory_is_written_as_a_stream() -> None:
    """What is written is never in memory as a whole."""
    given: list[bytes] = []

    def put_archive(_: str, __: str, content: Iterable[bytes]) -> bool:
        given.extend(content)
        return True

    engine = _engine(put_archive=put_archive)
    engine._client.api.timeout = 10.0
    engine.write_directory("abc", "/data", [b"a", b"b"])
    assert given == [b"a", b"b"]


def test_a_directory_that_cannot_be_written_is_exit_4() -> None:
    """With the engine's own words."""
    engine = _engine(put_archive=_refusal(500, "no space left on device"))
    engine._client.api.timeout = 10.0
    with pytest.raises(EngineRefused) as refused:
        engine.write_directory("abc", "/data", [])
    assert refused.value.evidence == ("no space left on device",)


@pytest.mark.parametrize(("there", "found"), [(None, False), ([], False), ([{}], True)])
def test_whether_a_project_has_volumes(there: Any, found: bool) -> None:
    """By Compose's label; an engine without any has null."""
    engine = _engine(volumes={"Volumes": there})
    assert engine.has_volumes("shop") is found
    api: Any = engine._client.api
    assert api.calls[0][2] == {"filters": {"label": "com.docker.compose.project=shop"}}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"Processes": [["71", "Ss"], ["72", "T"]]}, True),
        ({"Processes": [["71", "Tsl"]]}, True),
        ({"Processes": [["71", "Ssl"]]}, False),
        ({"Processes": None}, False),
        (_refusal(500, "ps: not found"), False),
        (ConnectionError("gone"), False),
    ],
    ids=["a child", "the first", "none", "no process", "no ps", "no engine"],
)
def test_whether_a_signal_holds_a_container(answer: Any, found: bool) -> None:
    """The state of each process as ps shows it on the engine's machine."""
    engine = _engine(top=answer)
    assert engine.is_stopped("abc") is found
    api: Any = engine._client.api
    assert api.calls[0] == ("top", ("abc",), {"ps_args": "-o pid,stat"})


def _packed(content: bytes | None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("meta.properties")
        if content is None:
            info.type = tarfile.DIRTYPE
        info.size = len(content or b"")
        tar.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


def test_a_small_file_is_read_out_of_a_container() -> None:
    """As the engine packs it; what is not there, no file or large is None."""
    engine = _engine(get_archive=lambda *_: (iter([_packed(b"a=1\n")]), {"size": 4}))
    assert engine.read_file("abc", "/data/meta.properties") == b"a=1\n"
    engine = _engine(get_archive=lambda *_: (iter([_packed(None)]), {"size": 0}))
    assert engine.read_file("abc", "/data") is None
    engine = _engine(get_archive=lambda *_: (_breaking(ProtocolError("unread")), {"size": 1 << 30}))
    assert engine.read_file("abc", "/data/big") is None
    engine = _engine(get_archive=_refusal(404, "Could not find the file", NotFound))
    assert engine.read_file("abc", "/nowhere") is None
    engine = _engine(get_archive=lambda *_: (_breaking(ProtocolError("gone")), {"size": 4}))
    with pytest.raises(EngineMissing):
        engine.read_file("abc", "/data/meta.properties")


@pytest.mark.parametrize(
    ("told", "code", "found"),
    [
        (b"1300\t/var/lib/kafka/data\n4\t/etc/kafka/secrets\n", 0, 1304 * 1024),
        (b"1300\t/var/lib/kafka/data\n", 0, None),
        (b"du: not found\nOCI runtime exec failed\n", 127, None),
    ],
)
def test_the_bytes_that_volumes_take_on_disk(told: bytes, code: int, found: int | None) -> None:
    """`du` of the container counts them; None without it, or where it misses a volume."""
    engine = _engine(
        exec_create=lambda *_, **__: {"Id": "e"},
        exec_start=lambda _: told,
        exec_inspect=lambda _: {"ExitCode": code},
    )
    places = {"a": "/var/lib/kafka/data", "b": "/etc/kafka/secrets"}
    assert engine.disk_usage(container("kafka", volumes=places)) == found
    api: Any = engine._client.api
    assert api.calls[0][1] == ("id-shop-kafka", ["du", "-sk", *places.values()])


def _volume(project: str, size: int) -> dict[str, Any]:
    labels = {"com.docker.compose.project": project}
    return {"Name": "v", "Labels": labels, "UsageData": {"Size": size, "RefCount": 1}}


@pytest.mark.parametrize(
    ("volumes", "found"),
    [
        ([_volume("shop", 5), _volume("shop", 7), _volume("other", 100)], 12),
        ([_volume("shop", 5), _volume("shop", -1)], None),
        ([{"Name": "v", "Labels": None, "UsageData": None}], None),
        (None, None),
    ],
)
def test_the_bytes_of_a_projects_volumes(volumes: Any, found: int | None) -> None:
    """Those with its label; unknown where one of them is, or where there is none."""
    answer = SimpleNamespace(json=lambda: {"Volumes": volumes})
    engine = _engine(get=lambda *_, **__: answer)
    api: Any = engine._client.api
    api.base_url, api.api_version, api.timeout = "http+docker://localhost", "1.45", 2.0
    assert engine.volumes_bytes("shop") == found
    ((_, (url,), options),) = api.calls
    assert url == "http+docker://localhost/v1.45/system/df"
    assert options == {"params": {"type": "volume"}, "timeout": 2.0}
