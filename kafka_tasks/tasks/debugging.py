"""Masks secrets in what `-d` prints: Invoke shows its configuration files as they are."""

from __future__ import annotations

import logging


def mask_debugging() -> None:
    """Mask passwords and private keys in each line of Invoke's own log."""
    logging.getLogger("invoke").addFilter(_masked)


def _masked(record: logging.LogRecord) -> bool:
    from kafka_tasks.diagnosis.secrets import Masker

    record.msg, record.args = Masker(())(record.getMessage()), None
    return True
