"""The certificates, users and passwords of a secured cluster, in `.kafka-tasks/secure/`."""
