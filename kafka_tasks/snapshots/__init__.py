"""The data of a stopped cluster, out into one file and back."""
