"""`python -m kafka_tasks` and `kafka-tasks`: Ctrl-C is tidy from the first import on."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C is exit 130, also while Invoke is being loaded."""
    try:
        from kafka_tasks.program import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
