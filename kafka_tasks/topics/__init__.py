"""Topics: specifications, plans, and their execution."""
