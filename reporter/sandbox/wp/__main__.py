"""python -m reporter.sandbox.wp --port N: serves until SIGTERM or SIGINT; prints {"url": ...} on one line when it is ready."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from reporter.sandbox.wp.server import WpSandbox


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m reporter.sandbox.wp", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0: any free one")
    port = parser.parse_args(arguments).port
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with WpSandbox().start(port) as sandbox:
        sys.stdout.write(json.dumps({"url": sandbox.url}) + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
