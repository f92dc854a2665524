"""Reads and checks topics.yaml; reports all problems at once, with file and line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import yaml

from kafka_tasks.errors import InvalidInput
from kafka_tasks.topics import access_yaml, configs
from kafka_tasks.topics.model import (
    Doubt,
    TopicSpec,
    WantedTopics,
    check_declared_name,
    check_partitions,
    check_replication_factor,
)
from kafka_tasks.topics.nodes import Problems, Reader, compose

_TOP = ("owner", "defaults", "topics", "access")
_SHAPE = ("partitions", "replication_factor", "placement", "config")
_PLACEMENT = ("rack",)
_RACK = ("spread", "any")
_TOPIC = ("name", *_SHAPE, "protected", "state")
_MINIMAL = "topics: [{name: orders, partitions: 3}]"


def read(
    paths: Sequence[Path], environ: Mapping[str, str], *, kafka_line: str | None = None
) -> WantedTopics:
    """Return what these files declare, and all *.yaml and *.yml of these directories.

    `environ` is for `${VAR}`; `kafka_line` (3.9) decides which settings are valid. None allows
    those of any line, and what no line takes is a doubt. Raises `InvalidInput` with every problem
    of every file as evidence.
    """
    problems = Problems()
    specs: list[TopicSpec] = []
    owners: list[str] = []
    doubts: list[Doubt] = []
    access = access_yaml.Access()
    for path in _files(paths, problems):
        problems.path = str(path)
        root = compose(path, problems)
        if root is not None:
            found = _File(Reader(problems, environ), str(path), kafka_line).read(root)
            specs += found.specs
            owners += found.owner
            doubts += found.doubts
            access.add(found)
        elif not any(at == problems.path for at, _, _ in problems.found):
            problems.add(None, f"it is empty; the minimum is: {_MINIMAL}")
    _compare(specs, problems)
    access.require_consistent(problems)
    if problems.found:
        raise _invalid(paths, problems)
    rights, owner = tuple(access.specs), access.owner
    return WantedTopics(tuple(specs), tuple(dict.fromkeys(owners)), tuple(doubts), rights, owner)


def _invalid(paths: Sequence[Path], problems: Problems) -> InvalidInput:
    names = ", ".join(map(str, paths))
    count = len(problems.found)
    what = "1 problem" if count == 1 else f"{count} problems"
    return InvalidInput(
        f"{names}: {what}.",
        evidence=problems.lines(),
        hint="invoke kafka.topic.validate --schema > topics.schema.json gives editors the rules",
    )


def _files(paths: Sequence[Path], problems: Problems) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
            if not inside:
                problems.path = str(path)
                problems.add(None, "this directory has no *.yaml")
            found += inside
        elif not path.exists():
            raise InvalidInput(
                f"There is no file {path}.",
                hint="invoke kafka.init writes a starter topics.yaml; "
                "invoke kafka.topic.export --out topics.yaml writes what the cluster has",
            )
        else:
            found.append(path)
    return found


def _compare(specs: Sequence[TopicSpec], problems: Problems) -> None:
    """Add problems for topics that are declared twice, and for names that collide in metrics."""
    by_name: dict[str, list[TopicSpec]] = defaultdict(list)
    folded: dict[str, list[TopicSpec]] = defaultdict(list)
    for spec in specs:
        by_name[spec.name].append(spec)
        folded[spec.name.replace(".", "_")].append(spec)
    for name, same in by_name.items():
        for again in same[1:]:
            _at(problems, again, f"{name} is declared twice, first at {same[0].origin}")
    for group in folded.values():
        present = [spec for spec in group if not spec.absent]
        for twin in present[1:]:
            if twin.name != present[0].name:
                _at(
                    problems,
                    twin,
                    f"{twin.name} collides with {present[0].name} ({present[0].origin}): "
                    "Kafka's metrics do not distinguish . and _",
                )


def _at(problems: Problems, spec: TopicSpec, text: str) -> None:
    path, _, line = str(spec.origin).rpartition(":")
    problems.found.append((path, int(line), text))


@dataclass(frozen=True, slots=True)
class _Shape:
    partitions: int | None = None
    replication_factor: int | None = None
    rack_spread: bool | None = None
    # None removes a default.
    config: Mapping[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class _File:
    reader: Reader
    path: str
    kafka_line: str | None
    doubts: list[Doubt] = field(default_factory=list)

    def read(self, root: yaml.Node) -> WantedTopics:
        top = self.reader.mapping(root, "the file", _TOP)
        owner = self._owner(top["owner"][1]) if "owner" in top else ()
        shape = _Shape()
        if "defaults" in top:
            shape = self._shape(self.reader.mapping(top["defaults"][1], "defaults", _SHAPE))
        access = access_yaml.read(self.reader, top.get("access"), self.path, owner)
        owning = owner if "access" in top else None
        if "topics" not in top:
            if isinstance(root, yaml.MappingNode) and owning is None:
                self.reader.problems.add(root, f"topics is missing; the minimum is: {_MINIMAL}")
            return WantedTopics((), owner, (), access, owning)
        entries = self.reader.sequence(top["topics"][1], "topics")
        specs = [self._topic(entry, shape, owner) for entry in entries]
        found = tuple(spec for spec in specs if spec is not None)
        return WantedTopics(found, owner, tuple(self.doubts), access, owning)

    def _owner(self, node: yaml.Node) -> tuple[str, ...]:
        entries = [node] if isinstance(node, yaml.ScalarNode) else node.value
        if not isinstance(node, yaml.ScalarNode):
            entries = list(self.reader.sequence(node, "owner"))
        found = [self.reader.text(entry, "an owner's prefix") for entry in entries]
        for entry, prefix in zip(entries, found, strict=True):
            if prefix is not None and not prefix.strip():
                self.reader.problems.add(entry, "an owner's prefix is empty: it would own all")
        return tuple(prefix for prefix in found if prefix)

    def _shape(self, keys: Mapping[str, tuple[yaml.ScalarNode, yaml.Node]]) -> _Shape:
        partitions = self._count(keys, "partitions", check_partitions)
        replicas = self._count(keys, "replication_factor", check_replication_factor)
        config = self._config(keys["config"][1]) if "config" in keys else None
        spread = self._rack_spread(keys["placement"][1]) if "placement" in keys else None
        return _Shape(partitions, replicas, spread, config)

    def _rack_spread(self, node: yaml.Node) -> bool | None:
        """Return whether replicas are to be spread over racks; `any` removes a default."""
        keys = self.reader.mapping(node, "placement", _PLACEMENT)
        if "rack" not in keys:
            if isinstance(node, yaml.MappingNode) and not node.value:
                self.reader.problems.add(
                    node, "placement is empty; write placement: {rack: spread}"
                )
            return None
        at = keys["rack"][1]
        found = self.reader.text(at, "placement.rack")
        if found is not None and found not in _RACK:
            allowed = ", ".join(_RACK)
            self.reader.problems.add(at, f"placement.rack is {found!r}; allowed: {allowed}")
        return found == "spread"

    def _count(
        self,
        keys: Mapping[str, tuple[yaml.ScalarNode, yaml.Node]],
        name: str,
        check: Callable[[int | None], None],
    ) -> int | None:
        if name not in keys:
            return None
        node = keys[name][1]
        found = self.reader.whole(node, name)
        try:
            check(found)
        except InvalidInput as error:
            self.reader.problems.add(node, error.message.rstrip("."))
        return found

    def _config(self, node: yaml.Node) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for key, (_, value) in self.reader.mapping(node, "config").items():
            read = self._value(key, value)
            if read is None:
                continue
            found[key] = read[0]
            strange = configs.unknown(key, self.kafka_line)
            if strange is not None:
                self._add_wrong(key, value, strange, certain=self.kafka_line in configs.lines())
                continue
            wrong = configs.problem(key, read[0], self.kafka_line) if read[0] is not None else None
            if wrong is not None:
                certain = configs.is_certain(key, read[0] or "", self.kafka_line)
                self._add_wrong(key, value, wrong, certain=certain)
        return found

    def _add_wrong(self, key: str, node: yaml.Node, text: str, *, certain: bool) -> None:
        """Add a problem where it is one on every broker of this line, else a doubt."""
        if certain:
            self.reader.problems.add(node, text)
        else:
            self.doubts.append(Doubt(key, f"{self.path}:{node.start_mark.line + 1}", text))

    def _value(self, key: str, node: yaml.Node) -> tuple[str | None] | None:
        """Return the value as Kafka takes it; `(None,)` where a default is removed."""
        if isinstance(node, yaml.SequenceNode):
            parts = [self.reader.text(entry, key) for entry in node.value]
            return (",".join(part for part in parts if part is not None),)
        read = self.reader.scalar(node, key)
        if read is None:
            return None
        text, kind = read
        if kind == "null":
            return (None,)
        if kind == "bool":
            return ("true" if text.lower() in ("true", "yes", "on") else "false",)
        if kind == "float" and configs.is_whole(key):
            return (_whole(text),)
        if kind == "int" and ":" not in text:
            plain = text.replace("_", "")
            return (str(int(plain, 0)) if plain.lower().lstrip("+-").startswith("0x") else plain,)
        return (text,)

    def _topic(self, node: yaml.Node, shape: _Shape, owner: tuple[str, ...]) -> TopicSpec | None:
        reader, problems = self.reader, self.reader.problems
        keys = reader.mapping(node, "a topic", _TOPIC)
        name = self._name(node, keys)
        own = self._shape(keys)
        protected = bool(keys.get("protected") and reader.truth(keys["protected"][1], "protected"))
        absent = "state" in keys and self._absent(keys["state"][1])
        if absent and protected:
            problems.add(node, "a topic cannot be both protected and absent")
        if name is None:
            return None
        return TopicSpec(
            name=name,
            partitions=own.partitions if own.partitions is not None else shape.partitions,
            replication_factor=own.replication_factor
            if own.replication_factor is not None
            else shape.replication_factor,
            rack_spread=bool(own.rack_spread if own.rack_spread is not None else shape.rack_spread),
            config=_merged(shape.config, own.config),
            absent=absent,
            protected=protected,
            owner=owner,
            origin=f"{self.path}:{node.start_mark.line + 1}",
        )

    def _name(
        self, node: yaml.Node, keys: Mapping[str, tuple[yaml.ScalarNode, yaml.Node]]
    ) -> str | None:
        if "name" not in keys:
            if isinstance(node, yaml.MappingNode):
                self.reader.problems.add(node, "a topic needs a name")
            return None
        at = keys["name"][1]
        name = self.reader.text(at, "name")
        if name is None:
            return None
        try:
            check_declared_name(name)
        except InvalidInput as error:
            self.reader.problems.add(at, error.message.rstrip("."))
            return None
        if name.startswith("__"):
            self.reader.problems.add(at, f"{name} is Kafka's own and cannot be declared")
            return None
        return name

    def _absent(self, node: yaml.Node) -> bool:
        found = self.reader.text(node, "state")
        if found not in ("present", "absent", None):
            self.reader.problems.add(node, f"state is {found!r}; allowed: present, absent")
        return found == "absent"


def _whole(text: str) -> str:
    """Return 604800000 for 6.048e+8; what is no whole number stays as it is."""
    try:
        number = Decimal(text.replace("_", ""))
    except ArithmeticError:
        return text
    # Kafka's longest has 19 digits; the exponent may have as many.
    small = number.is_finite() and number.adjusted() < 20
    return str(int(number)) if small and number == number.to_integral_value() else text


def _merged(
    shared: Mapping[str, str | None] | None, own: Mapping[str, str | None] | None
) -> dict[str, str]:
    both = {**(shared or {}), **(own or {})}
    return {key: value for key, value in both.items() if value is not None}
