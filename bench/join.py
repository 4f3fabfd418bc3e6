"""How fast findings become virtual patches and checks are answered, beside pandas' own merges and polars: `python -m bench.join --findings 5000000`.

One made-up estate (the same for the same seed) is written as the tables of a stored run. Each contender reads it in a process of its own and joins it
(three times; the best counts). All must find the same number of rows in each state. Memory is the most that the process held until then. On a busy
machine only the CPU seconds and the ratios mean something.

- ours: reporter.joins.virtual_patches, every column of the declared table, in key order; then every check of the catalogue over the joined tables.
- pandas: explode, merge with hosts, rules and rule lists, group by finding: what one writes first. Only the columns it needs.
- polars: distinct pairs of host setup and CVE first, two threads: what one writes when one knows polars. Installed into a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
POLARS = "polars==2.1.0"
ROUNDS = 3
BARS = {"speed": 12e6, "pandas": 20.0, "polars": 1.0, "checks": 3.0, "memory": 2e9}


def main(arguments: list[str] | None = None) -> int:
    """Make the estate, let each contender run, print the table. 1: contenders that count differently."""
    given = _parser().parse_args(arguments)
    if given.contender:
        _say(json.dumps(CONTENDERS[given.contender](Path(given.tables))))
        return 0
    from bench import join_estate  # noqa: PLC0415  # polars' own environment has nothing of ours

    with tempfile.TemporaryDirectory() as place:
        made = join_estate.Size(given.findings, given.instances, given.rules, given.seed)
        join_estate.write(Path(place), made)
        said = {name: _run(name, Path(place)) for name in CONTENDERS if name not in given.without}
    return report(made.findings, said)


def report(findings: int, said: dict[str, dict[str, Any]]) -> int:
    """The figures, and which bars hold."""
    ours = said["ours"]
    for name, one in said.items():
        rate, memory = findings / one["join"] / 1e6, one["peak"] / 1e6
        times = f"load {one['load']:7.2f} s   join {one['join']:7.3f} s (CPU {one['cpu']:7.3f} s)"
        _say(f"{name:<8} {times}   {rate:6.2f} M findings/s   peak {memory:6.0f} MB")
    _say(f"all checks {ours['checks']:.3f} s (CPU {ours['checks_cpu']:.3f} s)")
    _say(f"judged, waived, aged and sorted into {ours['results']} results: {ours['judge']:.2f} s, peak then {ours['judged'] / 1e6:.0f} MB")
    figures = {
        "speed": (findings / ours["join"], "virtual patches, findings a second"),
        **{name: (said[name]["join"] / ours["join"], f"times as fast as {name}") for name in ("polars", "pandas") if name in said},
    }
    for name, (figure, what) in figures.items():
        _say(f"{what:<40} {figure:14,.2f}   bar {BARS[name]:14,.2f}   {'holds' if figure >= BARS[name] else 'DOES NOT HOLD'}")
    for name, figure, what in (
        ("checks", ours["checks"] / ours["join"], "all checks, joins"),
        ("memory", ours["peak"], "peak with joins and checks, bytes"),
    ):
        _say(f"{what:<40} {figure:14,.2f}   bar {BARS[name]:14,.2f}   {'holds' if figure <= BARS[name] else 'DOES NOT HOLD'}")
    differing = [name for name, one in said.items() if one["states"] != ours["states"]]
    for name in differing:
        _say(f"{name} counts {said[name]['states']}, ours {ours['states']}")
    return 1 if differing else 0


def ours(folder: Path) -> dict[str, Any]:
    """The reporter's own join and checks."""
    from bench import join_estate  # noqa: PLC0415  # each contender imports its own
    from reporter.judge import discover, judge  # noqa: PLC0415

    began = time.perf_counter()
    world = join_estate.read(folder)
    load = time.perf_counter() - began
    from reporter.joins import findings, virtual_patches  # noqa: PLC0415

    seconds, cpu, made = _timed(lambda: virtual_patches.join(world))
    states = _counts(made["virtual_patches"]["state"].value_counts().items())
    world = world.with_tables(made)
    world = world.with_tables(findings.join(world))
    checks = discover()
    checked, checks_cpu, _ = _timed(lambda: [len(check.judge(world)) for check in checks])
    peak = _peak()
    judged, _, results = _timed(lambda: judge(world, checks), rounds=1)
    return {
        "load": load,
        "join": seconds,
        "cpu": cpu,
        "states": states,
        "checks": checked,
        "checks_cpu": checks_cpu,
        "peak": peak,
        "judge": judged,
        "results": len(results),
        "judged": _peak(),
    }


def pandas(folder: Path) -> dict[str, Any]:
    """Merges on rule rows."""
    from bench import join_pandas  # noqa: PLC0415

    began = time.perf_counter()
    tables = join_pandas.read(folder)
    load = time.perf_counter() - began
    seconds, cpu, states = _timed(lambda: join_pandas.join(tables), rounds=1)
    return {"load": load, "join": seconds, "cpu": cpu, "states": _counts(states.value_counts().items()), "peak": _peak()}


def polars(folder: Path) -> dict[str, Any]:
    """Pairs first, then joined back."""
    from bench import join_polars  # noqa: PLC0415

    began = time.perf_counter()
    tables = join_polars.read(folder)
    load = time.perf_counter() - began
    seconds, cpu, states = _timed(lambda: join_polars.join(tables))
    return {"load": load, "join": seconds, "cpu": cpu, "states": _counts(states.value_counts().iter_rows()), "peak": _peak()}


def _timed(work: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float, Any]:
    """The least seconds on the clock, the least of CPU, and what came out."""
    taken, used, result = [], [], None
    for _ in range(rounds):
        result = None
        began, before = time.perf_counter(), time.process_time()
        result = work()
        taken.append(time.perf_counter() - began)
        used.append(time.process_time() - before)
    return min(taken), min(used), result


def _counts(items: Any) -> dict[str, int]:
    return {str(state): int(count) for state, count in sorted(items) if count}


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _run(name: str, tables: Path) -> dict[str, Any]:
    python = _polars_python() if name == "polars" else Path(sys.executable)
    command = [str(python), "-m", "bench.join", "--contender", name, "--tables", str(tables)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "2"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE.parent, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _polars_python() -> Path:
    """An environment that has polars and nothing of ours."""
    python = PEERS / "polars" / "bin" / "python"
    if not python.exists():
        venv.create(PEERS / "polars", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", POLARS], check=True)
    return python


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Virtual patches and checks: ours beside pandas' merges and polars.")
    parser.add_argument("--findings", type=int, default=5_000_000)
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", nargs="*", default=[], choices=["pandas", "polars"], help="leave these contenders out")
    parser.add_argument("--contender", choices=sorted(CONTENDERS), help="only this one, in this process")
    parser.add_argument("--tables", help="folder of the estate's tables, for --contender")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


CONTENDERS: dict[str, Callable[[Path], dict[str, Any]]] = {"ours": ours, "polars": polars, "pandas": pandas}

if __name__ == "__main__":
    sys.exit(main())
