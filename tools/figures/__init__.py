"""What the figures of the house mean, one file a definition; standard library only."""
