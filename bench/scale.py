"""What a run over very many accounts would take, worked out from what was measured here: `python -m bench.scale`.

    python -m bench.scale --accounts 10000 --regions 17 --findings 100000000 --workers 100
    python -m bench.scale --measure

The first prints a calculation, no measurement: calls, seconds and bytes of each part, and which of them gives way first on the machines that are
named. The second measures what it stands on: one account read by a worker's function, what that gives back, and whole runs of two sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.estate.running import serving
from bench.estate.size import Size
from bench.process import spent
from reporter.scopes import ASKED_AT_ONCE

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SMALL, LARGE = 30_000, 90_000


@dataclass(frozen=True)
class Measured:
    """What one account of 17 regions, and one of its findings, cost on this machine: what `--measure` printed. Seconds are of one core's CPU."""

    scopes: float = 0
    calls: float = 0
    calls_per_finding: float = 0
    longest_calls: float = 0
    """calls of the service of an account that has most, which `concurrency` of them share"""
    read_seconds: float = 0
    read_seconds_per_finding: float = 0
    worker_bytes: float = 0
    worker_bytes_per_finding: float = 0
    sent_bytes: float = 0
    sent_bytes_per_finding: float = 0
    raw_bytes_per_finding: float = 0
    put_seconds: float = 0
    """of the run itself, for each account: what a worker sent becomes tables and files"""
    put_seconds_per_finding: float = 0
    run_bytes_per_finding: float = 0
    """memory of a whole run, for each finding more"""
    run_seconds_per_finding: float = 0
    """CPU of a whole run in one process, reading included, for each finding more"""


@dataclass(frozen=True)
class Estate:
    """What is to be read, and with what. `latency`: seconds a call; `concurrency`: calls at once for each account and service, as the schedule says;
    `memory`: bytes of the machine that the run itself is on."""

    accounts: int = 10_000
    regions: int = 17
    findings: int = 100_000_000
    workers: int = 100
    latency: float = 0.1
    concurrency: int = 4
    threads: int = 35
    memory: float = 120e9


@dataclass(frozen=True)
class Part:
    """One part of the run. `much`: seconds, bytes or calls; `allowed`: what the machines or the hour allow, None: nothing is known to limit it."""

    what: str
    much: float
    unit: str
    allowed: float | None = None

    @property
    def share(self) -> float:
        return self.much / self.allowed if self.allowed else 0.0

    def text(self) -> str:
        allowed = f"{self.allowed:>16,.0f} {self.share:>8.2f}" if self.allowed else ""
        return f"{self.what:<72} {self.much:>16,.0f} {self.unit:<8} {allowed}".rstrip()


