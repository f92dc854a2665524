"""Values, mute and frozen."""
