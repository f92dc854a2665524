from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import SettingsError
from kafka_tasks.model.address import Address
from kafka_tasks.model.security import Security
from kafka_tasks.settings import PREFIX, VARIABLES, Origin, load
from tests.unit.settings.sources import loaded

NAMES = [variable.name for variable in VARIABLES]


def _write(path: Path, text: str) -> None:
    (path / ".env").write_text(text, encoding="utf-8")


LAYERS: list[tuple[str, dict[str, Any], str | None]] = [
    ("default", {}, None),
    ("project (remembered)", {"remembered": {"brokers": 2}}, None),
    ("invoke (kafka.brokers)", {"section": {"brokers": 3}}, None),
    (".env (.env:1)", {}, "KAFKA_TASKS_BROKERS=4\n"),
    (
        "environment (KAFKA_TASKS_BROKERS)",
        {"environ": {"KAFKA_TASKS_BROKERS": "5"}},
        None,
    ),
    ("flag (--brokers)", {"flags": {"brokers": "1"}}, None),
]


@pytest.mark.parametrize("height", range(len(LAYERS)))
def test_each_layer_wins_over_those_below(tmp_path: Path, height: int) -> None:
    """Flag > environment > .env > Invoke > remembered > default, and the origin says which."""
    sources: dict[str, Any] = {}
    for _, layer, dotenv in LAYERS[: height + 1]:
        sources |= layer
        if dotenv:
            _write(tmp_path, dotenv)
    found = loaded(tmp_path, **sources)
    assert str(found.origins["brokers"]) == LAYERS[height][0]
    assert found.brokers == [1, 2, 3, 4, 5, 1][height]
    assert found.explicit("brokers") == (height >= 2)


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    """Without any source the documented defaults hold."""
    found = loaded(tmp_path)
    assert (found.runtime, found.port, found.zookeeper_port) == ("auto", 9092, 2181)
    assert (found.version, found.line.kafka, found.brokers) == ("7.9.11", "3.9", 1)
    assert found.kafka_image == "confluentinc/cp-kafka:7.9.11"
    assert found.zookeeper_image == "confluentinc/cp-zookeeper:7.9.11"
    assert (found.timeout, found.launch, found.network_external) == (60.0, "direct", False)
    assert (found.heap, found.zookeeper_heap) == ("512m", "256m")
    assert found.topics_file == tmp_path / "topics.yaml"
    assert found.bootstrap_servers is None
    assert found.client() == {}


def test_the_default_images_follow_the_version(tmp_path: Path) -> None:
    """Another version means other images and another Kafka line."""
    found = loaded(tmp_path, environ={"KAFKA_TASKS_VERSION": "7.5.3"})
    assert found.kafka_image == "confluentinc/cp-kafka:7.5.3"
    assert found.line.kafka == "3.5"


# test_connection_variables.py has these.
_OTHER_SOURCES = {
    *("client_properties", "ssl_ca_pem", "ssl_certificate_pem", "ssl_key_pem"),
    *("ssl_truststore_location", "ssl_truststore_password"),
    *("ssl_keystore_location", "ssl_keystore_password"),
    *("https_ca_pem", "token_command"),
}


