"""The house as a test: who may import whom, what is public, and what everything is called."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import house_figures
import pytest
from figures.circles import imports

import kafka_tasks
from kafka_tasks import errors

PACKAGE = Path(kafka_tasks.__file__).parent
MODULES = {
    ".".join(("kafka_tasks", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

_GROUND = ["errors", "version", "ahead"]
_VALUES = [*_GROUND, "model"]
_BASE = [*_VALUES, "settings", "retry", "project"]
_CLIENTS = [*_BASE, "clients"]
_WORKERS = ["runtimes", "probes", "topics", "groups", "records"]
_LIFE = [*_CLIENTS, *_WORKERS, "lifecycle"]
_CHECKS = [*_LIFE, "snapshots", "diagnosis", "acceptance"]
# Where results are described that are shown: a room's `model.py`.
_RESULTS = [f"{room}.model" for room in (*_WORKERS, "lifecycle", "snapshots", "diagnosis")]
_TOP = [*_CHECKS, "render", "fixtures", "tasks", "pytest_plugin", "sessions", "program"]

# Room → rooms whose modules it may import; its own are always allowed.
ROOMS: dict[str, list[str]] = {
    "version": [],
    "errors": [],
    "ahead": [],
    "model": ["errors"],
    "settings": _BASE,
    "retry": _BASE,
    "project": _BASE,
    "clients": _BASE,
    **dict.fromkeys(_WORKERS, _CLIENTS),
    "probes": [*_CLIENTS, "runtimes.roles"],
    "lifecycle": _LIFE,
    "snapshots": _LIFE,
    "diagnosis": _CHECKS,
    "acceptance": [*_CHECKS, "render", "fixtures.made_topics"],
    "fixtures": [*_LIFE, "diagnosis", "render", "pytest_values"],
    "render": ["version", "model", "topics.plan", *_RESULTS],
    "testing": [*_BASE, "runtimes.protocol", "runtimes.roles"],
    "starters": [],
    "tasks": _TOP,
    "pytest_plugin": ["fixtures", "pytest_values"],
    "pytest_values": [],
    "pytest_factories": ["fixtures"],
    "sessions": _TOP,
    "program": [*_TOP, "invoke_program"],
    "invoke_program": [],
    "__main__": ["program"],
    "": ["version"],
}

# Third party → modules (and all below them) that may import it.
IMPORTERS: dict[str, list[str]] = {
    "tenacity": ["retry"],
    "dotenv": ["settings"],
    "platformdirs": ["settings", "project"],
    "filelock": ["project", "runtimes"],
    "confluent_kafka": ["clients.kafka"],
    "kafka": [
        "clients.kafka.reassignment",
        "clients.kafka.kafka_python",
        "clients.kafka.each_broker",
    ],
    "aiokafka": ["clients.kafka.for_aiokafka"],
    "kazoo": ["clients.zookeeper_session"],
    "cryptography": ["clients.certificates"],
    "docker": ["clients.docker"],
    "subprocess": ["clients.processes", "clients.secret_command", "clients.zookeeper_link"],
    "psutil": ["clients.processes", "clients.machine", "clients.secret_command"],
    "jgo": ["clients.maven"],
    "requests": ["clients.maven", "clients.docker"],
    "urllib3": ["clients.docker"],
    # It reads and checks our own files (state, locks, indexes, ledgers), and makes the classes of
    # values that nearly every command loads: a frozen dataclass takes 30 times as long to make.
    "msgspec": [
        "acceptance",
        "clients",
        "diagnosis",
        "fixtures",
        "lifecycle",
        "model",
        "probes",
        "project",
        "render.views",
        "runtimes",
        "settings",
        "topics.plan_file",
        "records",
        "snapshots",
    ],
    "rich": ["render"],
    "yaml": [
        "topics.access_yaml",
        "topics.topics_yaml",
        "topics.nodes",
        "topics.export",
        "settings.contexts",
        "diagnosis",
        "tasks",
        "runtimes.compose",
    ],
    "invoke": ["tasks", "program", "invoke_program"],
    "pytest": [
        "acceptance",
        "fixtures.__init__",
        "fixtures.during_tests",
        "fixtures.fixture_bodies",
        "fixtures.hooks",
        "fixtures.told",
        "pytest_plugin",
        "pytest_factories",
    ],
    "_pytest": ["fixtures.told"],
    "nox": ["sessions"],
}

# The environment is for settings; what else may read it, and why.
ENVIRONMENT_READERS = {
    "kafka_tasks.settings.loading": "it is what this module is for",
}

HEAVY = [
    "confluent_kafka",
    "cryptography",
    "docker",
    "rich",
    "yaml",
    "msgspec",
    "tenacity",
    "psutil",
    "kazoo",
    "filelock",
    "jgo",
    "requests",
    "pytest",
]


# Figures that miss their aim (`python tools/house_figures.py`), and how high they may be until they
# meet it: whoever lowers one lowers it here, and removes the line where the aim is met.
BOUNDS: dict[str, float] = {}


@dataclass(frozen=True)
class Arrow:
    """One import: the module that imports, the full name of what, and where."""

    importer: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def _is_type_checking(node: ast.AST) -> bool:
    if not isinstance(node, ast.If):
        return False
    return "TYPE_CHECKING" in {
        getattr(part, "id", getattr(part, "attr", None)) for part in ast.walk(node.test)
    }


def _nodes(tree: ast.AST, *, functions: bool = True) -> Iterator[ast.AST]:
    """Every node that runs, without blocks for type checkers (and without function bodies)."""
    for node in ast.iter_child_nodes(tree):
        if _is_type_checking(node):
            assert isinstance(node, ast.If)
            for other in node.orelse:
                yield from _nodes(other, functions=functions)
            continue
        yield node
        if functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _nodes(node, functions=functions)


def _arrows_in(name: str, source: str, *, is_package: bool, functions: bool = True) -> set[Arrow]:
    found: set[Arrow] = set()
    for node in _nodes(ast.parse(source), functions=functions):
        if isinstance(node, ast.Import):
            found |= {Arrow(name, alias.name, node.lineno) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name.split(".") if is_package else name.split(".")[:-1]
                anchor = package[: len(package) - node.level + 1]
                base = ".".join((*anchor, *([node.module] if node.module else [])))
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(Arrow(name, full if full in MODULES else base, node.lineno))
    return found


def _arrows(*, functions: bool = True) -> list[Arrow]:
    return sorted(
        (
            arrow
            for name, path in MODULES.items()
            for arrow in _arrows_in(
                name,
                path.read_text(encoding="utf-8"),
                is_package=path.name == "__init__.py",
                functions=functions,
            )
        ),
        key=str,
    )


def _inner(module: str) -> str:
    return module.removeprefix("kafka_tasks").removeprefix(".")


def _room(module: str) -> str:
    return _inner(module).partition(".")[0]


def _below(module: str, places: list[str]) -> bool:
    inner = _inner(module)
    packages = {place.removesuffix(".__init__") for place in places if place.endswith(".__init__")}
    return inner in packages or any(
        inner == place or inner.startswith(f"{place}.") for place in places
    )


def _wrong(arrow: Arrow) -> bool:
    top = arrow.target.partition(".")[0]
    if top == "kafka_tasks":
        room = _room(arrow.importer)
        same = room == _room(arrow.target) and room != ""
        return not same and not _below(arrow.target, ROOMS.get(room, []))
    if top in IMPORTERS:
        return not _below(arrow.importer, IMPORTERS[top])
    return top not in sys.stdlib_module_names and top != "__future__"


def test_every_import_goes_the_way_the_house_is_built() -> None:
    """No room imports one that the plan does not allow it, not even inside a function."""
    assert [str(arrow) for arrow in _arrows() if _wrong(arrow)] == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("kafka_tasks.errors", "from kafka_tasks import settings"),
        ("kafka_tasks.model.cluster", "from kafka_tasks.retry import Deadline"),
        ("kafka_tasks.probes.broker", "from kafka_tasks.topics.plan import plan"),
        ("kafka_tasks.runtimes.remote", "def f():\n    import kafka_tasks.probes.readiness"),
        ("kafka_tasks.render.tables", "from kafka_tasks.topics import apply"),
        ("kafka_tasks.render.tables", "from kafka_tasks.lifecycle import up"),
        ("kafka_tasks.lifecycle", "def f():\n    import subprocess"),
        ("kafka_tasks.clients.zookeeper", "from psutil import Process"),
        ("kafka_tasks.lifecycle", "from invoke.context import Context"),
        ("kafka_tasks.topics.apply", "from .. import lifecycle"),
        ("kafka_tasks.topics.apply", "from ..clients.kafka.admin import Admin\nimport attrs"),
        ("kafka_tasks.tasks.cluster", "try:\n    import tenacity\nexcept ImportError:\n    pass"),
    ],
)
def test_a_wrong_arrow_is_noticed(importer: str, source: str) -> None:
    """The check itself finds imports at the top, in functions, in try blocks and relative ones."""
    assert any(_wrong(arrow) for arrow in _arrows_in(importer, source, is_package=False))


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("kafka_tasks.render.tables", "from kafka_tasks.topics.plan import Plan"),
        ("kafka_tasks.retry", "def f():\n    from tenacity import Retrying"),
        ("kafka_tasks.clients.kafka.admin", "from confluent_kafka.admin import AdminClient"),
        (
            "kafka_tasks.model.cluster",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import kafka_tasks.settings",
        ),
        ("kafka_tasks.topics.apply", "from .plan import plan\nfrom . import model"),
    ],
)
def test_a_right_arrow_is_let_through(importer: str, source: str) -> None:
    """What the plan allows, and what only a type checker sees, is no offence."""
    assert not any(_wrong(arrow) for arrow in _arrows_in(importer, source, is_package=False))


def test_every_room_is_on_the_plan() -> None:
    """A new top-level module needs its row in the table before it may import anything."""
    assert {_room(name) for name in MODULES} <= set(ROOMS)


def test_only_settings_reads_the_environment() -> None:
    """os.environ and os.getenv are read in one module and a short list of others, with reasons."""
    readers = set()
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            attribute = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            imported = isinstance(node, ast.ImportFrom) and node.module == "os"
            if (attribute and getattr(node.value, "id", "") == "os") or (  # type: ignore[attr-defined]
                imported and {alias.name for alias in node.names} & {"environ", "getenv"}  # type: ignore[attr-defined]
            ):
                readers.add(name)
    assert readers == set(ENVIRONMENT_READERS)


def _loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return set(json.loads(done.stdout))


def test_listing_the_tasks_loads_nothing_heavy() -> None:
    """`import kafka_tasks.tasks` adds no heavy library to what Invoke itself brings along."""
    invoke = "import invoke.collection, invoke.context, invoke.program, invoke.tasks"
    added = _loaded_by("import kafka_tasks.tasks") - _loaded_by(invoke)
    assert "kafka_tasks.tasks.topic" in added
    assert sorted(set(HEAVY) & {name.partition(".")[0] for name in added}) == []


def test_listing_the_tasks_loads_few_rooms() -> None:
    """Of the package itself, only the tasks are read until one of them runs."""
    rooms = {
        _room(name)
        for name in _loaded_by("import kafka_tasks.tasks")
        if name.partition(".")[0] == "kafka_tasks"
    }
    assert rooms <= {"", "tasks"}


@pytest.mark.parametrize(
    ("runtime", "late"),
    [
        (
            "embedded",
            {"confluent_kafka", "asyncio", "urllib.request", "yaml", "docker"},
        ),
        ("compose", {"confluent_kafka", "asyncio", "urllib.request", "docker"}),
    ],
)
def test_servers_start_before_clients_are_loaded(runtime: str, late: set[str]) -> None:
    """What only their readiness asks for is imported while they start."""
    rooms = f"kafka_tasks.lifecycle.start, kafka_tasks.runtimes.{runtime}.runtime"
    loaded = _loaded_by(f"import kafka_tasks.__main__, {rooms}")
    assert f"kafka_tasks.runtimes.{runtime}.runtime" in loaded
    assert loaded & late == set()


def test_a_run_of_pytest_without_kafka_loads_no_room(tmp_path: Path) -> None:
    """The plugin reads its options and its fixtures, and nothing that serves them."""
    (tmp_path / "test_empty.py").write_text("def test_empty(): pass\n", encoding="utf-8")
    arguments = ["-p", "kafka_tasks.pytest_plugin", "-p", "no:cacheprovider", str(tmp_path)]
    alone = "import os, sys, pytest\nos.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'"
    passes = f"stdout, sys.stdout = sys.stdout, sys.stderr\nassert pytest.main({arguments}) == 0"
    run = f"{alone}\n{passes}\nsys.stdout = stdout"
    loaded = {name for name in _loaded_by(run) if name.partition(".")[0] == "kafka_tasks"}
    assert loaded == {"kafka_tasks", "kafka_tasks.pytest_plugin", "kafka_tasks.pytest_values"}


def test_the_public_names_are_those_that_are_listed() -> None:
    """`__all__` is sorted, complete, and every name in it can be had and is in `dir()`."""
    listed = kafka_tasks.__all__
    assert listed == sorted(listed)
    assert dir(kafka_tasks) == listed
    assert set(listed) == set(kafka_tasks._HOMES)
    for name in listed:
        found = getattr(kafka_tasks, name)
        if name not in kafka_tasks._NAMES:
            assert found.__name__ == name
            assert found.__module__ == f"kafka_tasks.{kafka_tasks._HOMES[name]}"


def test_type_checkers_see_the_same_public_names() -> None:
    """The imports under TYPE_CHECKING name what `__getattr__` serves, from the same modules."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if _is_type_checking(node))
    seen = {
        alias.asname or alias.name: str(node.module).removeprefix("kafka_tasks.")
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == kafka_tasks._HOMES


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    """The lazy package answers like any module for a name that it does not have."""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = kafka_tasks.nonsense


def _public(node: ast.AST) -> bool:
    return isinstance(
        node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    ) and not node.name.startswith("_")


def _undocumented(name: str, tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield name
    for node in tree.body:
        if _public(node):
            assert isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            if not ast.get_docstring(node):
                yield f"{name}.{node.name}"
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if _public(inner) and not ast.get_docstring(inner):  # type: ignore[arg-type]
                    yield f"{name}.{node.name}.{inner.name}"  # type: ignore[attr-defined]


def test_everything_public_has_a_docstring() -> None:
    """Each module, public class, function and method says what it is."""
    missing = [
        entry
        for name, path in MODULES.items()
        for entry in _undocumented(name, ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert missing == []


def _drawn_tree() -> dict[str, tuple[str | None, int]]:
    """Class name → (parent, exit code) as the docstring of errors.py draws it."""
    drawn: dict[str, tuple[str | None, int]] = {}
    open_at: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ([│├└─ ]*)([A-Z]\w+)(?: +(\d+))?(?: +[\w-]+)?", line)
        if not match:
            continue
        depth = len(match[1])
        open_at = [entry for entry in open_at if entry[0] < depth]
        parent = open_at[-1][1] if open_at else None
        inherited = drawn[parent][1] if parent else 1
        drawn[match[2]] = (parent, int(match[3]) if match[3] else inherited)
        open_at.append((depth, match[2]))
    return drawn


def test_the_drawn_error_tree_is_the_real_one() -> None:
    """The docstring of errors.py shows each class below its base, with its exit code."""
    real = {
        name: (
            None if found is errors.KafkaTasksError else found.mro()[1].__name__,
            found.exit_code,
        )
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, errors.KafkaTasksError)
    }
    assert _drawn_tree() == real


def test_error_codes_are_words_for_machines() -> None:
    """Each error class has a code of lower-case words, and exit codes are those of the contract."""
    found = [
        entry
        for entry in vars(errors).values()
        if isinstance(entry, type) and issubclass(entry, errors.KafkaTasksError)
    ]
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", entry.code) for entry in found)
    assert {entry.exit_code for entry in found} == {1, 3, 4, 5, 6, 130}


def test_nothing_has_a_name_that_says_nothing() -> None:
    """No module, folder, class or function is a dumping ground by name."""
    empty = re.compile(r"(?:^|[._])(utils?|helpers?|common|misc)(?:$|[._])", re.IGNORECASE)
    roots = [PACKAGE, PACKAGE.parent / "tests", PACKAGE.parent / "bench"]
    offenders = []
    for path in (path for root in roots for path in root.rglob("*.py")):
        inside = path.relative_to(PACKAGE.parent).with_suffix("")
        names = [
            node.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, (ast.ClassDef, ast.FunctionDef))
        ]
        offenders += [f"{inside}: {name}" for name in (*inside.parts, *names) if empty.search(name)]
    assert offenders == []


def test_every_module_can_be_imported() -> None:
    """Whatever no other test loads is not broken either; optional parts are left out."""
    optional = ("kafka_tasks.__main__", "kafka_tasks.sessions", "kafka_tasks.acceptance")
    for name in MODULES:
        if not name.startswith(optional):
            assert importlib.import_module(name).__name__ == name


def test_model_knows_no_settings_even_for_type_checkers() -> None:
    """Imports under TYPE_CHECKING count too; one file has yet to get rid of its own."""
    graph = imports(house_figures.as_it_stands().package)
    importers = {
        name
        for name, targets in graph.items()
        if _room(name) == "model" and any(_room(t) not in ("model", "errors") for t in targets)
    }
    assert importers <= {"kafka_tasks.model.cluster"}


@pytest.fixture(scope="module")
def figures() -> dict[str, house_figures.Figure]:
    """The figures of the house as it stands, those of a start too."""
    return house_figures.measured(house_figures.as_it_stands(), with_scans=True)


def test_a_bound_is_above_its_aim() -> None:
    """A bound that does not exceed the figure's aim is no longer needed."""
    assert {name for name, bound in BOUNDS.items() if bound <= house_figures.AIMS[name]} == set()


@pytest.mark.parametrize("name", house_figures.AIMS)
def test_no_figure_rises(figures: dict[str, house_figures.Figure], name: str) -> None:
    """Each figure meets its aim, or at least the bound that is set until it does."""
    shown = "\n".join(map(str, figures[name].offences))
    assert figures[name].value <= BOUNDS.get(name, house_figures.AIMS[name]), shown
