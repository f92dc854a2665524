"""Tasks of your own, with Kafka's beside them."""

from invoke import Collection, Context, task

from kafka_tasks.tasks import kafka


@task
def orders(context: Context) -> None:
    """Start Kafka and make the topic that this project needs."""
    context.run("invoke kafka.up")
    context.run("invoke kafka.topic.create orders --partitions 3 --if-not-exists")


ns = Collection(orders, kafka)