def test_every_variable_is_read_from_the_environment(tmp_path: Path) -> None:
    """Each documented name reaches its field."""
    values = {
        "runtime": ("embedded", "embedded"),
        "port": ("auto", "auto"),
        "zookeeper_port": ("12181", 12181),
        "mode": ("kraft", "kraft"),
        "controllers": ("1", 1),
        "controller_port": ("auto", "auto"),
        "version": ("7.5.0", "7.5.0"),
        "kafka_image": ("k:1", "k:1"),
        "zookeeper_image": ("z:1", "z:1"),
        "brokers": ("3", 3),
        "network": ("net", "net"),
        "network_external": ("TRUE", True),
        "broker_properties": ("b.properties", tmp_path / "b.properties"),
        "racks": ("a, b", "a,b"),
        "secure": ("mtls", "mtls"),
        "acl": ("true", True),
        "san": ("kafka.test", "kafka.test"),
        "launch": ("image", "image"),
        "compose_file": ("/c.yml", Path("/c.yml")),
        "timeout": ("1.5", 1.5),
        "bootstrap_servers": ("a:1,b:2", (Address("a", 1), Address("b", 2))),
        "security_protocol": ("SASL_SSL", "SASL_SSL"),
        "sasl_mechanism": ("OAUTHBEARER", "OAUTHBEARER"),
        "sasl_oauthbearer_token_endpoint_url": ("http://i.test/t", "http://i.test/t"),
        "sasl_oauthbearer_client_id": ("id", "id"),
        "sasl_oauthbearer_client_secret": ("cs", "cs"),
        "sasl_oauthbearer_scope": ("a b", "a b"),
        "sasl_oauthbearer_extensions": ("a=b", "a=b"),
        "https_ca_location": ("h.pem", tmp_path / "h.pem"),
        "sasl_username": ("me", "me"),
        "sasl_password": ("pw", "pw"),
        "ssl_ca_location": ("ca.pem", tmp_path / "ca.pem"),
        "ssl_certificate_location": ("c.pem", tmp_path / "c.pem"),
        "ssl_key_location": ("k.pem", tmp_path / "k.pem"),
        "ssl_key_password": ("kp", "kp"),
        "topics_file": ("t.yaml", tmp_path / "t.yaml"),
        "heap": ("1g", "1g"),
        "zookeeper_heap": ("128M", "128M"),
        "java_home": ("/java", Path("/java")),
        "cache": ("/cache", Path("/cache")),
    }
    # A context replaces the connection; certificates have one source.
    others = {"context", *_OTHER_SOURCES}
    assert {*values, *others} == {variable.field for variable in VARIABLES}
    environ = {PREFIX + field.upper(): text for field, (text, _) in values.items()}
    found = loaded(tmp_path, environ=environ)
    for field, (_, expected) in values.items():
        assert getattr(found, field) == expected, field
        assert found.origins[field] == Origin("environment", PREFIX + field.upper())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "abc"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PORT", "9092.0"),
        ("PORT", "٩٠٩٢"),
        ("PORT", "AUTO"),
        ("ZOOKEEPER_PORT", "65536"),
        ("BROKERS", "0"),
        ("BROKERS", "10"),
        ("TIMEOUT", "soon"),
        ("TIMEOUT", "0"),
        ("TIMEOUT", "-5"),
        ("TIMEOUT", "nan"),
        ("TIMEOUT", "inf"),
        ("RUNTIME", "docker"),
        ("NETWORK_EXTERNAL", "maybe"),
        ("HEAP", "512"),
        ("HEAP", "0m"),
        ("HEAP", "-Xmx1g"),
        ("LAUNCH", "sideways"),
        ("SECURITY_PROTOCOL", "ssl"),
        ("BOOTSTRAP_SERVERS", "localhost"),
        ("BOOTSTRAP_SERVERS", "a:1,,b:2"),
        ("BOOTSTRAP_SERVERS", "a:99999"),
        ("BROKER_PROPERTIES", "   "),
        ("CACHE", "~nobody-of-this-name/cache"),
    ],
)
def test_a_bad_value_names_the_variable_and_what_is_allowed(
    tmp_path: Path, name: str, text: str
) -> None:
    """A bad value is exit 3, and its sentence has the variable, the value and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={PREFIX + name: text})
    allowed = next(entry.allowed for entry in VARIABLES if entry.name == PREFIX + name)
    assert caught.value.exit_code == 3
    assert caught.value.message == f"{PREFIX}{name} is {text!r}; allowed: {allowed}."
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("4.5", "newer than Apache Kafka 4.4, the newest supported", "4.4"),
        ("7.9.6-arm", "not a version", "7.9"),
        ("9.0.0", "newer than Confluent Platform 8.3, the newest supported", "8.3"),
        ("7.4", "older than Confluent Platform 7.5, the oldest supported", "7.5"),
        ("3.4.1", "older than Apache Kafka 3.5, the oldest supported", "3.5"),
        ("latest", "a tag that moves from version to version", "7.9"),
    ],
)
def test_another_version_says_why_and_what_is_allowed(
    tmp_path: Path, text: str, reason: str, hint: str
) -> None:
    """What is refused has its reason, every family's lines, and a version to take."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={"KAFKA_TASKS_VERSION": text})
    assert caught.value.exit_code == 3
    assert caught.value.message.startswith(f"KAFKA_TASKS_VERSION is '{text}', {reason}")
    assert "7.5–7.9 and 8.0–8.3, Apache Kafka 3.5–3.9 and 4.0–4.4" in caught.value.message
    assert caught.value.hint == f"KAFKA_TASKS_VERSION={hint}"


