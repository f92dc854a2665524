#!/usr/bin/env bash
# Kafka in a CI job. Keep $KAFKA_TASKS_CACHE between jobs: it has the jars and the class archive.
set -euo pipefail
export KAFKA_TASKS_CACHE="${KAFKA_TASKS_CACHE:-$PWD/.cache/kafka-tasks}"
trap 'kafka-tasks down --wipe --yes' EXIT

kafka-tasks pull
kafka-tasks up --timeout 120
kafka-tasks topic
eval "$(kafka-tasks env)"
"$@"