def parts(estate: Estate, cost: Measured, night: float = 6 * 3600) -> list[Part]:
    """Every part of a run; `night`: seconds that it may take."""
    each = estate.findings / estate.accounts
    wide = estate.regions / 17
    calls = cost.calls * wide + cost.calls_per_finding * each
    cpu = cost.read_seconds * wide + cost.read_seconds_per_finding * each
    waiting = max(calls / estate.threads, (cost.longest_calls * wide + cost.calls_per_finding * each) / estate.concurrency) * estate.latency
    rounds = math.ceil(estate.accounts / estate.workers)
    asking = (2 / ASKED_AT_ONCE + 1 / 8) * estate.accounts * estate.latency
    putting = (cost.put_seconds * wide + cost.put_seconds_per_finding * each) * estate.accounts
    sent = (cost.sent_bytes * wide + cost.sent_bytes_per_finding * each) * estate.accounts
    rest = max(cost.run_seconds_per_finding - cost.read_seconds_per_finding, 0) * estate.findings
    return [
        Part("scopes", cost.scopes * wide * estate.accounts, "rows"),
        Part("calls", calls * estate.accounts, "calls"),
        Part("one account: calls wait for their turn and for answers", waiting, "s"),
        Part("one account: CPU of a worker", cpu, "s"),
        Part(f"accounts read by {estate.workers} workers of one core, {rounds} after another", rounds * max(cpu, waiting), "s", night),
        Part("a worker's memory for one account", cost.worker_bytes + cost.worker_bytes_per_finding * each, "bytes", 4e9),
        Part("the run itself asks each account for its regions and who is calling", asking, "s", night),
        Part("the run itself receives", sent, "bytes", night * 100e6),
        Part("the run itself puts into tables and files what it receives", putting, "s", night),
        Part("the run itself joins, judges and writes", rest, "s", night),
        Part("the run itself: memory", cost.run_bytes_per_finding * estate.findings, "bytes", estate.memory),
        Part("raw answers on disk", cost.raw_bytes_per_finding * estate.findings, "bytes"),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Calculate and print, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields(Estate):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--account", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.account:
        sys.stdout.write(json.dumps(_account(given.account)) + "\n")
    elif given.measure:
        for name, value in asdict(measured()).items():
            sys.stdout.write(f"{name:<28} {value:.6g}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _told(Estate(**{field.name: getattr(given, field.name) for field in fields(Estate)})))
    return 0


def _told(estate: Estate) -> Iterator[str]:
    found = parts(estate, MEASURED)
    yield f"calculated, not measured: {estate.accounts:,} accounts, {estate.regions} regions, {estate.findings:,} findings"
    yield f"{'what':<72} {'much':>16} {'unit':<8} {'allowed':>16} {'share':>8}"
    yield from (part.text() for part in found)
    first = max(found, key=lambda part: part.share)
    most = estate.findings / first.share if first.share else 0
    yield f"what gives way first: {first.what} ({first.share:.1f} of what is allowed; at about {most:,.0f} findings)"


def measured() -> Measured:
    """One account read as a worker reads it, without findings and with many; and whole runs of two sizes."""
    none, many = _of_account(1), _of_account(SMALL)
    small, large = _of_run(SMALL), _of_run(LARGE)

    def slope(name: str) -> float:
        return float((many[name] - none[name]) / SMALL)

    return Measured(
        scopes=none["scopes"],
        calls=none["calls"],
        calls_per_finding=slope("calls"),
        longest_calls=none["longest"],
        read_seconds=none["cpu"],
        read_seconds_per_finding=slope("cpu"),
        worker_bytes=none["peak"],
        worker_bytes_per_finding=slope("peak"),
        sent_bytes=none["sent"],
        sent_bytes_per_finding=slope("sent"),
        raw_bytes_per_finding=slope("raw"),
        put_seconds=none["put"],
        put_seconds_per_finding=slope("put"),
        run_bytes_per_finding=(large.peak - small.peak) / (LARGE - SMALL),
        run_seconds_per_finding=(large.cpu - small.cpu) / (LARGE - SMALL),
    )


def _of_account(findings: int) -> dict[str, float]:
    """In a process of its own, so that its memory is that of a worker."""
    size = Size(accounts=2, instances=200, findings=2 * findings, rules=100, policies=4)
    with serving(size, now=NOW.timestamp()) as served, tempfile.TemporaryDirectory() as place:
        schedule = served.write_schedule(Path(place) / "schedule.yaml")
        command = [sys.executable, "-m", "bench.scale", "--account", str(schedule)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **served.environment}).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def _of_run(findings: int) -> Any:
    with (
        serving(Size(accounts=10, regions=1, instances=1000, findings=findings, rules=500), now=NOW.timestamp()) as served,
        tempfile.TemporaryDirectory() as place,
    ):
        schedule = served.write_schedule(Path(place) / "schedule.yaml")
        command = [sys.executable, "-m", "reporter.cli", "run", "--schedule", str(schedule), "--out", "out"]
        return spent(command, {**os.environ, **served.environment}, Path(place), Path(place) / "said")


class _Brought(Executor):
    """Stands where workers stand: what they bring is there already, as it was sent."""

    def __init__(self, sent: bytes) -> None:
        self.sent = sent

    def submit(self, fn: Any, /, *_given: Any, **_more: Any) -> Future[Any]:
        del fn
        future: Future[Any] = Future()
        future.set_result(pickle.loads(self.sent))  # noqa: S301  # our own
        return future


def _account(schedule: Path) -> dict[str, float]:
    """Read the first account to have everything made once, then measure the second."""
    from collections import Counter  # noqa: PLC0415  # only who measures needs the rest

    from reporter.core.call import Calls  # noqa: PLC0415
    from reporter.elsewhere import Away, Workers  # noqa: PLC0415
    from reporter.evidence.raw import RawFolder  # noqa: PLC0415
    from reporter.fitness import this_program  # noqa: PLC0415
    from reporter.gather import discover, gather  # noqa: PLC0415
    from reporter.opening import CallLimits, open_clients  # noqa: PLC0415
    from reporter.partitions import Terms, partitions, read_partition  # noqa: PLC0415
    from reporter.schedule import load  # noqa: PLC0415
    from reporter.scopes import ScopePlan, plan_scopes  # noqa: PLC0415

    known = load(schedule)
    plan = plan_scopes(known, discover(), open_clients(known))
    terms = Terms(this_program(), NOW, "reporter-", CallLimits.of(known))
    first, second = partitions(plan, set(plan.all()))
    read_partition(first, terms)
    began = time.process_time()
    read = read_partition(second, terms)
    cpu = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sent = pickle.dumps(read, 5)
    figures = {
        "scopes": len(read.scopes),
        "calls": sum(one.row.calls for one in read.scopes),
        "longest": max(Counter(call.service for one in read.scopes for call in one.calls).values()),
        "cpu": cpu,
        "peak": peak,
        "sent": len(sent),
        "raw": sum(len(packed) for one in read.scopes for packed, _ in one.raw.values()),
    }
    del read
    own = second.plan(discover())
    with tempfile.TemporaryDirectory() as place:
        away = Away(Workers(_Brought(sent)), terms, RawFolder(Path(place)), Calls())
        alone = ScopePlan(own.caller, own.access, own.sources, own.aws, ())
        began = time.process_time()
        gather(alone, lambda *_: None, lambda _: None, elsewhere=away)
        figures["put"] = time.process_time() - began
    return figures


MEASURED = Measured(
    scopes=140,
    calls=477,
    calls_per_finding=0.0102,
    longest_calls=153,
    read_seconds=0.85,
    read_seconds_per_finding=40e-6,
    worker_bytes=317e6,
    worker_bytes_per_finding=4400,
    sent_bytes=402e3,
    sent_bytes_per_finding=431,
    raw_bytes_per_finding=93,
    put_seconds=0.20,
    put_seconds_per_finding=24e-6,
    run_bytes_per_finding=3780,
    run_seconds_per_finding=184e-6,
)
"""On two cores that others used too, so seconds are rather too many; a worker's bytes a finding: with 100,000 in the account (with 30,000: 2,250)."""

if __name__ == "__main__":
    sys.exit(main())
