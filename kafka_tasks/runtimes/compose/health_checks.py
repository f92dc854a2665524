"""Health checks that never hold, or cost more than they tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

_WORDS = "conf|cons|crst|dump|envi|gtmk|isro|mntr|ruok|srst|stat|wchc|wchp|wchs"
# `echo ruok | nc …`, `printf 'ruok' …` or `ruok > /dev/tcp/…`; srvr is allowed by default.
_ASKED = re.compile(rf"(?:echo|printf)\s+(?:-\S+\s+)?['\"]?({_WORDS})\b")
_REACHES = re.compile(r"\b(?:nc|ncat|netcat|telnet|socat)\b|/dev/tcp/")
_ALLOWED = re.compile(r"4lw\.commands\.whitelist\s*=\s*([^\s\"']+)")
_TOOLS = (
    "kafka-topics|kafka-broker-api-versions|kafka-configs|kafka-cluster|kafka-metadata-quorum|"
    "kafka-console-producer|kafka-console-consumer|kafka-consumer-groups|kafka-get-offsets|"
    "kafka-metadata-shell|kafka-log-dirs|zookeeper-shell|zkCli|zkServer|cub"
)
_STARTS_JVM = re.compile(
    rf"(?:^|[;&|(`'\"]|\s)(?:/[\w./-]*/)?({_TOOLS})(?:\.sh)?(?=[\s;&|)`'\"]|$)"
)
# Programs whose arguments name a tool without running it.
_LOOKS_AT = re.compile(r"\b(?:ls|test|stat|pgrep|pidof|which|cat|grep)\s[^;&|]*$|-[ef]\s+\S*$")


def problems(file: ConfiguredFile, service: ConfiguredService) -> Iterator[Problem]:
    """Yield what is wrong with the health check of a service."""
    check = service.health_check
    if (word := _refused_word(service)) is not None:
        waiting = [each.name for each in file.members if each.waits_for(service.name)]
        allow = "ruok" if word == "ruok" else f"srvr,{word}"
        yield Problem(
            "four-letter-word",
            service.name,
            f"its health check asks {word}, which ZooKeeper answers only where it is whitelisted"
            + (f"; {', '.join(waiting)} would wait for it for ever" if waiting else ""),
            f"ask srvr instead: echo srvr | nc -w 2 localhost 2181 | grep Mode; or set "
            f"{_whitelist(service, allow)}",
            fatal=bool(waiting),
            reference="confluentinc/kafka-images#28",
        )
    if (tool := tool_of(check)) is not None:
        yield Problem(
            "health-check-heavy",
            service.name,
            f"its health check starts a JVM ({tool}): each check costs a second of CPU time",
            "use the health checks of the packaged docker-compose.yml, which start no JVM",
            fatal=False,
            reference="bitnami/containers#56544",
        )


def tool_of(check: str) -> str | None:
    """Return the program of a health check that starts a JVM; None where it has none."""
    for found in _STARTS_JVM.finditer(check):
        if not _LOOKS_AT.search(check[: found.start(1)]):
            return found[1]
    return None


def _refused_word(service: ConfiguredService) -> str | None:
    """Return the word that the check asks and ZooKeeper refuses; None where it may answer."""
    check = service.health_check
    asked = _ASKED.search(check)
    if not asked or not _REACHES.search(check) or not _has_whitelist(service):
        return None
    allowed = _allowed(service)
    return None if "*" in allowed or asked[1] in allowed else asked[1]


def _has_whitelist(service: ConfiguredService) -> bool:
    """Return True for an image whose ZooKeeper, from 3.5 on, answers whitelisted words alone."""
    mounted = [mount for mount in service.entry.get("volumes") or () if "target" in mount]
    if any(str(mount["target"]).endswith((".cfg", ".properties")) for mount in mounted):
        return False
    if service.family == "confluent":
        # 5.4 has ZooKeeper 3.5; images of one's own have the Kafka line as their tag.
        return service.version >= (5, 4) or (3, 5) <= service.version < (4,)
    return service.family in ("zookeeper", "bitnami") and service.version >= (3, 5)


def _allowed(service: ConfiguredService) -> frozenset[str]:
    environment = service.environment
    told = environment.get("ZOO_4LW_COMMANDS_WHITELIST", "")
    if service.family == "bitnami" and not told:
        told = "srvr,mntr"
    for value in environment.values():
        if match := _ALLOWED.search(value):
            told = match[1]
    return frozenset(word.strip() for word in told.split(",")) | ({"srvr"} if not told else set())


def _whitelist(service: ConfiguredService, words: str) -> str:
    if service.family == "confluent":
        return f"KAFKA_OPTS: -Dzookeeper.4lw.commands.whitelist={words}"
    return f"ZOO_4LW_COMMANDS_WHITELIST: {words}"
