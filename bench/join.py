"""How fast findings become virtual patches and checks are answered, beside pandas' own merges and polars: `python -m bench.join --findings 5000000`.

One made-up estate (the same for the same seed) is written as the tables of a stored run. Each contender reads it in a process of its own and joins it
several times, pandas at full size but once; the best counts. All must find the same number of rows in each state. Memory is the most that the process
held until then. On a busy machine only the ratios mean something.

- ours: reporter.joins.virtual_patches. The state of each row, which is all that the peers find; and the whole declared table (rules, reasons, order
  and all else). Then every check of the catalogue over the joined tables.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.line import Line, show

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
POLARS = "polars==2.1.0"
ROUNDS = 5
QUICK = 500_000


def main(arguments: list[str] | None = None) -> int:
    """Make the estate, let each contender run, print the lines. 1: a bar does not hold; 2: contenders that count differently."""
    given = _parser().parse_args(arguments)
    if given.contender:
        _say(json.dumps(CONTENDERS[given.contender](Path(given.tables))))
        return 0
    from bench import join_estate  # noqa: PLC0415  # polars' own environment has nothing of ours

    made = join_estate.Size(QUICK if given.quick else given.findings, given.instances, given.rules, given.seed)
    with tempfile.TemporaryDirectory() as place:
        join_estate.write(Path(place), made)
        said = {name: _run(name, Path(place)) for name in CONTENDERS if name not in given.without}
    if not given.json:
        for name, one in said.items():
            _say(f"{name}: " + ", ".join(f"{what} {figure:,.2f}" for what, figure in one.items() if what != "states"))
    differing = [name for name, one in said.items() if one["states"] != said["ours"]["states"]]
    for name in differing:
        sys.stderr.write(f"{name} counts {said[name]['states']}, ours {said['ours']['states']}\n")
    held = show(lines(made.findings, said), as_json=given.json)
    return 2 if differing else held


def lines(findings: int, said: dict[str, dict[str, Any]]) -> Iterator[Line]:
    """The figures, from what each contender said of itself."""
    ours, size = said["ours"], f"{findings:,} findings"
    for part, what in (("match", "the state of each row"), ("join", "the whole table")):
        rate = findings / ours[part] / 1e6
        yield Line(f"virtual patches of {size}, {what}", rate, "M findings/s", 12.0, "at least")
        for peer, bar in (("polars", 1.0), ("pandas", 20.0)):
            if peer in said:
                named = f"virtual patches of {size}, {what}; {peer}, states"
                yield Line(named, rate, "M findings/s", bar, "at least", findings / said[peer]["join"] / 1e6, said[peer]["join"] / ours[part])
    for part, what in (("join", "the whole table's join"), ("match", "the states' join")):
        yield Line(f"all checks over them; {what}", ours["checks"], "s", 3.0, "at most", ours[part], ours["checks"] / ours[part])
    yield Line("memory at its peak, tables read, joined and checked", ours["peak"] / 1e9, "GB", 2.0, "at most")


def ours(folder: Path) -> dict[str, Any]:
    """The reporter's own join and checks."""
    from bench import join_estate  # noqa: PLC0415  # each contender imports its own
    from reporter.judge import discover, judge  # noqa: PLC0415

    began = time.perf_counter()
    world = join_estate.read(folder)
    load = time.perf_counter() - began
    from reporter.joins import findings, virtual_patches  # noqa: PLC0415

    matching, match_cpu, _ = _timed(lambda: virtual_patches.match(world))
    seconds, cpu, made = _timed(lambda: virtual_patches.join(world))
    states = _counts(made["virtual_patches"]["state"].value_counts().items())
    world = world.with_tables(made)
    world = world.with_tables(findings.join(world))
    checks = discover()
    checked, checks_cpu, _ = _timed(lambda: _answered(world, checks))
    peak = _peak()
    judged, _, results = _timed(lambda: judge(world, checks), rounds=1)
    return {
        "load": load,
        "match": matching,
        "match_cpu": match_cpu,
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


def _answered(world: Any, checks: Any) -> int:
    """As in a run: what one check has worked out of the world is there for the next, and nothing of the round before."""
    anew = world.with_tables({})
    return sum(len(check.judge(anew)) for check in checks)


def pandas(folder: Path) -> dict[str, Any]:
    """Merges on rule rows."""
    from bench import join_pandas  # noqa: PLC0415

    began = time.perf_counter()
    tables = join_pandas.read(folder)
    load = time.perf_counter() - began
    seconds, cpu, states = _timed(lambda: join_pandas.join(tables), rounds=3 if len(tables["inspector_findings"]) <= QUICK else 1)
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
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} findings")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
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