def test_a_bad_version_of_a_flag_is_named_as_it_was_typed(tmp_path: Path) -> None:
    """The flag is --kafka-version, whatever its field is called."""
    with pytest.raises(SettingsError, match=r"^--kafka-version is '4\.5', newer") as caught:
        loaded(tmp_path, flags={"version": "4.5"})
    assert caught.value.hint == "--kafka-version 4.4"


@pytest.mark.parametrize(
    ("version", "mode", "resolved"),
    [
        ("7.9", "auto", "zookeeper"),
        ("7.9", "zookeeper", "zookeeper"),
        ("3.5", "kraft", "kraft"),
        ("8.0", "auto", "kraft"),
        ("4.4", "kraft", "kraft"),
    ],
)
def test_the_mode_follows_the_line(tmp_path: Path, version: str, mode: str, resolved: str) -> None:
    """Auto is ZooKeeper for Kafka 3 and KRaft for Kafka 4; a mode that is set counts."""
    found = loaded(tmp_path, flags={"version": version, "mode": mode})
    assert found.resolved_mode == resolved


def test_kafka_4_has_no_zookeeper(tmp_path: Path) -> None:
    """ZooKeeper mode with a version that has none names both."""
    with pytest.raises(SettingsError, match=r"version 8\.0\.0 is Kafka 4\.0: Kafka 4 has no"):
        loaded(tmp_path, flags={"version": "8.0.0"}, environ={"KAFKA_TASKS_MODE": "zookeeper"})
    with pytest.raises(SettingsError, match=r"^--mode is zookeeper"):
        loaded(tmp_path, flags={"version": "4.4", "mode": "zookeeper"})


def test_zookeeper_mode_has_no_controllers_of_its_own(tmp_path: Path) -> None:
    """Dedicated controllers are for KRaft."""
    environ = {"KAFKA_TASKS_CONTROLLERS": "3"}
    with pytest.raises(SettingsError, match="CONTROLLERS is 3, but the mode is zookeeper"):
        loaded(tmp_path, environ=environ)
    assert loaded(tmp_path, environ=environ, flags={"mode": "kraft"}).controllers == 3


@pytest.mark.parametrize(
    ("version", "family", "image"),
    [
        ("4.4", "apache", "apache/kafka:4.4.0"),
        ("8.2.1", "confluent", "confluentinc/cp-kafka:8.2.1"),
    ],
)
def test_the_family_decides_the_broker_image(
    tmp_path: Path, version: str, family: str, image: str
) -> None:
    """Compose gets a whole tag of the family's image."""
    found = loaded(tmp_path, environ={"KAFKA_TASKS_VERSION": version})
    assert (found.family, found.kafka_image) == (family, image)


def test_a_bad_flag_is_named_as_it_was_typed(tmp_path: Path) -> None:
    """The sentence about a flag speaks of the flag, not of a variable."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, flags={"brokers": "many"})
    assert caught.value.message == "--brokers is 'many'; allowed: a number from 1 to 9."
    assert caught.value.hint == "--brokers 1"


def test_a_bad_value_of_invokes_configuration_is_placed_there(tmp_path: Path) -> None:
    """The sentence names the key in Invoke's configuration."""
    with pytest.raises(SettingsError, match=r"KAFKA_TASKS_PORT in kafka\.port is 'x'"):
        loaded(tmp_path, section={"port": "x"})


def test_invokes_values_may_be_yaml_types(tmp_path: Path) -> None:
    """Numbers and booleans of a YAML file are read like text; null is no value."""
    found = loaded(
        tmp_path, section={"port": 9192, "network_external": True, "timeout": 2.5, "network": None}
    )
    assert (found.port, found.network_external, found.timeout) == (9192, True, 2.5)
    assert found.network is None


