"""Each figure of the house notices what it counts, and lets through what it does not mean."""

from __future__ import annotations

import ast

import house_figures
import pytest
from figures import branches, circles, docstrings, names, sources


def _house(**files: str) -> sources.Sources:
    """Sources by their path below the package; `room__file` stands for `room/file`."""
    found = {}
    for name, text in files.items():
        path = name if "__init__" in name else name.replace("__", "/")
        one = sources.source(f"kafka_tasks/{path}.py", text)
        found[one.module] = one
    return found


@pytest.mark.parametrize(
    "line",
    [
        "found = service.name == ZOOKEEPER",
        "found = [s for s in services if s.role is Role.BROKER]",
        "def f(s):\n    return [s for s in s if s.role == wanted]",
        'if name != "zookeeper": pass',
        'heap = small if name == "kafka" else large',
        "if place in (ZOOKEEPER, ZOOKEEPER_LOG): pass",
        "if ZOOKEEPER not in alive: pass",
        'match role:\n    case "controller": pass',
        "match role:\n    case Role.REGISTRY | Role.BROKER: pass",
        "port = {ZOOKEEPER: 2181}.get(name, 9092)",
        'MAIN = {"zookeeper": "QuorumPeerMain", "broker": "Kafka"}',
        "port = ports[Role.ZOOKEEPER]",
        'if name.startswith("kafka"): pass',
        "if service.is_broker: pass",
        "for name in service_names(brokers)[1:]: pass",
        "if cluster.zookeeper is None: pass",
        "text = str(cluster.zookeeper) if cluster.zookeeper else None",
        "found = alive and not cluster.zookeeper",
        "address = cluster.zookeeper\nif address is None: pass",
        "if address := cluster.zookeeper: pass",
    ],
)
def test_a_branch_on_a_role_is_noticed(line: str) -> None:
    """A comparison, a case, a mapping, a position or a predicate counts, inside functions too."""
    inside = "def f():\n" + "\n".join(f"    {part}" for part in line.splitlines())
    assert len(branches.branches(_house(lifecycle__start=line))) == 1
    assert len(branches.branches(_house(lifecycle__start=inside))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'document = {"zookeeper": str(address), "brokers": 3}',
        'found = document["zookeeper"]',
        'if layer in ("process", "zookeeper"): pass',
        'if glance.failed == "broker": pass',
        "if resource.kind == ResourceType.BROKER: pass",
        'options = {"kafka": name}',
        "cluster = start(settings, [ZOOKEEPER])",
        "for service in topology.brokers: pass",
        "found = READY[service.role](service)",
        "from kafka_tasks.clients import zookeeper\nfound = zookeeper.mode(address) or None",
    ],
)
def test_what_is_no_branch_on_a_role_is_let_through(line: str) -> None:
    """JSON keys, layers, resource types, and what reads a topology or a table of roles."""
    assert branches.branches(_house(lifecycle__start=line)) == []


def test_rooms_that_know_roles_may_branch() -> None:
    """Roles, the topology and the Compose file may ask for a role, settings for the mode alone."""
    asks = 'if name == "zookeeper": pass'
    for path in ("model__topology", "runtimes__roles__broker", "runtimes__compose__plan"):
        assert branches.branches(_house(**{path: asks})) == []
    mode = 'if mode == "zookeeper": pass'
    for path in ("settings__loading", "model__kafka_line"):
        assert branches.branches(_house(**{path: mode})) == []
        assert len(branches.branches(_house(**{path: asks}))) == 1
    assert len(branches.branches(_house(lifecycle__start=mode))) == 1


@pytest.mark.parametrize(
    "back",
    [
        "from kafka_tasks.model import cluster",
        "import kafka_tasks.model.cluster",
        "def f():\n    from kafka_tasks.model.cluster import Address",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..model import cluster",
    ],
)
def test_a_circle_is_noticed(back: str) -> None:
    """Imports count wherever they stand."""
    house = _house(model__cluster="from kafka_tasks.settings import values", settings__values=back)
    (found,) = circles.circles(house)
    assert found.text == "kafka_tasks.model.cluster ↔ kafka_tasks.settings.values"


def test_circles_are_counted_apart_and_whole() -> None:
    """Two that share a module are one; one through a package's own names counts."""
    house = _house(
        a="import kafka_tasks.b, kafka_tasks.c",
        b="import kafka_tasks.a",
        c="import kafka_tasks.a",
        e="import kafka_tasks.a",
        room__d="from kafka_tasks.room import X",
        **{"room/__init__": "from kafka_tasks.room.d import X"},
    )
    assert [found.text for found in circles.circles(house)] == [
        "kafka_tasks.a ↔ kafka_tasks.b ↔ kafka_tasks.c",
        "kafka_tasks.room ↔ kafka_tasks.room.d",
    ]


