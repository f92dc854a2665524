"""Write kafka-topics and its like for the classes that these jars have: [JARS DIRECTORY SUFFIX]."""

import sys
import zipfile
from pathlib import Path

COMMANDS = {
    "topics": ("org.apache.kafka.tools.TopicCommand", "kafka.admin.TopicCommand"),
    "configs": ("org.apache.kafka.tools.ConfigCommand", "kafka.admin.ConfigCommand"),
    "consumer-groups": (
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        "kafka.admin.ConsumerGroupCommand",
    ),
    "broker-api-versions": (
        "org.apache.kafka.tools.BrokerApiVersionsCommand",
        "kafka.admin.BrokerApiVersionsCommand",
    ),
    "console-producer": ("org.apache.kafka.tools.ConsoleProducer", "kafka.tools.ConsoleProducer"),
    "console-consumer": (
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "kafka.tools.ConsoleConsumer",
    ),
    "storage": ("kafka.tools.StorageTool",),
    "metadata-quorum": (
        "org.apache.kafka.tools.MetadataQuorumCommand",
        "kafka.admin.MetadataQuorumCommand",
    ),
}
TEXT = """#!/bin/sh
export KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xmx256M}"
exec %s/kafka-run-class%s %s "$@"
"""

jars, target, suffix = sys.argv[1:] or ("/usr/share/java/kafka", "/usr/bin", "")
known = {name for jar in Path(jars).glob("kafka*.jar") for name in zipfile.ZipFile(jar).namelist()}
for command, candidates in COMMANDS.items():
    main = next(name for name in candidates if name.replace(".", "/") + ".class" in known)
    path = Path(f"{target}/kafka-{command}{suffix}")
    path.write_text(TEXT % (target, suffix, main))
    path.chmod(0o755)
