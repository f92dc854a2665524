"""The entry point of `kafka-tasks` and `python -m kafka_tasks`: handles Ctrl-C from the start."""

import gc
import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C is exit 130, also during the import of Invoke."""
    try:
        from kafka_tasks.program import main as run

        run()
    except KeyboardInterrupt:
        print("Error: Interrupted.", file=sys.stderr)
        sys.exit(130)
    finally:
        # The work is done: Ctrl-C during Python's shutdown would change the exit code.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Taking every module apart takes a seventh of a command that had nothing to do.
        gc.freeze()


if __name__ == "__main__":
    main()
