"""The cluster in containers, by Docker Compose: argv in, state out."""