def test_an_unknown_name_without_a_near_one_is_to_be_removed(tmp_path: Path) -> None:
    """The task that lists the settings fails of it, too."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={"XQ": "1", "KAFKA_TASKS_QQQQQQQQQQQQQQQQQQQQQQQQ": "1"})
    assert caught.value.hint == "remove KAFKA_TASKS_QQQQQQQQQQQQQQQQQQQQQQQQ from the environment"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("KAFKA_TASKS_PROT", "KAFKA_TASKS_PORT"),
        ("KAFKA_TASKS_BROKER", "KAFKA_TASKS_BROKERS"),
        ("KAFKA_TASKS_ZOOKEPER_PORT", "KAFKA_TASKS_ZOOKEEPER_PORT"),
        ("KAFKA_TASKS_BOOTSTRAP", "KAFKA_TASKS_BOOTSTRAP_SERVERS"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(tmp_path: Path, name: str, near: str) -> None:
    """A mistyped variable is an error with the likely name, in each place."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={name: "1"})
    assert caught.value.message == f"{name} in the environment is not a setting of kafka-tasks."
    assert caught.value.hint == f"did you mean {near}?"
    _write(tmp_path, f"A=1\n{name}=1\n")
    with pytest.raises(SettingsError, match=rf"{name} in .*\.env, line 2 is not"):
        loaded(tmp_path)


def test_an_unknown_key_of_invokes_section_is_an_error(tmp_path: Path) -> None:
    """A mistyped key in Invoke's configuration is no silent default."""
    with pytest.raises(SettingsError, match="the kafka section of Invoke's configuration"):
        loaded(tmp_path, section={"prot": 1})


def test_an_empty_variable_is_no_value(tmp_path: Path) -> None:
    """KAFKA_TASKS_PORT= means unset, so that the layer below shows through."""
    _write(tmp_path, "KAFKA_TASKS_PORT=9192\nKAFKA_TASKS_HEAP=\n")
    found = loaded(tmp_path, environ={"KAFKA_TASKS_PORT": ""})
    assert (found.port, found.origins["port"].place) == (9192, ".env:1")
    assert found.origins["heap"].kind == "default"


def test_a_bad_secret_is_not_shown(tmp_path: Path) -> None:
    """The sentence about a bad password does not quote it."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ={"KAFKA_TASKS_SASL_PASSWORD": "   "})
    assert "is ***; allowed: a password" in caught.value.message


def test_brokers_need_room_above_the_first_port(tmp_path: Path) -> None:
    """A first port from which the further brokers would run past 65535 is refused."""
    with pytest.raises(SettingsError, match="leaves no room for 3 brokers"):
        loaded(tmp_path, environ={"KAFKA_TASKS_PORT": "65534", "KAFKA_TASKS_BROKERS": "3"})
    assert (
        loaded(tmp_path, environ={"KAFKA_TASKS_PORT": "65533", "KAFKA_TASKS_BROKERS": "3"}).brokers
        == 3
    )


@pytest.mark.parametrize(("keeper", "clash"), [("9091", False), ("9094", True), ("9095", False)])
def test_zookeepers_port_is_not_a_brokers(tmp_path: Path, keeper: str, clash: bool) -> None:
    """ZooKeeper's port must lie outside the range of the brokers' ports."""
    environ = {"KAFKA_TASKS_BROKERS": "3", "KAFKA_TASKS_ZOOKEEPER_PORT": keeper}
    if clash:
        with pytest.raises(SettingsError, match="is also a broker's port"):
            loaded(tmp_path, environ=environ)
    else:
        assert loaded(tmp_path, environ=environ).zookeeper_port == int(keeper)


@pytest.mark.parametrize(
    ("port", "controllers", "said"),
    [
        ("9091", "0", None),
        ("9092", "0", "CONTROLLER_PORT=9092 is also a broker's port (3 from 9092)"),
        ("9090", "3", "CONTROLLER_PORT=9090 is also a broker's port (port 9092 of 3 from 9090)"),
        ("9095", "3", None),
        ("65534", "3", "CONTROLLER_PORT=65534 leaves no room for 3 controllers"),
        ("65535", "1", None),
    ],
)
def test_a_controllers_port_is_not_a_brokers_and_exists(
    tmp_path: Path, port: str, controllers: str, said: str | None
) -> None:
    """One broker of three is a voter in the first case, and ZooKeeper's port does not matter."""
    environ = {
        "KAFKA_TASKS_VERSION": "4.4",
        "KAFKA_TASKS_BROKERS": "3",
        "KAFKA_TASKS_CONTROLLERS": controllers,
        "KAFKA_TASKS_CONTROLLER_PORT": port,
        "KAFKA_TASKS_ZOOKEEPER_PORT": "9093",
    }
    if port == "9091":
        environ["KAFKA_TASKS_BROKERS"] = "1"
    if said is None:
        assert loaded(tmp_path, environ=environ).controller_port == int(port)
        return
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, environ=environ)
    assert said in caught.value.message
    assert caught.value.exit_code == 3


