"""What every test shares."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("kafka-tasks", deadline=None, max_examples=60)
settings.load_profile("kafka-tasks")

# A job in the background of a shell inherits Ctrl-C as ignored, and so would every command that a
# test starts in order to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
