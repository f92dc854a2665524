"""What `nox -s bench` runs: ours and the alternative side by side, as ratios."""
