"""The reporter beside other programs on one estate: `python -m bench.rivals --instances 1000`.

One server, one estate; each program runs from its start to its last file, as anybody would call it, after the other one has ended. Its CPU is that of
its own processes, without the server's. Rivals live in environments of their own, in bench/.peers, with the packages of bench/peers.

- Prowler: the services that ours asks of too, in its three forms of report, on the sandbox of the package (moto with what it lacks).
- Cloud Custodian: its list of Inspector's findings and the report of it, on the server of bench.estate: moto pages too slowly for so many.

They judge other questions, as bench/README.md says: a ratio here says how long each takes to its own report of the same estate, and no more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.estate.identity import key_of
from bench.estate.running import serving as serving_findings
from bench.estate.size import Size
from bench.line import Line, show
from bench.process import Spent, cpu_of, measured

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
SERVICES = ("guardduty", "inspector2", "macie", "wafv2", "config", "ec2")
FORMS = ("csv", "html", "json-ocsf")


HOSTS = 2_000
"""instances that the findings are on"""
POLICY = {"policies": [{"name": "findings", "resource": "aws.inspector2-finding"}]}
"""Custodian's: every active finding"""


@dataclass(frozen=True)
class Estate:
    """A server of one estate: what points clients at it, the schedule that fits, the regions that have something; its process, where that is told."""

    environment: Mapping[str, str]
    schedule: str
    regions: tuple[str, ...]
    process: int | None = None


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.rivals", description="The reporter beside other programs on one estate.")
    parser.add_argument("--instances", type=int, default=1_000, help="beside Prowler; 0: not")
    parser.add_argument("--findings", type=int, default=100_000, help="beside Custodian; 0: not")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    given = parser.parse_args(arguments)
    return show(lines(given.instances, given.findings), as_json=given.json)


def lines(instances: int, findings: int) -> Iterator[Line]:
    """The figures."""
    if instances:
        yield from beside_prowler(instances)
    if findings:
        yield from beside_custodian(findings)


def beside_prowler(instances: int) -> Iterator[Line]:
    with serving(instances) as estate, tempfile.TemporaryDirectory() as place:
        peer = prowler(estate, Path(place))
        ours = reporter(estate, Path(place))
    what = f"a report of {instances:,} instances; Prowler"
    yield Line(f"{what}: from start to last file", ours.wall, "s", 15, "at least", peer.wall, peer.wall / ours.wall)
    yield Line(f"{what}: CPU", ours.cpu, "s CPU", 30, "at least", peer.cpu, peer.cpu / ours.cpu)
    yield Line(f"{what}: memory", ours.peak / 1e6, "MB", 8, "at least", peer.peak / 1e6, peer.peak / ours.peak)


def beside_custodian(findings: int) -> Iterator[Line]:
    size = Size(accounts=1, regions=1, instances=HOSTS, findings=findings)
    with serving_findings(size) as running, tempfile.TemporaryDirectory() as place:
        estate = Estate(running.environment, running.schedule(), size.places)
        inside = {**running.environment, "AWS_ACCESS_KEY_ID": key_of(size.ids[0])}
        peer = custodian(Estate(inside, "", size.places), Path(place), findings)
        ours = reporter(estate, Path(place))
    what = f"a report of {findings:,} Inspector findings; Cloud Custodian"
    yield Line(f"{what}: from start to last file", ours.wall, "s", 6, "at least", peer.wall, peer.wall / ours.wall)
    yield Line(f"{what}: CPU", ours.cpu, "s CPU", 6, "at least", peer.cpu, peer.cpu / ours.cpu)
    yield Line(f"{what}: memory", ours.peak / 1e6, "MB", 6, "at least", peer.peak / 1e6, peer.peak / ours.peak)


def reporter(estate: Estate, place: Path) -> Spent:
    """A whole run with all its files."""
    (place / "schedule.yaml").write_text(estate.schedule, encoding="utf-8")
    command = [sys.executable, "-m", "reporter.cli", "run", "--schedule", "schedule.yaml", "--out", "ours"]
    found = _measured("reporter", command, estate, place)
    if not (place / "ours" / "run-000001" / "SEAL.txt").exists():
        raise RuntimeError("the reporter left no sealed run")
    return found


def prowler(estate: Estate, place: Path) -> Spent:
    """Its scan of the services that ours asks of too, in three forms. It appends to files that are there: its folder is a new one."""
    program = str(environment("prowler") / "prowler")
    command = [program, "aws", "--services", *SERVICES, "--region", *estate.regions, "--output-formats", *FORMS]
    command += ["--output-directory", "prowler", "--output-filename", "out", "--ignore-exit-code-3", "--no-banner"]
    found = _measured("prowler", command, estate, place)
    if not all((place / "prowler" / name).exists() for name in ("out.csv", "out.html", "out.ocsf.json")):
        raise RuntimeError("Prowler left not all of its files")
    return found


def custodian(estate: Estate, place: Path, findings: int) -> Spent:
    """Its list of the findings, then its report of them. The account's own credentials: it assumes no role."""
    program, policy = str(environment("c7n") / "custodian"), "policy.json"
    (place / policy).write_text(json.dumps(POLICY), encoding="utf-8")
    read = [program, "run", "--output-dir", "custodian", "--region", estate.regions[0], "--cache-period", "0", policy]
    told = [program, "report", "--output-dir", "custodian", "--region", estate.regions[0], "--format", "csv", policy]
    first, second = _measured("custodian-run", read, estate, place), _measured("custodian-report", told, estate, place)
    rows = (place / "custodian-report.txt").read_bytes().count(b"\n") - 1
    if rows != findings:
        raise RuntimeError(f"Custodian reported {rows} of {findings} findings")
    return Spent(first.wall + second.wall, first.cpu + second.cpu, max(first.peak, second.peak), 0)


def _measured(name: str, command: list[str], estate: Estate, place: Path) -> Spent:
    """Raises RuntimeError where it does not end well."""
    before = cpu_of(estate.process) if estate.process else 0
    found = measured(name, command, estate.environment, place)
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 1e6
    server = f", the server's CPU {cpu_of(estate.process) - before:.1f} s" if estate.process else ""
    sys.stderr.write(f"{name}: {found.wall:.1f} s, CPU {found.cpu:.1f} s{server}, {found.peak / 1e6:,.0f} MB, files until now {size:,.0f} MB\n")
    return found


def environment(name: str) -> Path:
    """The folder of programs of a rival's own environment, made where there is none: what bench/peers names, and nothing else."""
    place = PEERS / name
    if not (place / "made").exists():
        venv.create(place, with_pip=True, clear=True)
        command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "-r", str(HERE / "peers" / f"{name}.txt")], check=True, stdout=sys.stderr)
        (place / "made").touch()
    return place / "bin"


@contextmanager
def serving(instances: int) -> Iterator[Estate]:
    """The estate's server in a process of its own, until the block ends."""
    command = [sys.executable, "-m", "bench.rivals_estate", "--instances", str(instances)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  # asked for above
        try:
            said: dict[str, Any] = json.loads(process.stdout.readline())
            yield Estate(said["environment"], said["schedule"], tuple(said["regions"]), process.pid)
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
