"""The hint of every error in the package, on every runtime that the error can occur on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import kafka_tasks
from kafka_tasks.diagnosis import hints
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, NotReady, Refused
from kafka_tasks.settings.contexts import Context
from kafka_tasks.tasks import kafka

PACKAGE = Path(kafka_tasks.__file__).parent
# What occurs only where the cluster is started from here: files, and functions of files.
OF_OURS = (
    "acceptance/readiness.py:require_ready",
    "clients/docker",
    "clients/maven.py",
    "fixtures/",
    "lifecycle/data_version.py",
    "lifecycle/locking.py",
    "lifecycle/own_users.py",
    "lifecycle/registration.py",
    "lifecycle/session.py:require_running",
    "lifecycle/status.py:wait",
    "lifecycle/stop.py",
    "probes/readiness.py:_raise_if_dead",
    "probes/readiness.py:_climb",
    "project/",
    "runtimes/compose/",
    "runtimes/embedded/",
    "runtimes/node_data.py",
    "runtimes/ports.py",
    "runtimes/registry.py",
    "runtimes/secure/",
    "snapshots/",
    "tasks/inspection.py:env",
    "tasks/snapshot.py",
)
_LOCAL_TASKS = re.compile(r"kafka\.(up|down|restart|logs|pull|snapshot)\b|--brokers|more brokers")
_COMMAND = re.compile(r"\binvoke kafka\.([a-z]+(?:\.[a-z]+)?)((?: (?!invoke\b)[^;,]*)?)")


def _texts(node: ast.AST | None, names: dict[str, ast.AST]) -> Iterator[str]:
    """Yield what the expression of a hint can be; a value that is put in shows as NAME."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "NAME" for part in parts
            )
        case ast.BinOp(left=left, right=right):
            yield from (a + b for a in _texts(left, names) for b in _texts(right, names))
        case ast.IfExp(body=body, orelse=other):
            yield from (*_texts(body, names), *_texts(other, names))
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name) if name in names:
            yield from _texts(names[name], {})
        case ast.Dict(values=values):
            yield from (text for value in values for text in _texts(value, names))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node


def _written() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each hint and fix in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = _assigned(tree.body)
        for name, function in _functions(tree):
            names = {**constants, **_assigned(ast.walk(function))}
            for node in ast.walk(function):
                place = f"{path.relative_to(PACKAGE).as_posix()}:{name}"
                yield from ((place, text) for text in _texts(_hint(node), names))


