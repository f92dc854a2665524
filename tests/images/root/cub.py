"""Waits for a service: cub zk-ready CONNECT TIMEOUT, with a JVM as the real tool does."""

import subprocess
import sys
import time

import docker  # noqa: F401
import jinja2  # noqa: F401
import requests  # noqa: F401


def main(verb, connect, timeout):
    """Try a ZooKeeper client until it answers or the seconds are over."""
    ends = time.monotonic() + float(timeout)
    while True:
        done = subprocess.run(
            ["/usr/bin/zookeeper-shell", connect, "ls", "/"], capture_output=True, text=True
        )
        if done.returncode == 0 and "[" in done.stdout:
            return 0
        if time.monotonic() > ends:
            print("Timed out waiting for connection to Zookeeper server", connect)
            return 1
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
