"""The benchmark of `nox -s bench`: kafka-tasks and the alternative side by side, as ratios."""
