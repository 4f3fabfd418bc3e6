"""Compares whole runs with what the estates were built for: `python bench/truth.py --size small --seeds 1-7`. Exits with 1 on any difference.

The builder knows each state because it made the thing for that state; it imports nothing of the joins and checks.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reporter.sandbox.serve import Running, sandbox

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
RUN_SECONDS = 600
Rows = dict[str, str]
"""key -> what was said, as texts"""


@dataclass(frozen=True)
class Compared:
    """One part of a run beside its truth: how many rows of either side the truth says something of, and what differs."""

    rows: int
    differences: tuple[str, ...]


def main(arguments: list[str] | None = None) -> int:
    """Run and compare each seed. 0: no difference anywhere."""
    given = _parser().parse_args(arguments)
    differing = 0
    for seed in given.seeds:
        with sandbox(size=given.size, seed=seed, now=NOW) as served, tempfile.TemporaryDirectory() as place:
            folder, said = _run(served, Path(place))
            if folder is None:
                differing += 1
                _say(f"{given.size} seed {seed}: the run did not complete\n{said}")
                continue
            compared = compare(folder, served.truth)
        found = [f"  {part}: {line}" for part, about in compared.items() for line in about.differences]
        differing += bool(found)
        _say(f"{given.size} seed {seed}: {sum(about.rows for about in compared.values())} rows compared, {len(found)} differences")
        for line in found:
            _say(line)
    return 1 if differing else 0


def compare(folder: Path, truth: Mapping[str, Any]) -> dict[str, Compared]:
    """A run's folder beside the estate's truth (as its JSON document), part by part."""
    return {part: both(folder, truth) for part, both in PARTS.items()}


def _instances(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "instances.csv", "account region instance_id", "protection")
    return _differ(said, {key: about["protection"] for key, about in truth["instances"].items()})


def _computers(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "instances.csv", "account region instance_id", "computer_id", "policy", "ecs_cluster", "owner", "duplicates")
    true = {}
    for key, about in truth["instances"].items():
        duplicates = ";".join(str(number) for number in sorted(about["duplicates"]))
        true[key] = _text(about["computer_id"], about["policy"], about["ecs_cluster"], about["owner"], duplicates)
    return _differ(said, true, alternatives=False)


def _modules(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "instances.csv", "account region instance_id", "intrusion_prevention")
    return _differ(said, {key: about["intrusion_prevention"] for key, about in truth["instances"].items()})


def _patches(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "virtual_patches.csv", "finding_arn instance_id image cve", "state")
    return _differ(said, {key: about["state"] for key, about in truth["virtual_patches"].items()})


def _severities(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "virtual_patches.csv", "finding_arn instance_id image cve", "severity")
    return _differ(said, {key: about["severity"] for key, about in truth["virtual_patches"].items()})


def _buckets(folder: Path, truth: Mapping[str, Any]) -> Compared:
    return _differ(_by_key(folder / "bucket_access.csv", "bucket role_arn instance_id via", "decision"), truth["bucket_access"])


def _web(folder: Path, truth: Mapping[str, Any]) -> Compared:
    return _differ(_by_key(folder / "web_entries.csv", "account region type entry", "state"), truth["web_entries"])


def _named(folder: Path, truth: Mapping[str, Any]) -> Compared:
    listed: dict[str, set[str]] = {}
    for row in rows(folder / "findings.csv"):
        listed.setdefault(f"{row['source']}|{row['finding_id']}", set()).update({row["instance_id"]} - {""})
    named = {key: about["instances"] for key, about in truth["findings"].items()}
    true = {key: "any" if hosts is None else _text(*sorted(set(hosts))) for key, hosts in named.items()}
    compared = _differ({key: _text(*sorted(hosts)) for key, hosts in listed.items()}, true, alternatives=False)
    missing = tuple(f"{key}: not in the report" for key in sorted(named.keys() - listed.keys()) if named[key] is None)
    return Compared(compared.rows, (*compared.differences, *missing))


def _marked(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "findings.csv", "source finding_id", "sample", "archived", "severity")
    flags = {key: (str(about["sample"]).lower(), str(about["archived"]).lower()) for key, about in truth["findings"].items()}
    return _differ(said, {key: _text(*flags[key], about["severity"]) for key, about in truth["findings"].items()}, alternatives=False)


def _scopes(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "scopes.csv", "account region source", "state")
    return _differ({key: state for key, state in said.items() if key in truth["scopes"]}, truth["scopes"])


def _services(folder: Path, truth: Mapping[str, Any]) -> Compared:
    said = _by_key(folder / "results.csv", "check_id account region", "status")
    return _differ({key: status for key, status in said.items() if key in truth["results"]}, truth["results"])


PARTS: Mapping[str, Callable[[Path, Mapping[str, Any]], Compared]] = {
    "protection of instances": _instances,
    "computers, policies, clusters and owners of instances": _computers,
    "intrusion prevention of instances": _modules,
    "states of virtual patches": _patches,
    "severities of virtual patches": _severities,
    "bucket access": _buckets,
    "web entries": _web,
    "instances that findings name": _named,
    "sample and archived findings": _marked,
    "states of scopes": _scopes,
    "services that are on": _services,
}


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file of a run."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _by_key(path: Path, key: str, *columns: str) -> Rows:
    return {"|".join(row[name] for name in key.split()): _text(*(row[column] for column in columns)) for row in rows(path)}


def _text(*values: Any) -> str:
    return " / ".join("" if value is None else str(value) for value in values)


def _differ(said: Mapping[str, str], true: Mapping[str, str], *, alternatives: bool = True) -> Compared:
    """Keys on one side only, and values that differ. "any" allows all, an absent row too; "a|b" allows either where there are alternatives."""
    found = [f"{key}: not in the report" for key in sorted(true.keys() - said.keys()) if true[key] != "any"]
    found += [f"{key}: not in the truth" for key in sorted(said.keys() - true.keys())]
    for key in sorted(said.keys() & true.keys()):
        allowed = true[key].split("|") if alternatives else [true[key]]
        if true[key] != "any" and said[key] not in allowed:
            found.append(f"{key}: said {said[key]}, true {true[key]}")
    asserted = {key for key in said.keys() | true.keys() if true.get(key) != "any"}
    return Compared(len(asserted), tuple(found))


def _run(served: Running, place: Path) -> tuple[Path | None, str]:
    """The nightly run in a process of its own; None and what it printed where it did not complete."""
    schedule, out = place / "schedule.yaml", place / "out"
    schedule.write_text(served.schedule, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WP_"))}
    command = [sys.executable, "-m", "reporter.cli", "run", "--schedule", str(schedule), "--out", str(out), "--now", f"{NOW:%Y-%m-%dT%H:%M:%SZ}"]
    done = subprocess.run(command, env={**kept, **served.environment}, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    said = done.stdout + done.stderr
    return (out / "run-000001" if done.returncode == 0 else None), said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":", maxsplit=1)[0])
    parser.add_argument("--size", choices=("small", "demo"), default="small", help="size of the estates (default: small)")
    parser.add_argument("--seeds", type=_seeds, default=(1,), help="like 1-7 or 1,2,3 (default: 1)")
    return parser


def _seeds(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds; write them like 1-7 or 1,2,3")
        found += range(int(first), int(last or first) + 1)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names no seed")
    return tuple(found)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