def test_remote_needs_an_address(tmp_path: Path) -> None:
    """The remote runtime without bootstrap servers is refused."""
    with pytest.raises(SettingsError, match="KAFKA_TASKS_BOOTSTRAP_SERVERS is not set"):
        loaded(tmp_path, environ={"KAFKA_TASKS_RUNTIME": "remote"})


def test_java_home_is_kept_apart_from_our_own_variable(tmp_path: Path) -> None:
    """JAVA_HOME is a candidate, KAFKA_TASKS_JAVA_HOME is binding: two fields."""
    found = loaded(tmp_path, environ={"JAVA_HOME": "/opt/java"})
    assert (found.java_home, found.java_home_variable) == (None, Path("/opt/java"))
    assert loaded(tmp_path, environ={"JAVA_HOME": ""}).java_home_variable is None


def test_the_cache_is_the_users_unless_set(tmp_path: Path, home: Path) -> None:
    """Without a setting the cache is a directory of this name in the user's home."""
    cache = loaded(tmp_path).cache
    assert cache.is_relative_to(home) and cache.name == "kafka-tasks"
    assert loaded(tmp_path, environ={"KAFKA_TASKS_CACHE": "~/c"}).cache == home / "c"


def test_without_an_environment_the_process_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load` without `environ` reads the environment of the process."""
    monkeypatch.setenv("KAFKA_TASKS_PORT", "9192")
    assert load(tmp_path).port == 9192


@given(port=st.integers(1, 65535))
def test_every_port_is_read(port: int) -> None:
    """Each number from 1 to 65535 is a port."""
    environ = {"KAFKA_TASKS_PORT": str(port), "KAFKA_TASKS_ZOOKEEPER_PORT": "auto"}
    assert load(Path("/nowhere"), environ=environ).port == port


@given(text=st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20))
def test_any_text_is_a_value_or_a_sentence(text: str) -> None:
    """No text in any variable is anything but accepted or a SettingsError."""
    for name in NAMES:
        try:
            load(Path("/nowhere"), environ={name: text})
        except SettingsError as error:
            assert error.message


def test_a_number_too_long_for_python_is_a_bad_value(tmp_path: Path) -> None:
    """YAML's 0xfff… has no text; it is refused like any other."""
    with pytest.raises(SettingsError, match=r"in kafka\.port is"):
        loaded(tmp_path, section={"port": 16**5000})


def test_a_nul_is_no_part_of_a_path(tmp_path: Path) -> None:
    """A .env may have one; no file name does."""
    (tmp_path / ".env").write_text("KAFKA_TASKS_TOPICS_FILE=a\0b\n")
    with pytest.raises(SettingsError, match=r"KAFKA_TASKS_TOPICS_FILE in \.env:1 is 'a\\x00b'"):
        loaded(tmp_path)


@pytest.mark.parametrize(
    ("version", "unused"),
    [
        ("7.9", {"controllers", "controller_port"}),
        ("4.4", {"zookeeper_port", "zookeeper_heap", "zookeeper_image"}),
    ],
)
def test_settings_of_the_other_mode_are_unused(
    tmp_path: Path, version: str, unused: set[str]
) -> None:
    """They are fields of the settings, and nothing is checked of them."""
    found = load(tmp_path, environ={"KAFKA_TASKS_VERSION": version})
    assert found.unused == unused
    assert all(hasattr(found, name) for name in unused)


def test_the_mode_of_the_last_start_is_kept(tmp_path: Path) -> None:
    """Where the version has it, and nobody says otherwise."""
    remembered = {"version": "7.9.6", "recorded_mode": "kraft", "combined": 1}
    kept = load(tmp_path, environ={}, remembered=remembered)
    assert (kept.resolved_mode, kept.combined) == ("kraft", 1)
    said = {"KAFKA_TASKS_MODE": "zookeeper"}
    assert load(tmp_path, environ=said, remembered=remembered).resolved_mode == "zookeeper"
    old = {"version": "4.4.0", "recorded_mode": "zookeeper"}
    assert load(tmp_path, environ={}, remembered=old).resolved_mode == "kraft"


@pytest.mark.parametrize(
    ("text", "racks"), [("a", "a"), ("a,b", "a,b"), (" eu-1 , eu-2 ", "eu-1,eu-2")]
)
def test_racks_are_names(tmp_path: Path, text: str, racks: str) -> None:
    """Blanks around them do not count."""
    assert load(tmp_path, environ={"KAFKA_TASKS_RACKS": text}).racks == racks


@pytest.mark.parametrize("text", [",", "a,", "a b", "a,,b", "ä", "a=b"])
def test_what_is_no_rack_is_refused(tmp_path: Path, text: str) -> None:
    """Each broker needs one."""
    with pytest.raises(SettingsError, match=r"KAFKA_TASKS_RACKS is .*names, separated by commas"):
        load(tmp_path, environ={"KAFKA_TASKS_RACKS": text})


def test_an_authorizer_needs_clients_with_names(tmp_path: Path) -> None:
    """With tls or without security, no one could get a right; what was remembered gives way."""
    for secure in ("none", "tls"):
        environ = {PREFIX + "SECURE": secure, PREFIX + "ACL": "true"}
        with pytest.raises(SettingsError, match="clients have no names") as raised:
            loaded(tmp_path, environ=environ)
        assert "KAFKA_TASKS_SECURE=scram" in str(raised.value.hint)
    remembered = {"secure": "scram", "acl": True}
    assert loaded(tmp_path, remembered=remembered).security == Security("scram", acl=True)
    changed = loaded(tmp_path, remembered=remembered, flags={"secure": "tls"})
    assert changed.security == Security("tls")
    assert loaded(tmp_path, remembered=remembered, flags={"secure": "none"}).security is None


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("kafka.test", ("kafka.test",)),
        (" b.test, A.test ,b.test", ("a.test", "b.test")),
        ("10.0.0.1,fd00::0:1", ("10.0.0.1", "fd00::1")),
    ],
)
def test_names_of_a_certificate_are_compared_in_one_spelling(
    tmp_path: Path, text: str, hosts: tuple[str, ...]
) -> None:
    """Order, case, blanks and repetitions make no other certificate; each kind has one."""
    for kind in ("scram", "tls"):
        environ = {PREFIX + "SECURE": kind, PREFIX + "SAN": text}
        security = loaded(tmp_path, environ=environ).security
        assert security is not None and security.hosts == hosts
        again = loaded(tmp_path, remembered=security.choices)
        assert (again.security, again.explicit("san")) == (security, False)


@pytest.mark.parametrize(
    "text", [",", "a,", "a b", "*.test", ",".join(f"h{n}" for n in range(101))]
)
def test_names_that_no_certificate_has_are_refused(tmp_path: Path, text: str) -> None:
    """So is a list that every handshake would carry."""
    environ = {PREFIX + "SECURE": "scram", PREFIX + "SAN": text}
    with pytest.raises(SettingsError, match=r"KAFKA_TASKS_SAN is .*allowed: host names, such as"):
        loaded(tmp_path, environ=environ)


def test_a_flag_without_a_default_is_left_out(tmp_path: Path) -> None:
    """`--san None` would be a host."""
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, flags={"secure": "scram", "san": "300.1.1.1"})
    assert caught.value.hint == "leave out --san"


def test_names_need_a_certificate(tmp_path: Path) -> None:
    """Without security they would change nothing; remembered ones give way."""
    with pytest.raises(SettingsError, match="only a secured cluster has a certificate") as raised:
        loaded(tmp_path, environ={PREFIX + "SAN": "kafka.test"})
    assert "KAFKA_TASKS_SECURE=scram" in str(raised.value.hint)
    remembered = {"secure": "scram", "san": "kafka.test"}
    assert loaded(tmp_path, remembered=remembered, flags={"secure": "none"}).security is None
