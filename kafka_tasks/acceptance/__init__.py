"""The acceptance suite: pytest modules that run against any cluster that is ready.

`pytest --pyargs kafka_tasks.acceptance` runs what needs no restart. The rest is named in full:
`kafka_tasks.acceptance.before_restart`, and `kafka_tasks.acceptance.after_restart` after one.
`python -m kafka_tasks.acceptance` does all of it with a cluster of its own.
"""
