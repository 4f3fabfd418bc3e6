"""How long reading takes where every call takes 100 ms: `python -m bench.latency --accounts 100`.

The server of bench.estate lets every answer wait, and counts what is under way at once. A process of its own plans and reads every scope, as a
run does (evidence is kept; nothing is joined).

What the budgets allow: each account may be asked aws.concurrency things at once by each service, the tenant as many as its client asks at once. The
longest of these queues is the least time, if asking itself cost nothing. It does: a call takes 2 to 4 ms of CPU, nearly all of it botocore's,
so that accounts, each with queues of its own, are limited by that and not by their budgets.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.estate.running import Running, serving
from bench.estate.size import Size
from bench.line import Line, show

LATENCY, CONCURRENCY = 0.1, 4
ACCOUNTS, QUICK_ACCOUNTS = 20, 3
HOSTS_EACH, FINDINGS_EACH = 100, 1000


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; or, asked by the program itself, read. 1: a bar does not hold."""
    given = _parser().parse_args(arguments)
    if given.read:
        sys.stdout.write(json.dumps(_read(given.read, tenant=not given.aws_alone)) + "\n")
        return 0
    return show(lines(QUICK_ACCOUNTS if given.quick else given.accounts), as_json=given.json)


def lines(accounts: int) -> Iterator[Line]:
    """The figures: AWS alone, then with the tenant; and whether a budget was exceeded."""
    size = Size(accounts, instances=HOSTS_EACH * accounts, findings=FINDINGS_EACH * accounts)
    most = 0
    for what, alone in (("AWS", True), ("all sources", False)):
        with serving(size, LATENCY) as running:
            wall = _contender(running, alone=alone)
            log = running.log()
        queues = budgets(log)
        most = max(most, *(at_once for account, _, at_once, _ in log["pace"] if account != "main"))
        name = f"Reading {what}, {LATENCY * 1000:.0f} ms a call, {accounts} accounts x {size.regions} regions; what budgets allow"
        yield Line(name, wall, "s", 1.3, "at most", max(queues.values()), wall / max(queues.values()))
    yield Line(f"Calls of an account and service at once, the most in any second; budget {CONCURRENCY}", most, "calls", CONCURRENCY, "at most")


def budgets(log: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """(account, service) -> seconds that its calls take, if as many as may be are always under way."""
    from reporter.clients.workload_protection import THREADS  # noqa: PLC0415  # the reader imports it, not this process

    at_once = {"wp": THREADS}
    counted: dict[tuple[str, str], int] = {}
    for account, service, _, count in log["calls"]:
        counted[(account, service)] = counted.get((account, service), 0) + count
    return {key: -(-count // at_once.get(key[1], CONCURRENCY)) * LATENCY for key, count in counted.items() if key[1] != "sts"}


def _contender(running: Running, *, alone: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        schedule = running.write_schedule(Path(folder) / "schedule.yaml")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | dict(running.environment)
        command = [sys.executable, "-m", "bench.latency", "--read", str(schedule), *(["--aws-alone"] if alone else [])]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout)["wall"])


def _read(schedule: Path, *, tenant: bool) -> dict[str, float]:
    """Plan and read, as a run does. Seconds of it; what is imported and opened is not counted."""
    import dataclasses  # noqa: PLC0415  # of the reading process alone
    from datetime import UTC, datetime  # noqa: PLC0415

    from reporter.core.call import Calls  # noqa: PLC0415
    from reporter.core.scope import ScopeState  # noqa: PLC0415
    from reporter.evidence.raw import RawFolder  # noqa: PLC0415
    from reporter.gather import discover, gather  # noqa: PLC0415
    from reporter.opening import Opener, open_clients  # noqa: PLC0415
    from reporter.schedule import load  # noqa: PLC0415
    from reporter.scopes import plan_scopes  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        clients = open_clients(load(schedule), RawFolder(Path(folder)), Calls())
        sources, began, cpu = discover(), time.perf_counter(), time.process_time()
        plan = plan_scopes(load(schedule), sources, clients)
        plan = plan if tenant else dataclasses.replace(plan, tenants=())
        gathered = gather(plan, Opener(clients, plan, "reporter-", datetime.now(UTC)), lambda _: None)
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    unread = [row for row in gathered.ledger if row.state is not ScopeState.OK]
    if unread:
        raise RuntimeError(f"not everything was read: {unread[0]}")
    return took


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description="How long reading takes where every call takes 100 ms.")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ACCOUNTS} accounts")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--aws-alone", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
