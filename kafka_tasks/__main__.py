"""`python -m kafka_tasks` and `kafka-tasks`: Ctrl-C is tidy from the first import on."""

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C is exit 130, also while Invoke is being loaded."""
    try:
        from kafka_tasks.program import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        # All is done: Ctrl-C while Python shuts down would give an exit code of its own.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
