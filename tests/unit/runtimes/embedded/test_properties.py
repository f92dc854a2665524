from __future__ import annotations

import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.runtimes.embedded import properties
from tests.unit.any_text import CHARACTERS


def _read_as_java(text: str) -> dict[str, str]:
    """What java.util.Properties would load from lines without continuation or comment."""

    def unescape(piece: str) -> str:
        plain = re.sub(
            r"\\(u([0-9a-fA-F]{4})|(.))",
            lambda m: chr(int(m[2], 16)) if m[2] else {"n": "\n", "t": "\t"}.get(m[3], m[3]),
            piece,
        )
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")

    found = {}
    for line in text.split("\n")[:-1]:
        key, _, value = line.partition("=")
        found[unescape(key)] = unescape(value.lstrip(" \t\f"))
    return found


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True, alphabet=CHARACTERS),
        st.text(CHARACTERS, max_size=40).filter(lambda text: True),
        max_size=6,
    )
)
def test_any_value_survives_the_properties_file(values: dict[str, str]) -> None:
    """Letters of any script, backslashes and line breaks come back as they went in, in ASCII."""
    text = properties.render(values)
    assert text.isascii()
    assert _read_as_java(text) == values


@pytest.mark.parametrize(
    ("backend", "suffix", "flag", "keys"),
    [
        (
            "reload4j",
            "log4j",
            "-Dlog4j.configuration=file:./conf/kafka-2.log4j",
            ("File", "MaxFileSize", "MaxBackupIndex", "layout.ConversionPattern"),
        ),
        (
            "log4j2",
            "log4j2.properties",
            "-Dlog4j2.configurationFile=./conf/kafka-2.log4j2.properties",
            ("fileName", "policies.size", "strategy.max", "layout.pattern"),
        ),
    ],
)
def test_logs_go_to_a_rotating_file_of_the_service(
    backend: Literal["reload4j", "log4j2"], suffix: str, flag: str, keys: tuple[str, ...]
) -> None:
    """Ten megabytes and three older files, relative to the state directory, in the same lines."""
    found = properties.log_settings("kafka-2", backend)
    assert (found.suffix, found.flag) == (suffix, flag)
    read = _read_as_java(found.text).items()
    written = {key.rpartition("appender.file.")[2]: value for key, value in read}
    file, size, older, pattern = (written[key] for key in keys)
    assert (file, size, older) == ("./logs/kafka-2.log", "10MB", "3")
    assert pattern.startswith("[%d] %p %m (%c)%n")
