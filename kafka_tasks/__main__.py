"""`python -m kafka_tasks` is `kafka-tasks`."""

from kafka_tasks.program import main

if __name__ == "__main__":
    main()
