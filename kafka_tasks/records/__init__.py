"""Records as JSON lines, in and out."""
