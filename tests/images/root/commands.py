"""Write kafka-topics and its like into /usr/bin, for the classes that these jars have."""

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
}
TEXT = """#!/bin/sh
export KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xmx256M}"
exec /usr/bin/kafka-run-class %s "$@"
"""

known = {
    name
    for jar in Path("/usr/share/java/kafka").glob("kafka*.jar")
    for name in zipfile.ZipFile(jar).namelist()
}
for command, candidates in COMMANDS.items():
    main = next(name for name in candidates if name.replace(".", "/") + ".class" in known)
    path = Path(f"/usr/bin/kafka-{command}")
    path.write_text(TEXT % main)
    path.chmod(0o755)