def test_a_package_and_its_modules_are_no_circle() -> None:
    """That importing a module runs its package's `__init__` does not count."""
    house = _house(
        room__d="from kafka_tasks.room import e\nimport kafka_tasks.room.e",
        room__e="",
        **{"room/__init__": "from kafka_tasks.room.d import X"},
    )
    assert circles.circles(house) == []


def test_a_public_name_without_a_user_is_noticed() -> None:
    """Functions, classes and constants; use in the own file or for passing on is none."""
    house = _house(
        room__d="LIMIT = 3\nT = 4\ndef f() -> int: return LIMIT\nclass Thing: x = f()\n"
        "def passed_on(): pass\ndef taken(): pass\ndef _own(): pass\nalias: int = 0",
        e="from kafka_tasks.room import taken\nfrom kafka_tasks.room import d\nprint(d.T)",
        **{"room/__init__": "from kafka_tasks.room.d import passed_on, taken"},
    )
    found = {offence.text for offence in names.unused(house, {})}
    assert found == {"LIMIT", "f", "Thing", "passed_on", "alias"}


def test_what_is_used_or_found_by_name_is_let_through() -> None:
    """A user, the public API, a signature, an Invoke task, a pytest hook, a test and a fixture."""
    house = _house(
        __init__="from kafka_tasks.room import up",
        room="class Result: pass\ndef up() -> Result: pass\ndef used(): pass",
        tasks__cluster="def down(): pass",
        acceptance__suite="import pytest\ndef pytest_configure(): pass\ndef test_it(): pass\n"
        "@pytest.fixture\ndef session(): pass",
    )
    user = sources.source("bench/rows.py", "import kafka_tasks.room\nkafka_tasks.room.used()")
    assert [str(o) for o in names.unused(house, {user.module: user})] == []


@pytest.mark.parametrize(
    ("opening", "good"),
    [
        ("Return the address.", True),
        ("Start, and wait.", True),
        ("Stop.", True),
        ("What was found.", False),
        ("Whether it runs.", False),
        ("The address.", False),
        ("Seconds since the start.", False),
        ("Returns the address.", False),
        ("`up`: start.", False),
        ("Nothing.", False),
    ],
)
def test_a_docstring_without_a_verb_is_noticed(opening: str, good: bool) -> None:
    """The first word decides."""
    house = _house(room=f'class A:\n    def f(self):\n        """{opening}"""')
    assert (docstrings.verbless(house) == []) is good


def test_docstrings_of_values_need_no_verb() -> None:
    """Properties, fixtures, overloads, tests, classes and magic methods."""
    decorators = ("property", "cached_property", "pytest.fixture(scope='session')", "overload")
    text = "".join(f'@{name}\ndef f():\n    """The value."""\n' for name in decorators)
    text += 'def test_it():\n    """It works."""\nclass A:\n    """A value."""\n'
    text += '    def __str__(self):\n        """As text."""\n'
    assert docstrings.verbless(_house(room=text)) == []


def test_verbs_are_words_of_their_own() -> None:
    """The list has no word twice, and none that opens a noun phrase or a question."""
    words = " ".join(sorted(docstrings.VERBS))
    assert words == words.lower()
    assert not docstrings.VERBS & {"a", "an", "the", "it", "its", "this", "that", "one", "each"}
    assert not docstrings.VERBS & {"what", "which", "whether", "how", "where", "who", "why", "when"}


def test_long_files_and_functions_are_noticed() -> None:
    """The longest file counts, and what nine functions in ten do not exceed."""
    short, long = "def f():\n    pass\n", "def g():\n" + "    pass\n" * 400
    house = house_figures.House(_house(a=short * 8, b=long, c=long), {}, {})
    assert house_figures.longest_file(house).value == 401
    assert house_figures.function_length(house).value == 401
    assert not house_figures.function_length(house).holds
    small = house_figures.House(_house(a=short * 10), {}, {})
    assert house_figures.function_length(small).value == 2
    assert house_figures.longest_file(small).holds


def test_every_figure_of_the_table_has_a_name_and_a_definition() -> None:
    """The aims are those of figures that exist, and each measure says what it means."""
    house = house_figures.House(_house(a="def f():\n    pass\n"), {}, {})
    figures = house_figures.measured(house)
    assert set(house_figures.AIMS) - set(figures) == {"process-scans-before-start"}
    text = house_figures.table(figures)
    assert all(name in text for name in figures)
    tree = ast.parse((sources.ROOT / "tools" / "house_figures.py").read_text(encoding="utf-8"))
    assert all(ast.get_docstring(n) for n in tree.body if isinstance(n, ast.FunctionDef))
