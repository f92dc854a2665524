"""Topics: what is wanted, what would change, and doing it."""
