"""Start-time checks and templates: dub ensure NAME | path FILE MODE | properties KIND FILE.

The imports are those that the real tool pays for at each call.
"""

import os
import sys

import docker  # noqa: F401
import jinja2
import requests  # noqa: F401

KAFKA_LEFT_OUT = (
    "KAFKA_VERSION",
    "KAFKA_OPTS",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
)
ZOOKEEPER = {
    "ZOOKEEPER_CLIENT_PORT": "clientPort",
    "ZOOKEEPER_TICK_TIME": "tickTime",
    "ZOOKEEPER_INIT_LIMIT": "initLimit",
    "ZOOKEEPER_SYNC_LIMIT": "syncLimit",
    "ZOOKEEPER_MAX_CLIENT_CNXNS": "maxClientCnxns",
    "ZOOKEEPER_AUTOPURGE_SNAP_RETAIN_COUNT": "autopurge.snapRetainCount",
    "ZOOKEEPER_AUTOPURGE_PURGE_INTERVAL": "autopurge.purgeInterval",
    "ZOOKEEPER_ADMIN_ENABLE_SERVER": "admin.enableServer",
}
TEXT = jinja2.Template("{% for k, v in pairs %}{{ k }}={{ v }}\n{% endfor %}")
LOG = jinja2.Template(
    "log4j.rootLogger={{ level }}, stdout\n"
    "log4j.appender.stdout=org.apache.log4j.ConsoleAppender\n"
    "log4j.appender.stdout.Target={{ target }}\n"
    "log4j.appender.stdout.layout=org.apache.log4j.PatternLayout\n"
    "log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n\n"
)


def key(name):
    """KAFKA_A_B__C___D is a.b_c-d."""
    text = name[len("KAFKA_") :].lower()
    return text.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def kafka():
    """The broker's properties, sorted."""
    names = [n for n in os.environ if n.startswith("KAFKA_") and n not in KAFKA_LEFT_OUT]
    return sorted((key(n), os.environ[n]) for n in names)


def zookeeper():
    """ZooKeeper's properties, sorted."""
    pairs = [(prop, os.environ[name]) for name, prop in ZOOKEEPER.items() if name in os.environ]
    fixed = [("dataDir", "/var/lib/zookeeper/data"), ("dataLogDir", "/var/lib/zookeeper/log")]
    return sorted(pairs + fixed)


def main(verb, *rest):
    """Carry out one call."""
    if verb == "ensure":
        if not os.environ.get(rest[0]):
            sys.exit(f"{rest[0]} is required.")
    elif verb == "path":
        mode = {"writable": os.W_OK, "readable": os.R_OK}[rest[1]]
        good = os.access(rest[0], mode)
        print(
            f"Command [/usr/local/bin/dub path {rest[0]} {rest[1]}]", "ok" if good else "FAILED !"
        )
        sys.exit(0 if good else 1)
    elif verb == "properties":
        pairs = kafka() if rest[0] == "kafka" else zookeeper()
        with open(rest[1], "w") as file:
            file.write(TEXT.render(pairs=pairs))
    elif verb == "log4j":
        tools = "tools" in rest[0]
        name = "KAFKA_TOOLS_LOG4J_LOGLEVEL" if tools else "KAFKA_LOG4J_ROOT_LOGLEVEL"
        level = os.environ.get(name, "WARN" if tools else "INFO")
        with open(rest[0], "w") as file:
            file.write(LOG.render(level=level, target="System.err" if tools else "System.out"))


if __name__ == "__main__":
    main(*sys.argv[1:])
