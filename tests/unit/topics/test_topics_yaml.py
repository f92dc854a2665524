from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from kafka_tasks.errors import InvalidInput
from kafka_tasks.topics import topics_yaml
from kafka_tasks.topics.model import WantedTopics

EXAMPLE = """\
owner: [billing.]
defaults:
  partitions: 3
  replication_factor: 1
  config: {retention.ms: 604800000}
topics:
  - name: billing.orders
    partitions: ${ORDERS_PARTITIONS:-6}
    config: {cleanup.policy: compact}
    protected: true
  - name: billing.old-orders
    state: absent
"""


def _read(path: Path, text: str | bytes, **environ: str) -> WantedTopics:
    at = path / "topics.yaml"
    at.write_bytes(text if isinstance(text, bytes) else text.encode())
    return topics_yaml.read([at], environ, kafka_line="3.9")


def _problems(path: Path, text: str | bytes, **environ: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        _read(path, text, **environ)
    assert caught.value.exit_code == 3
    return [line.removeprefix(f"{path}/topics.yaml:") for line in caught.value.evidence]


def test_a_file_is_read_with_defaults_and_variables(tmp_path: Path) -> None:
    """Defaults are shared, a topic's own values win, a variable has its default."""
    orders, old = _read(tmp_path, EXAMPLE).specs
    assert (orders.name, orders.partitions, orders.replication_factor) == ("billing.orders", 6, 1)
    assert orders.config == {"retention.ms": "604800000", "cleanup.policy": "compact"}
    assert orders.protected
    assert not orders.absent
    assert orders.owner == ("billing.",)
    assert orders.origin == f"{tmp_path}/topics.yaml:7"
    assert old.absent
    assert _read(tmp_path, EXAMPLE, ORDERS_PARTITIONS="9").specs[0].partitions == 9


def test_a_variable_may_stand_in_quotes(tmp_path: Path) -> None:
    """Between braces YAML wants them; what is a text stays one, a number in quotes no number."""
    line = 'topics: [{name: a, partitions: "${N:-3}", protected: "${P:-true}", config: %s}]'
    (spec,) = _read(tmp_path, line % '{compression.type: "${C:-lz4}"}', N="6").specs
    assert (spec.partitions, spec.protected) == (6, True)
    with pytest.raises(InvalidInput) as caught:
        _read(tmp_path, line % "{}", N="six")
    assert caught.value.evidence == (
        f"{tmp_path}/topics.yaml:1: partitions is 'six', which is not a whole number",
    )
    with pytest.raises(InvalidInput):
        _read(tmp_path, 'topics: [{name: a, partitions: "3"}]')


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("604800000", "604800000"),
        ("604_800_000", "604800000"),
        ("0x10", "16"),
        ('"5"', "5"),
        ("${N}", "7"),
        ("${NOT_SET:-8}", "8"),
        ("${EMPTY:-8}", "8"),
    ],
)
def test_a_setting_is_what_kafka_takes(tmp_path: Path, written: str, kept: str) -> None:
    """Numbers keep all their digits, in whatever way YAML lets them be written."""
    text = f"topics:\n- name: a\n  config:\n    retention.ms: {written}\n"
    assert _read(tmp_path, text, N="7", EMPTY="").specs[0].config == {"retention.ms": kept}


@pytest.mark.parametrize(
    ("key", "written", "kept"),
    [
        ("preallocate", "yes", "true"),
        ("preallocate", "False", "false"),
        ("cleanup.policy", "[compact, delete]", "compact,delete"),
        ("min.cleanable.dirty.ratio", "0.5", "0.5"),
        ("leader.replication.throttled.replicas", "0:1", "0:1"),
        ("leader.replication.throttled.replicas", "'*'", "*"),
    ],
)
def test_yamls_other_types_become_kafkas(tmp_path: Path, key: str, written: str, kept: str) -> None:
    """Truth, lists, fractions, and what YAML would read as minutes and seconds."""
    found = _read(tmp_path, f"topics: [{{name: a, config: {{{key}: {written}}}}}]")
    assert found.specs[0].config == {key: kept}


def test_placement_is_a_default_that_a_topic_can_lift(tmp_path: Path) -> None:
    """`any` leaves the replicas of one topic to Kafka."""
    text = (
        "defaults: {placement: {rack: spread}}\n"
        "topics: [{name: a}, {name: b, placement: {rack: any}}, {name: c, partitions: 2}]"
    )
    assert [spec.rack_spread for spec in _read(tmp_path, text).specs] == [True, False, True]
    jsonschema.validate(yaml.safe_load(text), _schema())


