"""Consumer groups: their lag, and resets of their offsets."""
