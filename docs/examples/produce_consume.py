"""Send three records to test-topic and read them back."""

import json
import subprocess
import uuid

from confluent_kafka import Consumer, Producer

answer = subprocess.run(
    ["kafka-tasks", "env", "--format", "json"], check=True, capture_output=True, text=True
)
connection = json.loads(answer.stdout)

run = uuid.uuid4().hex
producer = Producer({**connection, "acks": "all"})
for number in range(3):
    producer.produce("test-topic", key=run, value=f"order {number}")
producer.flush(10)

consumer = Consumer({**connection, "group.id": run, "auto.offset.reset": "earliest"})
consumer.subscribe(["test-topic"])
missing = 3
while missing:
    record = consumer.poll(10)
    if record is None or record.error():
        raise SystemExit(f"received no record: {record and record.error()}")
    if record.key() == run.encode():
        print(record.value().decode())
        missing -= 1
consumer.close()
