"""What tests of clients share."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def zookeeper_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """`zookeeper_is(link)` makes that the next connection to localhost:2181."""

    def prepare(link: Any) -> None:
        def connect(address: tuple[str, int], timeout: float) -> Any:
            assert address == ("localhost", 2181)
            return link

        monkeypatch.setattr(socket, "create_connection", connect)

    return prepare
