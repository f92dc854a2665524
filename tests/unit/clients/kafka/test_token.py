"""Tokens as commands and endpoints print them."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.clients.kafka import token


def jwt(**claims: Any) -> str:
    """Return a token with these claims, signed by nobody."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".c2ln"


def test_a_jwt_says_when_it_ends() -> None:
    """And whom it names; neither it nor its repr shows the token."""
    text = jwt(exp=2_000_000_000, sub="alice", iss="https://i.test", aud=["kafka", "other"])
    found = token.read(f"\n{text}\n")
    assert (found.value, found.ends_s, found.subject) == (text, 2e9, "alice")
    assert found.claims == "sub 'alice', iss 'https://i.test', aud 'kafka, other'"
    assert not found.has_expired and text not in repr(found)


def test_json_says_how_long_it_lasts() -> None:
    """Where the token itself does not; a number may be text."""
    before = time.time()
    found = token.read(json.dumps({"access_token": "opaque/+~._-==", "expires_in": "60"}))
    assert found.value == "opaque/+~._-==" and found.claims == ""
    assert before + 60 <= found.ends_s <= time.time() + 60
    own = jwt(exp=1)
    assert token.read(json.dumps({"access_token": own, "expires_in": 60})).has_expired


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("s3cret", "neither a JWT nor"),
        ("s3cret with blanks", "neither a JWT nor"),
        ('{"access_token": "s3cret"', "JSON that is not complete"),
        ('{"id_token": "s3cret"}', "neither a JWT nor"),
        ('{"access_token": "s3cret"}', "neither a JWT nor"),
        ('{"access_token": "s3cret", "expires_in": true}', "neither a JWT nor"),
        ('{"access_token": "s3cret", "expires_in": 1e999}', "neither a JWT nor"),
        ('{"access_token": ["s3cret"], "expires_in": 1}', "neither a JWT nor"),
        (jwt(sub="s3cret"), "does not say when it expires"),
        (f"{jwt(exp=2e9)}\nand more", "neither a JWT nor"),
        ("a.!!.c", "neither a JWT nor"),
    ],
)
def test_anything_else_is_no_token(text: str, why: str) -> None:
    """The reason shows nothing of the text."""
    with pytest.raises(ValueError, match=why) as caught:
        token.read(text)
    assert "s3cret" not in str(caught.value)


@given(st.text() | st.text().map(lambda text: json.dumps({"access_token": text})))
def test_any_text_is_a_token_or_an_error(text: str) -> None:
    """Of one kind."""
    with contextlib.suppress(ValueError):
        assert token.read(text).value
