"""Both sandbox servers with an estate in them: kept up for anybody (`reporter sandbox serve`), or for as long as a `with` block lasts."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reporter.core import clock
from reporter.core.errors import ReporterError
from reporter.sandbox.aws.server import AwsSandbox
from reporter.sandbox.estate.build import build, environment, schedule
from reporter.sandbox.wp.server import WpSandbox

AWS_PORT = 5010
WP_PORT = 5011
PORTS_TRIED = 50
READY_SECONDS = 300


@dataclass(frozen=True)
class Running:
    """Where the servers are, the environment that points clients at them, the schedule that fits, and the estate's ground truth."""

    aws_endpoint: str
    wp_url: str
    environment: Mapping[str, str]
    schedule: str
    truth: Mapping[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Prints the environment to set (or, with --json, one JSON line) when ready."""
    given = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    aws, wp = AwsSandbox(), WpSandbox()
    try:
        endpoint = aws.start(_free(given.aws_port))
        wp.start(_free(given.wp_port))
        truth = {} if given.size == "empty" else json.loads(build(endpoint, wp.url, given.size, given.seed, given.now).as_json())
        fits = schedule(endpoint, wp.url, "small" if given.size == "empty" else given.size)
        if given.schedule_out:
            given.schedule_out.write_text(fits, encoding="utf-8")
        if given.truth_out:
            given.truth_out.write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        said = environment(endpoint)
        ready = {"aws_endpoint": endpoint, "wp_url": wp.url, "environment": said, "schedule": fits, "truth": truth}
        sys.stdout.write(json.dumps(ready) + "\n" if given.json else _for_people(endpoint, wp.url, said, given.schedule_out))
        sys.stdout.flush()
        stop.wait()
    finally:
        wp.stop()
        aws.stop()
    return 0


@contextmanager
def sandbox(size: str = "small", seed: int = 1, now: datetime | None = None) -> Iterator[Running]:
    """The servers in a process of their own, on free ports, stopped at the end. Raises ReporterError where they do not come up."""
    at = clock.iso(now or clock.now())
    command = [sys.executable, "-m", "reporter.sandbox.serve", "--json", "--aws-port", "0", "--wp-port", "0"]
    command += ["--size", size, "--seed", str(seed), "--now", at]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    errors: list[str] = []
    assert process.stdout is not None  # noqa: S101  # asked for above
    assert process.stderr is not None  # noqa: S101
    reading = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
    reading.start()
    timer = threading.Timer(READY_SECONDS, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
        timer.cancel()
        if not line:
            process.wait(timeout=30)
            reading.join(timeout=5)
            raise ReporterError(f"the sandbox did not start: {''.join(errors[-3:]).strip() or 'it said nothing'}", where="reporter sandbox serve")
        yield Running(**json.loads(line))
    finally:
        timer.cancel()
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)
        process.stdout.close()
        reading.join(timeout=5)
        process.stderr.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reporter sandbox serve", description="An AWS organisation and a Workload Protection tenant on this machine."
    )
    parser.add_argument("--size", choices=("small", "demo", "empty"), default="demo", help="size of the estate (default: demo)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another estate")
    parser.add_argument("--now", type=_instant, default=None, help="instant the estate's dates hang on, ISO 8601 with Z (default: the present)")
    parser.add_argument("--aws-port", type=int, default=AWS_PORT, help="port on 127.0.0.1; a taken one gives way to the next free; 0: any")
    parser.add_argument("--wp-port", type=int, default=WP_PORT, help="the same for Workload Protection")
    parser.add_argument("--schedule-out", type=Path, help="write the schedule.yaml that fits the estate here")
    parser.add_argument("--truth-out", type=Path, help="write the estate's ground truth (JSON) here")
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready, instead of lines for a shell")
    parser.set_defaults(now=clock.now())
    return parser


def _instant(text: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no instant; write it like 2026-11-24T03:00:00Z") from error


def _free(port: int) -> int:
    """The port, or the next free one. Raises ReporterError after 50 taken ones."""
    if port == 0:
        return 0
    for candidate in range(port, port + PORTS_TRIED):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise ReporterError(f"no free port between {port} and {port + PORTS_TRIED - 1}", where="127.0.0.1", fix="another --aws-port or --wp-port")


def _for_people(endpoint: str, wp_url: str, said: Mapping[str, str], schedule_out: Path | None) -> str:
    lines = [f"# AWS at {endpoint}, Workload Protection at {wp_url}. Stop with Ctrl-C. Paste this where clients run:"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in {**said, "WP_API_URL": wp_url}.items()]
    if schedule_out:
        lines.append(f"# then: reporter run --schedule {schedule_out} --out out")
    else:
        lines.append("# then: reporter init --yes; reporter check; reporter run")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
