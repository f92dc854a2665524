"""Texts that a person reads use the field's terms: documents, output, errors, help, docstrings."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.docs.documents import EXAMPLES, PAGES, ROOT
from tests.docs.terms import ALLOWED, TERMS, Offence, in_file, offences, strings

PACKAGE = ROOT / "kafka_tasks"
# Text that the package ships besides its modules.
SHIPPED = [
    *(PACKAGE / "starters").glob("[!_]*"),
    PACKAGE / "diagnosis" / "signatures.yaml",
    PACKAGE / "topics" / "topics.schema.json",
]
# Read by people, and not a page.
BESIDE = [
    *(
        ROOT / name
        for name in (
            ".env.example",
            "docker-compose.yml",
            "docker-compose.kraft.yml",
            "bootstrap.py",
            "noxfile.py",
        )
    ),
    *sorted(path for path in EXAMPLES.rglob("*.*") if path.is_file() and path.suffix != ".pyc"),
]

# Room or page → phrases that it may still have. Lower the number with each text that is reworded.
LEFT: dict[str, int] = {}


def relative(path: Path) -> str:
    """Return a path within the repository, for test ids and messages."""
    return str(path.relative_to(ROOT))


def without_generated(text: str) -> str:
    """Blank the tables that are made from signatures.yaml, and keep the line numbers."""
    pattern = r"<!-- generated: .*?<!-- end: [^\n]*"
    return re.sub(pattern, lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_page_uses_the_terms(page: Path) -> None:
    """A page has no phrase for which there is a term."""
    text = without_generated(page.read_text(encoding="utf-8"))
    found = list(map(str, offences(text, relative(page))))
    assert len(found) <= LEFT.get(relative(page), 0), "\n".join(found)


@pytest.mark.parametrize("path", BESIDE, ids=relative)
def test_a_file_for_users_uses_the_terms(path: Path) -> None:
    """Examples, `.env.example`, the Compose file and bootstrap.py have none either."""
    found = list(map(str, in_file(path, relative(path))))
    assert len(found) <= LEFT.get(relative(path), 0), "\n".join(found)


def by_room() -> dict[str, list[Offence]]:
    """Return the phrases to replace in the package, by room."""
    found: dict[str, list[Offence]] = defaultdict(list)
    for path in [*sorted(PACKAGE.rglob("*.py")), *SHIPPED]:
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found[room] += in_file(path, relative(path))
    return found


def test_the_package_uses_the_terms() -> None:
    """Strings, docstrings and data of a room have at most the phrases that are still left."""
    over = {
        room: [str(offence) for offence in found]
        for room, found in by_room().items()
        if len(found) > LEFT.get(room, 0)
    }
    shown = "\n".join(line for lines in over.values() for line in lines)
    counts = {room: (len(found), LEFT.get(room, 0)) for room, found in over.items()}
    assert not over, f"found and allowed: {counts}\n{shown}"


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Jars are fetched\nanew.", "anew"),
        ("up goes on where it\n  stopped", "goes on"),
        ("a cluster that somebody else's machine runs", "somebody else's"),
        ("puts data in the place of the cluster's", "in the place of"),
        ("for CI caches and Flights", "Flights"),
        ("What answers at localhost:1 is no Kafka broker.", "is no Kafka broker"),
        ("kafka ended while it was waited for", "ended"),
    ],
)
def test_a_phrase_is_noticed(sentence: str, words: str) -> None:
    """Each phrase is found, over a line break and in any case."""
    assert [found.words for found in offences(sentence, "here")] == [words]


def test_a_sentence_with_the_terms_passes() -> None:
    """Neither parts of words nor what is allowed counts."""
    assert list(offences("marshall canewood bended somebody-elses retails", "here")) == []


def test_strings_of_python_are_noticed_with_their_line() -> None:
    """Literals, f-strings over several lines and docstrings count; names and comments do not."""
    source = (
        '"""Is done anew."""\n'
        "anew = 1  # anew\n"
        "def f(x):\n"
        '    return f"{x} goes " f"on at {x[\'shall\']}"\n'
    )
    found = [
        (offence.place, offence.words)
        for line, text in strings(source)
        for offence in offences(text, "f", line)
    ]
    assert found == [("f:1", "anew"), ("f:4", "goes on"), ("f:4", "shall")]


def test_comments_of_data_are_noticed_over_their_lines(tmp_path: Path) -> None:
    """A phrase that two lines of a comment share is found."""
    path = tmp_path / "some.yaml"
    path.write_text("# the group goes\n# on there\n", encoding="utf-8")
    assert [offence.words for offence in in_file(path, "f")] == ["goes on"]


def test_each_exception_has_a_reason() -> None:
    """An exception names a text that would be found without it, and says why it may stay."""
    for text, reason in ALLOWED.items():
        assert reason
        assert any(re.search(rf"\b(?:{phrase})\b", text, re.IGNORECASE) for phrase in TERMS), text
