"""Real ZooKeeper and Kafka as plain processes of this machine."""
