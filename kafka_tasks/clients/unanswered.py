"""The silence of a server that was asked without a client library."""

from __future__ import annotations


class Unanswered(Exception):
    """It did not answer, or what answered was something else."""