def _hint(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.keyword(arg="hint" | "fix", value=value):
            return value
        case ast.Call(func=ast.Name(id="undecided"), args=[_, _, look]):
            return look
    return None


def _assigned(nodes: Iterator[ast.AST] | list[ast.stmt]) -> dict[str, ast.AST]:
    return {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _of_signatures() -> Iterator[tuple[str, str]]:
    known = yaml.safe_load((PACKAGE / "diagnosis/signatures.yaml").read_text(encoding="utf-8"))
    for entry in known:
        for key in ("fix", "fix_compose"):
            if key in entry:
                yield f"signature {entry['id']}", entry[key].replace("`", "")


HINTS = sorted(set(_written()))
EVERYWHERE = [
    (place, text) for place, text in HINTS if not place.startswith((*OF_OURS, "diagnosis/"))
]


def test_the_walk_finds_the_hints() -> None:
    """Constants, f-strings, conditions and names are read; a wrong walk would check nothing."""
    found = dict(HINTS)
    assert len(HINTS) > 200
    assert "invoke kafka.up" in [t for p, t in HINTS if p == "lifecycle/session.py:require_running"]
    assert "topics/model.py:check_name" in found and "clients/kafka/admin.py:_metadata" in found


def test_commands_exist() -> None:
    """Each command of a hint is a task, and each flag is one of that task."""
    flags = {name: _flags(name) for name in (*kafka.task_names, "topic")}
    wrong = []
    for place, text in (*HINTS, *_of_signatures()):
        for name, further in _COMMAND.findall(text):
            given = set(re.findall(r"(?<!\S)--([a-z-]+)", further))
            if not given <= flags.get(name, set()):
                wrong.append(f"{place}: {text}")
            assert name in flags, f"{place}: {text}"
    assert wrong == []


def _flags(name: str) -> set[str]:
    return {flag for one in kafka[name].get_arguments() for flag in one.names}


def test_on_a_remote_cluster_an_error_names_no_task_of_ours() -> None:
    """What can occur there keeps at least one part that helps there."""
    assert [each for each in EVERYWHERE if not _helps(hints.fitting(each[1], "remote"))] == []


def _helps(text: str | None) -> bool:
    return bool(text) and not _LOCAL_TASKS.search(text or "")


def test_findings_fit_where_they_are_shown() -> None:
    """A fix of doctor, or of a signature, may have no part that helps there: then there is none."""
    every = [*HINTS, *_of_signatures()]
    remote = [(place, hints.fitting(text, "remote") or "") for place, text in every]
    assert [each for each in remote if _LOCAL_TASKS.search(each[1])] == []
    again = [
        (place, hints.fitting(text, "embedded", "kafka.doctor") or "") for place, text in every
    ]
    assert [each for each in again if re.search(r"invoke kafka\.doctor(?! -)", each[1])] == []


@pytest.mark.parametrize(
    ("error", "runtime", "task", "hint"),
    [
        (BrokerUnreachable("", hint="invoke kafka.status"), "remote", "kafka.topic.list", None),
        (
            BrokerUnreachable("", hint="invoke kafka.status"),
            *("embedded", "kafka.topic.list", "invoke kafka.status"),
        ),
        (
            NotReady("", hint="invoke kafka.logs --service kafka; invoke kafka.wait --timeout 120"),
            *("remote", "kafka.wait", "invoke kafka.wait --timeout 120"),
        ),
        (
            NotReady("", hint="invoke kafka.doctor; invoke kafka.wait before clients start"),
            *("compose", "kafka.wait", "invoke kafka.doctor"),
        ),
        (
            ClusterError("", hint="stop it; or invoke kafka.topic.list shows them"),
            *("remote", "kafka.topic.list", "stop it"),
        ),
        (
            ClusterError("", hint="invoke kafka.topic.list"),
            *("embedded", "kafka.topic.list", "invoke kafka.doctor"),
        ),
        (
            Refused("", hint="invoke kafka.topic.delete x --yes"),
            *("remote", "kafka.topic.delete", "invoke kafka.topic.delete x --yes"),
        ),
        (ClusterError("", hint="df -h . ; ls -l"), None, "kafka.up", "df -h . ; ls -l"),
    ],
)
def test_what_is_left_of_a_hint(
    error: KafkaTasksError, runtime: str | None, task: str, hint: str | None
) -> None:
    """Parts that do not help here are left out; where none is left, another task says more."""
    assert hints.fitting_of(error, runtime, task) == (hint or hints.ADDRESSES)


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (
            "export KAFKA_TASKS_SASL_MECHANISM=PLAIN",
            "under contexts.a in F, write sasl_mechanism: PLAIN",
        ),
        (
            "export KAFKA_TASKS_SSL_CERTIFICATE_LOCATION=FILE KAFKA_TASKS_SSL_KEY_LOCATION=FILE",
            "under contexts.a in F, write ssl_certificate_location: FILE, ssl_key_location: FILE",
        ),
        (
            "export KAFKA_TASKS_SSL_CA_LOCATION=FILE, with the certificate of that authority",
            "under contexts.a in F, write ssl_ca_location: FILE, with the certificate of that "
            "authority",
        ),
        (
            "set KAFKA_TASKS_SASL_USERNAME and KAFKA_TASKS_SASL_PASSWORD; invoke kafka.config",
            "under contexts.a in F, set sasl_username and password_file; invoke kafka.config",
        ),
        ("set KAFKA_TASKS_CACHE to another directory", None),
        ("invoke kafka.config shows KAFKA_TASKS_BOOTSTRAP_SERVERS with its origin", None),
    ],
)
def test_a_hint_has_the_words_of_the_context(hint: str, told: str | None) -> None:
    """A variable would change nothing: the context replaces each setting of a connection."""
    context = Context(name="a", place="contexts.a in F", values={}, password_files={})
    assert hints.in_context(hint, context) == (told or hint)
    assert hints.in_context(hint, None) == hint
    assert hints.in_context(None, context) is None
