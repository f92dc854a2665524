"""The acceptance suite: pytest modules that run against any ready cluster.

`pytest --pyargs kafka_tasks.acceptance` runs the checks that need no restart. For the others, run
`kafka_tasks.acceptance.before_restart`, restart the cluster, and run
`kafka_tasks.acceptance.after_restart`. `python -m kafka_tasks.acceptance` runs all of it on a
temporary cluster.
"""
