"""The servers' properties and log settings, rendered. Paths are relative to the state directory.

Relative, because a Java properties file is Latin-1 and a class path has separators of its own,
while a project's path may have anything.
"""

from __future__ import annotations

from collections.abc import Mapping


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


def log_settings(service: str) -> str:
    """Return settings for log4j 1: one file for the service, 10 MB, three older ones kept."""
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
