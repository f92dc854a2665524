"""Secrets are found wherever they are known, and masked however they are written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.diagnosis.secrets import MASK, Masker, known, own
from tests.unit.any_text import CHARACTERS
from tests.unit.diagnosis.conftest import MakeExam


def test_all_places_are_known(make_exam: MakeExam) -> None:
    """Settings, .env, broker properties and environment."""
    exam = make_exam()
    further = exam.project.path / "further"
    jaas = 'org.apache.X required username="u" password="in-jaas";'
    further.write_text(
        "ssl.key.password=in-properties\nssl.keystore.password : with-a-colon\n"
        f"sasl.jaas.config={jaas}\nlog.dir=plain\n"
    )
    (exam.project.path / ".env").write_text("DB_PASSWORD=in-dotenv\nPLAIN=plain\n")
    exam = make_exam(
        sasl_password="in-settings",
        broker_properties=further,
        environ={"GITHUB_TOKEN": "in-environ", "PLAIN": "plain"},
    )
    found = known(exam.settings, exam.environ)
    assert {"in-settings", "in-dotenv", "in-properties", "in-jaas", "in-environ"} <= found
    assert "plain" not in found
    assert own(exam.settings) == {"in-settings", "in-properties", "with-a-colon", "in-jaas", jaas}


@pytest.mark.parametrize(
    "written",
    [
        "s3cr\"et'/é",
        json.dumps("s3cr\"et'/é"),
        json.dumps("s3cr\"et'/é", ensure_ascii=False),
        quote("s3cr\"et'/é", safe=""),
        base64.b64encode("s3cr\"et'/é".encode()).decode(),
    ],
)
def test_every_form_is_masked(written: str) -> None:
    """As it is, in JSON, in an address, in Base64."""
    text = Masker(["s3cr\"et'/é"])(f"before {written} after")
    assert MASK in text
    assert "s3cr" not in text and base64.b64encode(b"s3cr").decode()[:4] not in text
    assert text.startswith("before ") and text.endswith(" after")


def test_a_short_secret_leaves_words_alone() -> None:
    """One of two letters is masked where it stands alone, and the log stays legible."""
    assert Masker(["ab"])("ab, table, x=ab") == f"{MASK}, table, x={MASK}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sasl.password=hunter2", f"sasl.password={MASK}"),
        ('"api_key": "abc"', f'"api_key": {MASK}'),
        ("http://me:pw@host/x", f"http://me:{MASK}@host/x"),
        ("ssl.key.password = null", f"ssl.key.password = {MASK}"),
        ("token expired", "token expired"),
        ("""{'sasl_password': 'a\\'b"c', 'x': 1}""", f"{{'sasl_password': {MASK}, 'x': 1}}"),
        (
            "'-----BEGIN RSA PRIVATE KEY-----\\nMII=\\n-----END RSA PRIVATE KEY-----\\n'",
            f"'-----BEGIN RSA PRIVATE KEY-----{MASK}-----END RSA PRIVATE KEY-----\\n'",
        ),
        ("it is eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2ln here", f"it is {MASK} here"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, expected: str) -> None:
    """Although nobody told us."""
    assert Masker(())(text) == expected


@given(
    st.text(CHARACTERS, min_size=4, max_size=40).filter(str.strip), st.text(CHARACTERS, max_size=80)
)
def test_no_secret_survives(secret: str, around: str) -> None:
    """Whatever it is made of, wherever it stands."""
    masked = Masker([secret])(f"{around}{secret}{around}")
    assert secret not in masked or secret in MASK * 4


def test_a_sentence_stays_legible() -> None:
    """What is known goes, and passwords in addresses; what is said of their names stays."""
    mask = Masker(["hunter22"])
    said = "KAFKA_TASKS_SASL_PASSWORD=… (not hunter22) for http://me:other@example.org"
    assert mask.sentence(said) == (
        f"KAFKA_TASKS_SASL_PASSWORD=… (not {MASK}) for http://me:{MASK}@example.org"
    )
