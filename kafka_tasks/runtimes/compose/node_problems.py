"""What in a Compose file keeps a node in KRaft mode from starting, as Kafka and the images read it.

Each refusal was seen with the Kafka lines 3.5 to 4.4; where lines differ, the image's tag decides.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from difflib import get_close_matches

from kafka_tasks.model.kafka_line import numbers
from kafka_tasks.runtimes.compose.listener_problems import advertised, readable
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

_CLUSTER_ID = "CLUSTER_ID"
_FROM_3_7 = (3, 7)
_FROM_3_9 = (3, 9)
# The first cp-kafka that has a KRaft mode of its own; images of one's own may have lower tags.
_KRAFT_TAGS = (7, 4)
_PLATFORM = (5,)
_ID_BYTES = 16
# The image of Apache Kafka has one id for whoever names none.
_DEFAULT_ID = "the default of apache/kafka"
_CONTROLLERS = "CONTROLLER_LISTENER_NAMES"


def problems(file: ConfiguredFile, member: ConfiguredService) -> Iterator[Problem]:
    """Yield what keeps a node in KRaft mode from starting."""
    if not member.is_told_by_variables or not member.value("PROCESS_ROLES"):
        return
    yield from _missing(file, member)
    yield from _cluster_id(file, member)
    yield from _ids(member)
    yield from _advertised(member)
    yield from _of_controllers_alone(member)


def _missing(file: ConfiguredFile, member: ConfiguredService) -> Iterator[Problem]:
    """Yield the variables that a node needs and does not have."""
    if _needs_cluster_id(member) and not member.environment.get(_CLUSTER_ID):
        others = (each.environment.get(_CLUSTER_ID) for each in file.members)
        id_ = next(filter(None, others), "4L6g3nShT-eMCtK--X86sw")
        yield _not_set(member, _CLUSTER_ID, f"set {_CLUSTER_ID}: {id_} in every node")
    if not (member.value("NODE_ID") or member.value("BROKER_ID")):
        taken = {each.node_id for each in file.members}
        free = next(number for number in range(1, 100) if number not in taken)
        yield _not_set(member, "KAFKA_NODE_ID", f"set KAFKA_NODE_ID: {free}")
    if not member.value(_CONTROLLERS):
        others = (each.value(_CONTROLLERS) for each in file.members)
        name = next(filter(None, others), "CONTROLLER")
        yield _not_set(member, f"KAFKA_{_CONTROLLERS}", f"set KAFKA_{_CONTROLLERS}: {name}")
    if not any(member.value(f"CONTROLLER_QUORUM_{key}") for key in ("VOTERS", "BOOTSTRAP_SERVERS")):
        others = (each.value("CONTROLLER_QUORUM_VOTERS") for each in file.members)
        voters = next(filter(None, others), f"{member.node_id or 1}@{member.name}:9093")
        name = "KAFKA_CONTROLLER_QUORUM_VOTERS"
        yield _not_set(member, name, f"set {name}: {voters}")


def _needs_cluster_id(member: ConfiguredService) -> bool:
    return member.family == "confluent" and not _PLATFORM <= member.version < _KRAFT_TAGS


def _not_set(member: ConfiguredService, variable: str, fix: str) -> Problem:
    known = list(member.environment)
    longer = [name for name in known if name.endswith(f"_{variable}")]
    near = longer or get_close_matches(variable, known, n=1, cutoff=0.85)
    wrong = f"; it has {near[0]}" if near else ""
    return Problem(
        "variable-missing",
        member.name,
        f"{variable} is not set{wrong}",
        f"rename {near[0]} to {variable}" if near else fix,
    )


def _cluster_id(file: ConfiguredFile, member: ConfiguredService) -> Iterator[Problem]:
    """Yield an id that Kafka cannot read, or that other nodes do not have."""
    told = member.environment.get(_CLUSTER_ID, "")
    if told and _is_before(_FROM_3_7, member) and not _is_uuid(told):
        yield Problem(
            "cluster-id-invalid",
            member.name,
            f"CLUSTER_ID is {told}, and Kafka before 3.7 takes only 16 bytes in base64",
            "write one of kafka-storage random-uuid, such as 4L6g3nShT-eMCtK--X86sw",
        )
    first = next(each for each in file.members if each.process_roles)
    ids = [_id_of(each) for each in (first, member)]
    if first.is_told_by_variables and all(ids) and ids[0] != ids[1]:
        yield Problem(
            "cluster-ids-differ",
            member.name,
            f"CLUSTER_ID is {ids[1]}, and that of {first.name} is {ids[0]}",
            f"set CLUSTER_ID: {told or first.environment[_CLUSTER_ID]} in both",
        )


def _is_before(line: tuple[int, ...], member: ConfiguredService) -> bool:
    """Return whether the image is known to have an older Kafka."""
    return member.kafka is not None and numbers(member.kafka.line.kafka) < line


def _id_of(member: ConfiguredService) -> str:
    default = _DEFAULT_ID if member.family == "apache" else ""
    return member.environment.get(_CLUSTER_ID) or default


def _is_uuid(text: str) -> bool:
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", True)) == _ID_BYTES
    except (binascii.Error, ValueError):
        return False


def _ids(member: ConfiguredService) -> Iterator[Problem]:
    """Yield ids that contradict each other, or are those of a controller."""
    node, broker = member.value("NODE_ID"), member.value("BROKER_ID")
    if node and broker and node != broker:
        yield Problem(
            "node-id-wrong",
            member.name,
            f"KAFKA_NODE_ID is {node} and KAFKA_BROKER_ID is {broker}",
            "remove KAFKA_BROKER_ID",
        )
    elif (text := node or broker) and member.node_id is None:
        variable = "KAFKA_NODE_ID" if node else "KAFKA_BROKER_ID"
        yield Problem(
            "node-id-wrong",
            member.name,
            f"{variable} is {text}, and Kafka takes numbers from 0 on",
            f"set {variable}: 1",
        )
    elif "controller" not in member.process_roles:
        told = (part.partition("@") for part in member.value("CONTROLLER_QUORUM_VOTERS").split(","))
        if member.node_id in [int(id_) for id_, at, _ in told if at and id_.strip().isdigit()]:
            yield Problem(
                "node-id-wrong",
                member.name,
                f"it is no controller, and its id {member.node_id} is among the voters",
                f"give {member.name} an id that no controller has, or add controller to "
                "KAFKA_PROCESS_ROLES",
            )


def _advertised(member: ConfiguredService) -> Iterator[Problem]:
    """Yield listeners of controllers that are advertised where Kafka or the image refuses it."""
    if member.process_roles == {"controller"}:
        if member.value("ADVERTISED_LISTENERS") and member.family == "confluent":
            yield Problem(
                "listeners-invalid",
                member.name,
                "KAFKA_ADVERTISED_LISTENERS is set, and the image refuses it for a controller",
                "remove KAFKA_ADVERTISED_LISTENERS",
            )
        return
    names = member.controller_names
    if (inner := member.value("INTER_BROKER_LISTENER_NAME").upper()) in names:
        others = [each.name for each in advertised(member) if each.name not in names]
        yield Problem(
            "listeners-invalid",
            member.name,
            f"KAFKA_INTER_BROKER_LISTENER_NAME is {inner}, where controllers are reached",
            f"set KAFKA_INTER_BROKER_LISTENER_NAME: {(others or ['PLAINTEXT'])[0]}",
        )
        return
    for each in advertised(member) if _is_before(_FROM_3_9, member) else ():
        if each.name in names:
            yield Problem(
                "listeners-invalid",
                member.name,
                f"KAFKA_ADVERTISED_LISTENERS has {each.name}, where controllers are reached, and "
                "Kafka before 3.9 refuses that",
                f"remove {each} from KAFKA_ADVERTISED_LISTENERS",
            )


def _of_controllers_alone(member: ConfiguredService) -> Iterator[Problem]:
    """Yield listeners for clients at a node that has none, and those of controllers at a broker."""
    names, bound = member.controller_names, readable(member.value("LISTENERS"))
    if not names or not bound:
        return
    if member.process_roles == {"controller"}:
        found, why = (
            [each for each in bound if each.name not in names],
            "which a controller has not",
        )
    elif "controller" not in member.process_roles:
        found, why = [each for each in bound if each.name in names], "which is for controllers"
    else:
        return
    for each in found:
        yield Problem(
            "listeners-invalid",
            member.name,
            f"KAFKA_LISTENERS has {each.name}, {why}",
            f"remove {each} from KAFKA_LISTENERS",
        )
