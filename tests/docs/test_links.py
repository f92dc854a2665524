"""Links lead somewhere, and every command in the documents is one that exists."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.collection import Collection
from invoke.parser.argument import Argument
from invoke.tasks import Task

from kafka_tasks.tasks import kafka
from tests.docs.documents import EXAMPLES, PAGES, ROOT, anchors, blocks, links, prose, table

CORE_FLAGS = {"--dry", "--help", "--list", "--print-completion-script", "--version"}
CORE_VALUES = {"--help", "--print-completion-script"}
COMMAND = re.compile(r"(?:^|[\s`(;|&\"'=])(invoke(?= kafka\.| -)|kafka-tasks) ([^`\n;|&#)>']*)")


def by_name(page: Path) -> str:
    """A page's path, for test ids."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_relative_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    """Each relative link leads to a file that is there, and to a heading in it."""
    for link in links(page):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if heading:
            assert heading in anchors(target), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    """From the README, links lead to each page and each example."""
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        if page.suffix == ".md":
            near = [link.partition("#")[0] for link in links(page) if "://" not in link]
            todo += [(page.parent / link).resolve() for link in near if link]
    assert set(PAGES) <= seen
    shown = {ROOT / b.note.removeprefix("file: ") for page in PAGES for b in blocks(page)}
    files = {path for path in EXAMPLES.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files <= seen | shown


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_included_files_are_as_they_are(page: Path) -> None:
    """A block that shows a file shows all of it, as it is."""
    for block in blocks(page):
        if block.note.startswith("file: "):
            path = ROOT / block.note.removeprefix("file: ")
            assert block.text == path.read_text(encoding="utf-8"), str(block)


def tasks() -> dict[str, Task]:  # type: ignore[type-arg]
    """Every task, under every name that it has in `kafka-tasks`."""
    return dict(_walk(kafka, ""))


def _walk(collection: Collection, prefix: str) -> Iterator[tuple[str, Task]]:  # type: ignore[type-arg]
    for name, task in collection.tasks.items():
        yield prefix + name, task
        yield from ((prefix + alias, task) for alias in task.aliases)
    for name, below in collection.collections.items():
        yield from _walk(below, f"{prefix}{name}.")
        if below.default:
            yield prefix + name, below.tasks[below.default]


def flags(task: Task) -> dict[str, Argument]:  # type: ignore[type-arg]
    """The flags of a task as they are typed."""
    return {
        f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}": argument
        for argument in task.get_arguments()
        for name in argument.names
    }


def commands() -> list[tuple[str, str, str]]:
    """Page, program and arguments of each command in the documents and their shell files."""
    found = []
    for page in [*PAGES, *EXAMPLES.rglob("*.sh"), *EXAMPLES.rglob("*.py")]:
        text = prose(page) if page.suffix == ".md" else page.read_text(encoding="utf-8")
        parts = re.findall(r"`([^`]+)`", text) if page.suffix == ".md" else [text]
        if page.suffix == ".md":
            parts += [block.text for block in blocks(page) if block.language in ("sh", "text")]
        for part in parts:
            found += [
                (by_name(page), program, arguments.strip().rstrip(",."))
                for program, arguments in COMMAND.findall(part)
            ]
    return found


def test_the_documents_have_commands() -> None:
    """The commands are found at all."""
    assert len(commands()) > 100


@pytest.mark.parametrize(("page", "program", "arguments"), sorted(set(commands())))
def test_a_command_is_a_task_with_flags_that_exist(page: str, program: str, arguments: str) -> None:
    """Tasks and flags that a page shows exist."""
    known = tasks()
    task = None
    words = deque(shlex.split(arguments.rstrip('\\"')))
    while words:
        word = words.popleft()
        name = word.removeprefix("kafka.") if program == "invoke" else word
        if word.startswith("-"):
            flag = word.partition("=")[0]
            if flag in CORE_FLAGS:
                if flag in CORE_VALUES and words:
                    words.popleft()
                continue
            assert task is not None, f"{page}: {word} stands before any task"
            assert flag in flags(task), f"{page}: {task.name} has no {flag}"
            argument = flags(task)[flag]
            alone = argument.optional and words and words[0].startswith("-")
            if words and argument.takes_value and "=" not in word and not alone:
                words.popleft()
        elif name in known and (program == "kafka-tasks" or word.startswith("kafka.")):
            task = known[name]
        else:
            positional = task.positional if task else []
            assert positional, f"{page}: {word} is no task"


def test_the_readme_has_each_task_that_is_listed() -> None:
    """The README's table has the tasks of `invoke --list`, no more and no fewer."""
    page = ROOT / "README.md"
    text = page.read_text(encoding="utf-8").split("## Tasks\n")[1].split("\n\n")[0]
    shown = re.findall(r"^\| `kafka\.([\w.]+)`", text, re.MULTILINE)
    assert set(shown) == set(tasks()) - {"topic.ensure"}
    assert len(shown) == len(set(shown))


def test_the_kafka_versions_are_those_of_the_lock_files() -> None:
    """The table of versions has each line that the embedded runtime can run."""
    from kafka_tasks.model import kafka_line
    from kafka_tasks.runtimes.embedded import jars

    found = table(ROOT / "docs" / "how-to" / "choose-java-and-kafka.md", "versions")
    lines = [kafka_line.of_version(name).line for name in jars.supported_lines()]
    modes = {"zookeeper": "ZooKeeper", "kraft": "KRaft"}
    assert found == [
        [
            f"{line.confluent} or {line.kafka}" if line.confluent else line.kafka,
            jars.load_lock(line.kafka).kafka,
            ", ".join(modes[mode] for mode in line.modes),
            f"{line.java[0]} to {line.java[1]}",
        ]
        for line in lines
    ]


def test_the_picture_shows_what_the_readme_says() -> None:
    """The picture has a ready cluster and a proven topic, and fetches nothing from elsewhere."""
    svg = (ROOT / "docs" / "images" / "up.svg").read_text(encoding="utf-8")
    text = re.sub(r"<[^>]+>", "", svg).replace("&#160;", " ")
    for words in ("kafka.up kafka.topic", "Ready after", "localhost:9092", "test-topic created"):
        assert words in text
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", svg)
