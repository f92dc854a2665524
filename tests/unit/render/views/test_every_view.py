"""Every view has the same two functions."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from kafka_tasks.render import views

NAMES = sorted(path.stem for path in Path(views.__file__).parent.glob("[!_]*.py"))


@pytest.fixture(params=NAMES)
def view(request: pytest.FixtureRequest) -> ModuleType:
    """Each module of `render/views` in turn."""
    return import_module(f"{views.__name__}.{request.param}")


def test_a_view_has_a_document_and_a_text_of_the_same_result(view: ModuleType) -> None:
    """One result a module, and nothing else to say about it."""
    document, text = inspect.signature(view.document), inspect.signature(view.text)
    (result,) = document.parameters.values()
    first, *rest = text.parameters.values()
    assert first.annotation == result.annotation
    assert [parameter.name for parameter in rest] in ([], ["width"])
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in rest)
