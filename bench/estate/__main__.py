"""`python -m bench.estate --accounts 100 --findings 100000`: serve until terminated. Prints the address; --schedule-out writes what a run takes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import sys
import time
from dataclasses import fields
from pathlib import Path

from bench.estate.aws import Aws
from bench.estate.calls import Asked
from bench.estate.running import Running
from bench.estate.size import Estate, Size
from bench.estate.wire import Answer, Request, serve
from bench.estate.wp import PREFIX, WorkloadProtection


def main(arguments: list[str] | None = None) -> int:
    """Serve."""
    given = _parser().parse_args(arguments)
    size = Size(**{field.name: getattr(given, field.name) for field in fields(Size)})
    estate = Estate(size, given.now or time.time())
    aws, wp = Aws(estate), WorkloadProtection(estate)
    estate.kinds  # noqa: B018  # drawn now, so that the first to ask does not wait
    gc.freeze()

    def answer(request: Request) -> Answer:
        return wp(request) if request.path.startswith(f"{PREFIX}/") else aws(request)

    def ready(port: int) -> None:
        running = Running(f"http://127.0.0.1:{port}", size)
        if given.schedule_out:
            running.write_schedule(given.schedule_out)
        sys.stdout.write(f"{running.url}\n")
        if given.shell:
            sys.stdout.write("".join(f"export {name}={value}\n" for name, value in running.environment.items()))
        sys.stdout.flush()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(answer, Asked(), given.latency, given.port, ready))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.estate", description="AWS and a Workload Protection tenant with a made-up estate.")
    for field in fields(Size):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer waits")
    parser.add_argument("--now", type=float, default=None, help="instant its dates hang on, seconds since the epoch (default: the present)")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--schedule-out", type=Path, help="write the schedule.yaml of a run against it here")
    parser.add_argument("--shell", action="store_true", help="print the environment too, as lines for a shell")
    return parser


if __name__ == "__main__":
    sys.exit(main())
