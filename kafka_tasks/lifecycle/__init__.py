"""The verbs of a cluster's life: up, down, restart, wait, status, pull."""
