"""The outside world, one file each; library errors are translated here, once."""
