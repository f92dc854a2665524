"""The servers' properties and log settings, rendered. Paths are relative to the state directory.

Relative, because a Java properties file is Latin-1 and a class path has separators of its own,
while a project's path may have anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from kafka_tasks.model.cluster import broker_id


def zookeeper(port: int) -> dict[str, str]:
    """One ZooKeeper on loopback, without its web console (which would open port 8080)."""
    return {
        "dataDir": "./data/zookeeper",
        "clientPort": str(port),
        "clientPortAddress": "127.0.0.1",
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "srvr,dump",
        "tickTime": "2000",
        "maxClientCnxns": "0",
        "autopurge.snapRetainCount": "3",
        "autopurge.purgeInterval": "24",
    }


def broker(
    service: str, *, port: int, zookeeper_port: int, brokers: int, further: Mapping[str, str]
) -> dict[str, str]:
    """One broker on loopback.

    Kafka's defaults expect three brokers and patient clients; with fewer the internal topics could
    not be created (failures 19). A session of 6 s instead of 18 s shortens the wait after a kill,
    no rebalance delay makes a first consumer 3 s faster, and the smaller pools fit a laptop.
    """
    replicas = min(3, brokers)
    in_sync = max(1, replicas - 1)
    return {
        "broker.id": str(broker_id(service)),
        "listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "advertised.listeners": f"PLAINTEXT://localhost:{port}",
        "zookeeper.connect": f"127.0.0.1:{zookeeper_port}",
        "log.dirs": f"./data/{service}",
        "zookeeper.session.timeout.ms": "6000",
        "zookeeper.connection.timeout.ms": "18000",
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "default.replication.factor": str(replicas),
        "group.initial.rebalance.delay.ms": "0",
        "controlled.shutdown.retry.backoff.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "16777216",
        **further,
    }


def render(properties: Mapping[str, str]) -> str:
    """As the text of a Java properties file."""
    return "".join(f"{_escaped(key)}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(text: str) -> str:
    out = text.replace("\\", "\\\\").replace("\n", "\\n")
    out = f"\\{out}" if out.startswith(" ") else out
    return "".join(char if 31 < ord(char) < 127 else _unicode(char) for char in out)


def _unicode(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def log_settings(service: str) -> str:
    """log4j: one file for the service, 10 MB, three older ones kept."""
    return render(
        {
            "log4j.rootLogger": "INFO, file",
            "log4j.appender.file": "org.apache.log4j.RollingFileAppender",
            "log4j.appender.file.File": f"./logs/{service}.log",
            "log4j.appender.file.MaxFileSize": "10MB",
            "log4j.appender.file.MaxBackupIndex": "3",
            "log4j.appender.file.layout": "org.apache.log4j.PatternLayout",
            "log4j.appender.file.layout.ConversionPattern": "[%d] %p %m (%c)%n",
        }
    )
