"""The machine, the configuration and the cluster examined: cause, evidence and fix."""
