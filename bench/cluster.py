"""What it costs to have accounts read by a cluster: `python -m bench.cluster --findings 200000`.

One estate, its accounts read by two workers of a dask.distributed cluster on this machine, and by two processes of this machine (as
`run --processes 2` does): the same partitions, the same function, in turns. Measured is the whole of gathering as a run does it: partitions handed
out, read, their tables and raw answers put where they belong, each scope kept. Everything was read once before, so that nothing is made for the first
time. What was read must be the same bytes. The tenant is read by the run itself, in both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.estate.running import serving
from bench.estate.size import Size
from bench.line import Line, best, show

ROUNDS, LATENCY = 3, 0.02
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; or, asked by the program itself, be one contender. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=200_000)
    parser.add_argument("--accounts", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="50,000 findings in 10 accounts")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contender", choices=("cluster", "processes", "threads"), help=argparse.SUPPRESS)
    parser.add_argument("--schedule", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.contender:
        sys.stdout.write(json.dumps(_measured(given.contender, given.schedule, given.address)) + "\n")
        return 0
    findings, accounts = (50_000, 10) if given.quick else (given.findings, given.accounts)
    return show(lines(findings, accounts), as_json=given.json)


def lines(findings: int, accounts: int) -> Iterator[Line]:
    """The figures."""
    size = Size(accounts=accounts, regions=3, instances=accounts * 50, findings=findings, rules=1000)
    with serving(size, LATENCY, NOW.timestamp()) as served, tempfile.TemporaryDirectory() as place:
        schedule = served.write_schedule(Path(place) / "schedule.yaml")
        environment = {**{name: value for name, value in os.environ.items() if not name.startswith("AWS_")}, **served.environment}
        with workers(Path(place), environment) as address:
            tries: dict[str, list[dict[str, Any]]] = {"cluster": [], "processes": []}
            for _ in range(ROUNDS):
                for name, found in tries.items():
                    found.append(_contender(name, schedule, address, environment))
    read = {one["sha256"] for some in tries.values() for one in some}
    if len(read) != 1:
        raise RuntimeError("the contenders did not read the same")
    took = {name: best(some, "seconds") for name, some in tries.items()}
    what = f"{findings:,} findings of {accounts} accounts, two workers of a cluster; two processes"
    yield Line(what, took["cluster"], "s", 1.15, "at most", took["processes"], took["cluster"] / took["processes"])


@contextmanager
def workers(place: Path, environment: Mapping[str, str], number: int = 2) -> Iterator[str]:
    """A scheduler and so many workers, each a process of its own -> its address."""
    contact = place / "scheduler.json"
    common = ["--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(contact)]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", *common, "--port", "0"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", *common, "--nthreads", "1", "--local-directory", str(place)]
    started: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        for command in (scheduler, *[worker] * number):
            process = stack.enter_context(subprocess.Popen(command, env={**environment, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL))
            stack.callback(process.terminate)
            started.append(process)
        while not contact.exists():  # the scheduler writes it when it listens; there is nothing else to wait on
            if any(process.poll() is not None for process in started):
                raise RuntimeError("the scheduler or a worker ended before it had begun")
            time.sleep(0.05)
        yield str(json.loads(contact.read_text(encoding="utf-8"))["address"])


def _contender(name: str, schedule: Path, address: str, environment: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.cluster", "--contender", name, "--schedule", str(schedule), "--address", address]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT).stdout.splitlines()[-1]
    found: dict[str, Any] = json.loads(said)
    return found


def _measured(name: str, schedule: Path, address: str) -> dict[str, Any]:
    """Seconds of gathering, and a hash of what was gathered."""
    from reporter.cluster import cluster, processes  # noqa: PLC0415  # contenders alone need it
    from reporter.schedule import load  # noqa: PLC0415

    with ExitStack() as stack:
        crew = stack.enter_context({"cluster": lambda: cluster(address), "processes": lambda: processes(2), "threads": ExitStack}[name]())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for again in range(2):
            folder = place / str(again)
            folder.mkdir()
            seconds, tables = _gathered(load(schedule), folder, None if name == "threads" else crew)
    return {"seconds": seconds, "sha256": _sha256(folder / "raw", tables)}


def _gathered(schedule: Any, folder: Path, crew: Any) -> tuple[float, Mapping[str, Any]]:
    """Gather as a run does -> seconds, tables. What it imports, contenders alone need: who starts them stays small."""
    from reporter.elsewhere import Away  # noqa: PLC0415
    from reporter.evidence.raw import RawFolder  # noqa: PLC0415
    from reporter.fitness import this_program  # noqa: PLC0415
    from reporter.gather import discover  # noqa: PLC0415
    from reporter.opening import CallLimits, Opener, open_clients  # noqa: PLC0415
    from reporter.partitions import Terms  # noqa: PLC0415
    from reporter.resuming import Reading, new_run  # noqa: PLC0415
    from reporter.scopes import plan_scopes  # noqa: PLC0415

    reading = Reading(new_run(schedule, folder, NOW, None, 1), RawFolder(folder / "raw"))
    clients = open_clients(schedule, reading.raw, reading.calls)
    plan = plan_scopes(schedule, discover(), clients)
    terms = Terms(this_program(), NOW, schedule.settings().config_rule_prefix, CallLimits.of(schedule))
    away = Away(crew, terms, reading.raw, reading.calls) if crew else None
    began = time.perf_counter()
    gathered = reading.gather(plan, Opener(clients, plan, terms.rule_prefix, NOW), lambda _: None, lambda: None, NOW, away)
    return time.perf_counter() - began, gathered.tables


def _sha256(raw: Path, tables: Mapping[str, Any]) -> str:
    """Of every raw answer and every table."""
    whole = hashlib.sha256()
    for path in sorted(path for path in raw.rglob("*") if path.is_file()):
        whole.update(f"{path.relative_to(raw)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    for name, frame in sorted(tables.items()):
        whole.update(name.encode() + frame.to_csv(index=False).encode())
    return whole.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