@pytest.mark.parametrize(
    ("placement", "said"),
    [
        ("spread", "placement should be a mapping, not 'spread'"),
        ("{}", "placement is empty; write placement: {rack: spread}"),
        ("{rack: even}", "placement.rack is 'even'; allowed: spread, any"),
        ("{racks: spread}", "placement has no key 'racks'; did you mean rack?"),
    ],
)
def test_another_placement_is_a_problem_with_what_is_allowed(
    tmp_path: Path, placement: str, said: str
) -> None:
    """The schema refuses the same."""
    text = f"topics: [{{name: a, placement: {placement}}}]"
    assert _problems(tmp_path, text) == [f"1: {said}"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), _schema())


def test_null_takes_a_default_away(tmp_path: Path) -> None:
    """A topic may do without a shared setting."""
    text = (
        "defaults: {config: {retention.ms: 5, cleanup.policy: compact}}\n"
        "topics: [{name: a, config: {retention.ms: null}}]"
    )
    assert _read(tmp_path, text).specs[0].config == {"cleanup.policy": "compact"}


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """Unknown keys with the nearest, wrong types, bad names, unknown settings, bad values."""
    text = """\
default: {}
topics:
  - name: a.b
    partition: 3
    replication_factor: 0
    config: {retention.mss: 5, cleanup.policy: foo, min.insync.replicas: 0}
  - name: a_b
  - name: a.b
  - {name: "x y", state: gone, protected: maybe, partitions: many}
  - just text
  - name: ${NOPE}
  - name: __consumer_offsets
  - {name: c, protected: true, state: absent}
  - partitions: 3
"""
    assert _problems(tmp_path, text) == [
        "1: the file has no key 'default'; did you mean defaults?",
        "4: a topic has no key 'partition'; did you mean partitions?",
        "5: A replication factor of 0 is not possible; it starts at 1",
        "6: Kafka 3.9 has no topic setting retention.mss; did you mean retention.ms?",
        "6: cleanup.policy is 'foo'; allowed: a list of compact, delete",
        "6: min.insync.replicas is 0; it starts at 1",
        f"7: a_b collides with a.b ({tmp_path}/topics.yaml:3): "
        "Kafka's metrics do not distinguish . and _",
        f"8: a.b is declared twice, first at {tmp_path}/topics.yaml:3",
        "9: The topic name 'x y' has characters that Kafka does not allow: ' '",
        "9: partitions is 'many', which is not a whole number",
        "9: protected is 'maybe'; allowed: true, false",
        "9: state is 'gone'; allowed: present, absent",
        "10: a topic should be a mapping, not 'just text'",
        "11: NOPE is not set; ${NOPE:-…} would give a default",
        "12: __consumer_offsets is Kafka's own and cannot be declared",
        "13: a topic cannot be both protected and absent",
        "14: a topic needs a name",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: it is empty"),
        ("# nothing\n", "1: it is empty"),
        ("null", "1: the file should be a mapping, not 'null'"),
        ("- a\n- b\n", "1: the file should be a mapping, not a list"),
        ("just text", "1: the file should be a mapping, not 'just text'"),
        ("{}", "1: topics is missing"),
        ("topics: 5", "1: topics should be a list, not '5'"),
        ("topics: [", "2: it is not YAML"),
        ("topics:\n\t- name: a\n", "2: a tab is not allowed here"),
        ("topics: []\ntopics: []\n", "2: topics appears twice (first in line 1)"),
        ("topics: [{name: a, name: b}]", "1: name appears twice"),
        ("topics: [{? [a] : b}]", "1: a list cannot be a key of a topic"),
        ("topics: [{name: *x}]", "1: it is not YAML"),
        ("topics: [{name: !!python/object:os.system a}]\nx: 1", "2: the file has no key 'x'"),
        (b"topics: [{name: \xff}]", "1: it is not UTF-8 (byte 16)"),
        ("topics: []\n---\ntopics: []\n", "2: a second YAML document begins here"),
        ("topics: [{name: a\x00b}]", "1: it is not YAML"),
        ("topics: [{name: null}]", "1: name is empty"),
        ("topics: [{name: '${A-'}]", "has characters that Kafka does not allow"),
        ("topics: [{name: '${1A}'}]", "is not of the form ${NAME:-default}"),
    ],
)
def test_what_is_no_topics_file_is_told_in_words(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    """Broken, empty, of another shape: one line that says so, and no traceback."""
    assert any(said in line for line in _problems(tmp_path, text))


def test_a_bomb_of_aliases_does_not_go_off(tmp_path: Path) -> None:
    """Nine levels of nine aliases are a wrong type, at once."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    problems = _problems(tmp_path, "\n".join(levels) + "\ntopics: *a9\n")
    assert any("a topic should be a mapping, not a list" in line for line in problems)


def test_deep_nesting_is_a_sentence(tmp_path: Path) -> None:
    """A hundred thousand brackets end the reading, not the program."""
    assert _problems(tmp_path, "topics: " + "[" * 100_000) == [
        "1: it is not YAML: exceeded maximum nesting depth"
    ]


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    """The file is read as if it had neither, and lines are counted right."""
    text = b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode()
    assert _read(tmp_path, text).specs[0].origin == f"{tmp_path}/topics.yaml:7"


def test_twenty_megabytes_are_read_and_ten_times_that_refused(tmp_path: Path) -> None:
    """Lines are counted right to the last; what no cluster could need is a sentence."""
    padding = ("# " + "x" * 98 + "\n") * 210_000
    text = f"topics:\n- {{name: a}}\n{padding}- {{name: b}}\n"
    assert len(text) > 20 * 1024 * 1024
    assert _read(tmp_path, text).specs[1].origin == f"{tmp_path}/topics.yaml:210003"
    with (tmp_path / "topics.yaml").open("wb") as sparse:
        sparse.truncate(200 * 1024 * 1024)
    with pytest.raises(InvalidInput) as caught:
        topics_yaml.read([tmp_path / "topics.yaml"], {})
    assert "larger than 64 MB" in caught.value.evidence[0]


def test_aliases_may_share_settings(tmp_path: Path) -> None:
    """An anchor is expanded where it is used."""
    text = "topics:\n- {name: a, config: &c {retention.ms: 5}}\n- {name: b, config: *c}\n"
    assert [s.config for s in _read(tmp_path, text).specs] == [{"retention.ms": "5"}] * 2


def test_several_files_and_directories_are_one_declaration(tmp_path: Path) -> None:
    """Each file has its own owner; the same topic in two of them is a problem of the second."""
    many = tmp_path / "many"
    many.mkdir()
    (many / "b.yml").write_text("owner: b.\ntopics: [{name: b.1}]")
    (many / "a.yaml").write_text("owner: [a.]\ntopics: [{name: a.1}]")
    (many / "notes.txt").write_text("not: [read")
    found = topics_yaml.read([many], {})
    assert [(s.name, s.owner) for s in found.specs] == [("a.1", ("a.",)), ("b.1", ("b.",))]
    assert found.owner == ("a.", "b.")
    (many / "c.yaml").write_text("topics: [{name: a.1}]")
    with pytest.raises(InvalidInput) as caught:
        topics_yaml.read([many], {})
    assert caught.value.evidence == (
        f"{many}/c.yaml:1: a.1 is declared twice, first at {many}/a.yaml:2",
    )


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    """The hint names the tasks that write one."""
    with pytest.raises(InvalidInput, match="There is no file") as caught:
        topics_yaml.read([tmp_path / "topics.yaml"], {})
    assert "kafka.init" in (caught.value.hint or "")


def test_an_empty_directory_is_a_problem(tmp_path: Path) -> None:
    """Nothing to read is not the same as nothing wanted."""
    with pytest.raises(InvalidInput) as caught:
        topics_yaml.read([tmp_path], {})
    assert "this directory has no *.yaml" in caught.value.evidence[0]


def _schema() -> Any:
    return json.loads(
        files("kafka_tasks.topics").joinpath("topics.schema.json").read_text(encoding="utf-8")
    )


def test_the_schema_takes_what_the_reader_takes() -> None:
    """The example of the contract is valid, and so are variables where numbers go."""
    jsonschema.Draft202012Validator.check_schema(_schema())
    jsonschema.validate(yaml.safe_load(EXAMPLE), _schema())


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "topics: 5",
        "topics: [{partitions: 3}]",
        "topics: [{name: 'x y'}]",
        "topics: [{name: a, partitions: 0}]",
        "topics: [{name: a, partitions: many}]",
        "topics: [{name: a, state: gone}]",
        "topics: [{name: a, partition: 1}]",
        "topics: [{name: a, config: 5}]",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(tmp_path: Path, text: str) -> None:
    """An editor that knows the schema marks the same mistakes."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), _schema())
    assert _problems(tmp_path, text)


def test_a_file_that_no_cluster_needs_is_refused_unread(tmp_path: Path) -> None:
    """Tens of thousands of topics take ten seconds; what is larger would take minutes."""
    path = tmp_path / "topics.yaml"
    path.write_bytes(b"- *a\n" * 1_000_000)
    with pytest.raises(InvalidInput) as caught:
        topics_yaml.read([path], {})
    assert caught.value.evidence == (f"{path}:1: it has more than 4 MB of topics",)


def test_a_setting_that_no_table_has_is_a_doubt_where_the_line_is_not_known(tmp_path: Path) -> None:
    """The cluster decides: it may be newer. Values of the others are checked all the same."""
    at = tmp_path / "topics.yaml"
    at.write_text("topics:\n  - name: a\n    config: {nobody.knows: 1, retention.ms: 5}\n")
    for line in (None, "5.0"):
        found = topics_yaml.read([at], {}, kafka_line=line)
        assert [(doubt.key, doubt.origin) for doubt in found.doubts] == [
            ("nobody.knows", f"{at}:3")
        ]
        assert dict(found.specs[0].config) == {"nobody.knows": "1", "retention.ms": "5"}
    with pytest.raises(InvalidInput) as caught:
        topics_yaml.read([at], {}, kafka_line="4.4")
    assert caught.value.evidence == (f"{at}:3: Kafka 4.4 has no topic setting nobody.knows",)
    at.write_text("topics:\n  - name: a\n    config: {retention.ms: abc}\n")
    with pytest.raises(InvalidInput):
        topics_yaml.read([at], {}, kafka_line=None)


def test_a_name_that_looks_like_a_flag_is_one_that_kafka_takes(tmp_path: Path) -> None:
    """In a file there are no flags to confuse it with."""
    found = _read(tmp_path, "topics: [{name: -dash}, {name: '123'}]")
    assert [spec.name for spec in found.specs] == ["-dash", "123"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("6.048e+8", "604800000"),
        ("1.0", "1"),
        ("9.223372036854775807e+18", "9223372036854775807"),
    ],
)
def test_a_whole_number_may_be_written_as_yaml_writes_numbers(
    tmp_path: Path, written: str, kept: str
) -> None:
    """A broker takes digits alone."""
    (spec,) = _read(tmp_path, f"topics: [{{name: a, config: {{retention.ms: {written}}}}}]").specs
    assert spec.config == {"retention.ms": kept}


