"""`invoke --list` shows what a cluster here can do."""

from kafka_tasks.tasks import namespace as ns

__all__ = ["ns"]
