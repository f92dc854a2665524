"""A result for machines: a plain mapping, ready for JSON or YAML."""

from typing import Any

Document = dict[str, Any]
SCHEMA = 1
