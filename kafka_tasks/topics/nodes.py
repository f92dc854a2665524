"""Reads YAML as nodes with line numbers, and collects every problem."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import yaml

_MAX_BYTES = 64 * 1024 * 1024
# Without comments: tens of thousands of topics, which take ten seconds to read.
_MAX_CONTENT = 4 * 1024 * 1024
_COMMENT = re.compile(r"^[ \t]*(?:#.*)?\n", re.MULTILINE)
_VARIABLE = re.compile(r"\$(?:\$|\{([^}]*)\})")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)(.*))?", re.ASCII | re.DOTALL)
_TAG = "tag:yaml.org,2002:"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_resolver = yaml.SafeLoader("")


@dataclass(slots=True)
class Problems:
    """The problems found so far, with file and line."""

    path: str = ""
    found: list[tuple[str, int, str]] = field(default_factory=list)

    def add(self, node: yaml.Node | None, text: str, line: int = 1) -> None:
        """Add a problem at this node, or at this line."""
        self.found.append((self.path, node.start_mark.line + 1 if node else line, text))

    def lines(self) -> list[str]:
        """Return `path:line: text` for each problem, in order."""
        return [f"{path}:{line}: {text}" for path, line, text in sorted(self.found)]


def compose(path: Path, problems: Problems) -> yaml.Node | None:
    """Return the root of a file, or None after adding a problem."""
    text = ""
    try:
        text = _read(path)
        return _root(text)
    except _TooLarge as error:
        problems.add(None, str(error))
    except UnicodeDecodeError as error:
        problems.add(None, f"it is not UTF-8 (byte {error.start})")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        problems.add(None, _syntax(error, text.splitlines()[line : line + 1]), line + 1)
    except yaml.YAMLError as error:
        problems.add(None, f"it is not YAML: {' '.join(str(error).split())}")
    except RecursionError:
        problems.add(None, "it is nested too deeply")
    except OSError as error:
        problems.add(None, f"it cannot be read: {error.strerror}")
    return None


class _TooLarge(Exception):
    """A file is larger than any that declares topics."""


def _read(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise _TooLarge(f"it is larger than {_MAX_BYTES // 1024 // 1024} MB")
    text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    if len(text) > _MAX_CONTENT and len(_COMMENT.sub("", text)) > _MAX_CONTENT:
        raise _TooLarge(f"it has more than {_MAX_CONTENT // 1024 // 1024} MB of topics")
    return text


def _root(text: str) -> yaml.Node | None:
    loader = _LOADER(text)
    try:
        root: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return root


def _syntax(error: yaml.MarkedYAMLError, line: list[str]) -> str:
    if (error.context or "").startswith("expected a single document"):
        return "a second YAML document begins here; a topics file is one, with one `topics:`"
    said = error.problem or error.context or "it cannot be parsed"
    if "cannot start any token" in said and "\t" in "".join(line):
        return "a tab is not allowed here; YAML is indented with spaces"
    return f"it is not YAML: {said}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads nodes as values of a type; any other node adds a problem and gives None."""

    problems: Problems
    environ: Mapping[str, str]

    def mapping(
        self, node: yaml.Node, what: str, keys: tuple[str, ...] | None = None
    ) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
        """Return key → (its node, its value's node); unknown and repeated keys are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.problems.add(node, f"{what} should be a mapping, not {_kind(node)}")
            return {}
        found: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problems.add(key, f"{_kind(key)} cannot be a key of {what}")
            elif key.value in found:
                first = found[key.value][0].start_mark.line + 1
                self.problems.add(key, f"{key.value} appears twice (first in line {first})")
            elif keys is not None and key.value not in keys:
                self.problems.add(key, _unknown(key.value, what, keys))
            else:
                found[key.value] = (key, value)
        return found

    def sequence(self, node: yaml.Node, what: str) -> Iterator[yaml.Node]:
        """Yield the entries of a list."""
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        else:
            self.problems.add(node, f"{what} should be a list, not {_kind(node)}")

    def scalar(self, node: yaml.Node, what: str) -> tuple[str, str] | None:
        """Return the text of a scalar, variables replaced, and its YAML type (`str`, `int` …)."""
        if not isinstance(node, yaml.ScalarNode):
            self.problems.add(node, f"{what} should be a single value, not {_kind(node)}")
            return None
        text, tag = node.value, node.tag
        if "$" in text:
            filled = self._filled(node, text)
            if filled is None:
                return None
            text = filled
            # A plain scalar has no style, or an empty one from the C parser.
            if not node.style:
                tag = _type_of(text)
        return text, tag.removeprefix(_TAG)

    def _typed(self, node: yaml.Node, what: str) -> tuple[str, str] | None:
        """Read a scalar whose type is given by its key: a variable in quotes may have it."""
        read = self.scalar(node, what)
        if read is None or "$" not in node.value:
            return read
        return read[0], _type_of(read[0]).removeprefix(_TAG)

    def _filled(self, node: yaml.Node, text: str) -> str | None:
        missing = False

        def replace(match: re.Match[str]) -> str:
            nonlocal missing
            if match.group(0) == "$$":
                return "$"
            named = _NAME.fullmatch(match.group(1))
            if named is None:
                missing = True
                self.problems.add(node, f"{match.group(0)} is not of the form ${{NAME:-default}}")
                return ""
            name, operator, default = named.groups()
            value = self.environ.get(name)
            if value is None or (operator == ":-" and value == ""):
                value = default
            if value is None:
                missing = True
                self.problems.add(node, f"{name} is not set; ${{{name}:-…}} would give a default")
            return value or ""

        filled = _VARIABLE.sub(replace, text)
        return None if missing else filled

    def text(self, node: yaml.Node, what: str) -> str | None:
        """Return a text; a number is one, an empty value is not."""
        read = self.scalar(node, what)
        if read is None:
            return None
        if read[1] == "null":
            self.problems.add(node, f"{what} is empty")
            return None
        return read[0]

    def whole(self, node: yaml.Node, what: str) -> int | None:
        """Return a whole number in decimal digits."""
        read = self._typed(node, what)
        if read is None:
            return None
        if read[1] != "int" or not re.fullmatch(r"[+-]?[0-9]{1,18}", read[0], re.ASCII):
            self.problems.add(node, f"{what} is {read[0]!r}, which is not a whole number")
            return None
        return int(read[0])

    def truth(self, node: yaml.Node, what: str) -> bool | None:
        """Return true or false."""
        read = self._typed(node, what)
        if read is None:
            return None
        if read[1] != "bool":
            self.problems.add(node, f"{what} is {read[0]!r}; allowed: true, false")
            return None
        return read[0].lower() in ("true", "yes", "on")


def _type_of(plain: str) -> str:
    """Return the tag that YAML gives a scalar without quotes."""
    return str(_resolver.resolve(yaml.ScalarNode, plain, (True, False)))  # type: ignore[no-untyped-call]


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return repr(node.value) if node.value else "nothing"


@lru_cache(maxsize=1000)
def _unknown(key: str, what: str, keys: tuple[str, ...]) -> str:
    near = get_close_matches(key, keys, n=1)
    return f"{what} has no key {key!r}; " + (
        f"did you mean {near[0]}?" if near else f"allowed: {', '.join(keys)}"
    )
