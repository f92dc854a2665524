"""The files that kafka.init writes."""
