"""Your own tasks and Kafka's."""

from invoke import Collection, Context, task

from kafka_tasks.tasks import kafka


@task
def orders(context: Context) -> None:
    """Start Kafka and create the topic that this project needs."""
    context.run("invoke kafka.up")
    context.run("invoke kafka.topic.create orders --partitions 3 --if-not-exists")


ns = Collection(orders, kafka)
