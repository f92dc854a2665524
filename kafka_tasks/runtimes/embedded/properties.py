"""The servers' properties and log settings, rendered. Paths are relative to the state directory.

Relative, because a Java properties file is Latin-1 and a class path has separators of its own,
while a project's path may have anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


def render(properties: Mapping[str, str]) -> str:
    """Return the text of a Java properties file."""
    return "".join(f"{_escaped(key)}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(text: str) -> str:
    out = text.replace("\\", "\\\\").replace("\n", "\\n")
    out = f"\\{out}" if out.startswith(" ") else out
    return "".join(char if 31 < ord(char) < 127 else _unicode(char) for char in out)


def _unicode(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


class LogSettings(Struct, frozen=True):
    """Log settings of one service: the suffix of their file, its text, and the JVM flag for it."""

    suffix: str
    text: str
    flag: str


def log_settings(service: str, backend: Literal["reload4j", "log4j2"]) -> LogSettings:
    """Return settings for a log backend: one file for the service, 10 MB, three older ones kept.

    Both backends write the same lines and rotate in the same way.
    """
    if backend == "reload4j":
        text = render(_reload4j(service))
        return LogSettings("log4j", text, f"-Dlog4j.configuration=file:./conf/{service}.log4j")
    # log4j 2 goes by the file's suffix.
    suffix = "log4j2.properties"
    flag = f"-Dlog4j2.configurationFile=./conf/{service}.{suffix}"
    return LogSettings(suffix, render(_log4j2(service)), flag)


def _reload4j(service: str) -> dict[str, str]:
    return {
        "log4j.rootLogger": "INFO, file",
        "log4j.appender.file": "org.apache.log4j.RollingFileAppender",
        "log4j.appender.file.File": f"./logs/{service}.log",
        "log4j.appender.file.MaxFileSize": "10MB",
        "log4j.appender.file.MaxBackupIndex": "3",
        "log4j.appender.file.layout": "org.apache.log4j.PatternLayout",
        "log4j.appender.file.layout.ConversionPattern": "[%d] %p %m (%c)%n",
    }


def _log4j2(service: str) -> dict[str, str]:
    """Return the same for log4j 2.

    Its shutdown hook is off: it runs beside the server's own and cuts the log of an orderly end.
    """
    return {
        "status": "error",
        "shutdownHook": "disable",
        "rootLogger": "INFO, file",
        "appender.file.type": "RollingFile",
        "appender.file.name": "file",
        "appender.file.fileName": f"./logs/{service}.log",
        "appender.file.filePattern": f"./logs/{service}.log.%i",
        "appender.file.layout.type": "PatternLayout",
        "appender.file.layout.pattern": "[%d] %p %m (%c)%n%ex",
        "appender.file.policies.type": "SizeBasedTriggeringPolicy",
        "appender.file.policies.size": "10MB",
        "appender.file.strategy.type": "DefaultRolloverStrategy",
        "appender.file.strategy.fileIndex": "min",
        "appender.file.strategy.max": "3",
    }
