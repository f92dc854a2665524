"""Every setting with its origin; the only reader of the environment and of `.env`.

Precedence: flag > environment > `.env` of the project > `kafka` section of Invoke's configuration
> what the project remembers (ports picked by `auto`, number of brokers) > default.
"""

from __future__ import annotations

from kafka_tasks.settings.dotenv_file import dotenv_values_of
from kafka_tasks.settings.loading import environment, load
from kafka_tasks.settings.values import NO_CONNECTION, NO_DECLARATION, Settings, as_environment
from kafka_tasks.settings.variable import PREFIX, Origin, Variable
from kafka_tasks.settings.variables import VARIABLES

__all__ = [
    "NO_CONNECTION",
    "NO_DECLARATION",
    "PREFIX",
    "VARIABLES",
    "Origin",
    "Settings",
    "Variable",
    "as_environment",
    "dotenv_values_of",
    "environment",
    "load",
]
