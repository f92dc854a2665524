"""The directory a cluster belongs to, and what is written down there."""
