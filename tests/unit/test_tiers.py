"""What is left to a release is never all that a module has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tiers import inherited_for_release, telling

TESTS = Path(__file__).parents[1]
SUITES = ("compose", "docs", "integration")
_MARK = "pytest.mark.release"


def _is_left(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return any(ast.unparse(each) == _MARK for each in node.decorator_list)


def _tests(body: list[ast.stmt]) -> Iterator[tuple[str, bool]]:
    """Yield the name of each test, or of what inherits some, and whether a release has it alone."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            own = list(_tests(node.body)) or [(node.name, False)]
            yield from ((name, left or _is_left(node)) for name, left in own)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, _is_left(node)


def hidden(source: str) -> str | None:
    """Return why every commit may miss the kind of this module's tests, None where it has one."""
    tree = ast.parse(source)
    found = list(_tests(tree.body))
    if found and all(left for _, left in found):
        return "no test is left for every commit"
    decorators = sum(
        ast.unparse(each) == _MARK
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        for each in node.decorator_list
    )
    marks = sum(isinstance(n, ast.Attribute) and ast.unparse(n) == _MARK for n in ast.walk(tree))
    if marks > decorators:
        return f"{_MARK} is no decorator: telling() marks cases, and keeps one"
    return None


@pytest.mark.parametrize(
    "path",
    sorted(path for suite in SUITES for path in (TESTS / suite).rglob("test_*.py")),
    ids=lambda path: str(path.relative_to(TESTS)),
)
def test_a_module_keeps_a_test_for_every_commit(path: Path) -> None:
    """However much of it runs before a release alone."""
    assert hidden(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize(
    "source",
    [
        f"@{_MARK}\ndef test_one(): ...\n",
        f"@{_MARK}\nclass TestAll(Contract): ...\n",
        f"pytestmark = {_MARK}\ndef test_one(): ...\n",
        f"@parametrize('n', [pytest.param(1, marks={_MARK})])\ndef test_one(n): ...\n",
    ],
)
def test_a_hidden_module_is_noticed(source: str) -> None:
    """By a marker on each test, on the module, or on each case."""
    assert hidden(source) is not None


def test_of_cases_those_that_are_named_stay() -> None:
    """The others are marked, tuples as several values; what is no case cannot be named."""
    cases = telling([("a", 1), ("b", 2)], ("b", 2))
    assert (cases[0].values, [mark.name for mark in cases[0].marks]) == (("a", 1), ["release"])
    assert cases[1] == ("b", 2)
    for kept in ((), ("c",)):
        with pytest.raises(AssertionError):
            telling(["a", "b"], *kept)


def test_an_inherited_test_is_marked_in_one_class_alone() -> None:
    """The contract and its other heirs keep theirs for every commit."""

    class Contract:
        def test_it(self) -> None: ...

    @inherited_for_release("test_it")
    class Heir(Contract): ...

    assert [mark.name for mark in Heir.test_it.pytestmark] == ["release"]  # type: ignore[attr-defined]
    assert not hasattr(Contract.test_it, "pytestmark")


def test_what_is_marked_is_deselected_without_full(pytester: pytest.Pytester) -> None:
    """And not skipped: no fixture is set up for it, and no line tells of it."""
    pytester.makeconftest(
        "from tests.conftest import pytest_addoption, pytest_collection_modifyitems"
    )
    pytester.makeini("[pytest]\nmarkers = release: of a release")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.release
        def test_of_a_release(): ...

        def test_of_every_commit(): ...
        """
    )
    apart = ("-p", "no:kafka_tasks", "-p", "no:cacheprovider")
    pytester.runpytest_inprocess(*apart).assert_outcomes(passed=1, deselected=1)
    pytester.runpytest_inprocess(*apart, "--full").assert_outcomes(passed=2)
