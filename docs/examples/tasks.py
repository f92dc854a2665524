from kafka_tasks.tasks import namespace as ns

__all__ = ["ns"]