@pytest.mark.parametrize("written", ["6.5", "1.0e+99999999999", ".inf"])
def test_a_number_that_is_not_whole_is_none(tmp_path: Path, written: str) -> None:
    """However large its exponent is."""
    (said,) = _problems(tmp_path, f"topics: [{{name: a, config: {{retention.ms: {written}}}}}]")
    assert "which is not a whole number" in said


NAMES_OF_BROKERS = """\
topics:
  - name: a
    config: {log.retention.ms: -1}
  - name: b
    config: {num.partitions: 6}
  - name: c
    config: {retention.ms: abc}
"""


def test_names_of_brokers_are_refused_with_those_of_topics(tmp_path: Path) -> None:
    """With file and line, without a cluster."""
    first, second, third = _problems(tmp_path, NAMES_OF_BROKERS)
    assert first.startswith("3: Kafka 3.9 has no topic setting log.retention.ms")
    assert first.endswith("a topic has retention.ms")
    assert second.endswith("use the key partitions")
    assert third.startswith("7: retention.ms is 'abc'")


def test_where_the_kafka_is_not_known_they_are_doubts(tmp_path: Path) -> None:
    """The cluster may have settings of its vendor; a value that no broker takes is a problem."""
    path = tmp_path / "topics.yaml"
    path.write_text(NAMES_OF_BROKERS.replace("abc", "-5"))
    wanted = topics_yaml.read([path], {})
    assert [doubt.key for doubt in wanted.doubts] == [
        "log.retention.ms",
        "num.partitions",
        "retention.ms",
    ]
    assert wanted.doubts[0].origin == f"{path}:3"
    path.write_text(NAMES_OF_BROKERS)
    with pytest.raises(InvalidInput, match="1 problem"):
        topics_yaml.read([path], {})
