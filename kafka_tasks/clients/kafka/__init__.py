"""Kafka's own protocol: the only importers of confluent_kafka."""
