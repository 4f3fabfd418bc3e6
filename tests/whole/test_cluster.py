"""A run on a cluster of workers leaves the files of a local one, also where a worker is killed while it reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import pytest
import yaml
from distributed.security import Security

from reporter.cluster import cluster
from reporter.core.errors import ScheduleError
from tests.whole.conftest import Served
from tests.whole.cut import Runs, comparable

pytestmark = pytest.mark.xdist_group("whole")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Machines:
    """A scheduler and two workers, each a process of its own; the first worker to start is going to be killed."""

    address: str
    tls: Mapping[str, str]
    dying: Path
    place: Path

    def log(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in self.place.glob("*.log"))


def certificates(place: Path) -> dict[str, str]:
    """One authority's certificate and key for all, and dask's settings for them."""
    made: Any = Security.temporary()  # type: ignore[no-untyped-call]
    files = {"CA_FILE": made.tls_ca_file, **{f"{who}__CERT": made.tls_scheduler_cert for who in ("SCHEDULER", "WORKER", "CLIENT")}}
    files |= {f"{who}__KEY": made.tls_scheduler_key for who in ("SCHEDULER", "WORKER", "CLIENT")}
    settings = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}
    for name, text in files.items():
        path = place / f"{name}.pem"
        path.write_text(text, encoding="utf-8")
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{name}"] = str(path)
    return settings


@pytest.fixture(scope="module")
def machines(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    place = tmp_path_factory.mktemp("cluster")
    tls, dying, contact = certificates(place), place / "dying", place / "scheduler.json"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WP_"))}
    aws = {name: value for name, value in served.environment.items() if name.startswith("AWS_")}  # and no key of Workload Protection
    environment = {**kept, **aws, **tls, "DYING_WORKER": str(dying), "PYTHONPATH": str(ROOT)}
    common = ["--no-dashboard", "--scheduler-file", str(contact)]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", *common, "--host", "tls://127.0.0.1", "--port", "0"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", *common, "--protocol", "tls", "--host", "127.0.0.1", "--nthreads", "1"]
    worker += ["--local-directory", str(place), "--preload", str(ROOT / "tests/whole/dying_worker.py")]
    started = []
    try:
        for number, command in enumerate((scheduler, worker, worker)):
            with (place / f"{number}.log").open("w", encoding="utf-8") as log:
                started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=place))
        while not contact.exists():
            assert started[0].poll() is None
            time.sleep(0.05)
        yield Machines(json.loads(contact.read_text(encoding="utf-8"))["address"], tls, dying, place)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)


def alike(run: Path) -> dict[str, Any]:
    """A run's files. A worker assumes the role that it reads with, as the run itself did when it asked for regions: one call more an account,
    which the log of calls has, and the sentence that counts them."""
    found = comparable(run)
    found["queries.jsonl"] = [line for line in found["queries.jsonl"] if line["source"] != "assume_role"]
    for name in ("limitations.txt", "GRENZEN.txt"):
        if name in found:
            found[name] = re.sub(r"\d+ are in queries|\d+ stehen in queries", "", (run / name).read_text(encoding="utf-8"))
    return found


def test_a_run_on_a_cluster_that_loses_a_worker_leaves_the_files_of_a_local_one(served: Served, machines: Machines, tmp_path: Path) -> None:
    said = yaml.safe_load(served.schedule)
    said["aws"] = {**said["aws"], "regions": said["aws"]["regions"][:1]}
    said["reports"] = {"languages": ["en"]}
    (tmp_path / "schedule.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    here = Runs(served.environment, tmp_path / "schedule.yaml", "2026-11-24T03:00:00Z")
    there = Runs({**served.environment, **machines.tls}, here.schedule, here.clock)
    spread = there.run(tmp_path / "there", "--cluster", machines.address)
    assert spread.returncode == 0, spread.stderr
    assert all(json.loads(line) for line in spread.stderr.splitlines())
    killed = int(machines.dying.read_text(encoding="utf-8"))
    assert f"Worker process {killed} was killed by signal 9" in machines.log()
    assert here.run(tmp_path / "here").returncode == 0
    assert alike(tmp_path / "there" / "run-000001") == alike(tmp_path / "here" / "run-000001")
    assert {path.name for path in (tmp_path / "there").iterdir()} == {".state", "run-000001"}


def test_workers_that_are_another_program_are_refused(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = {name.removeprefix("DASK_").lower().replace("__", "."): value for name, value in machines.tls.items()}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with (
        dask.config.set(tls),
        pytest.raises(ScheduleError, match=r"are not this very program: tls://.*its AWS calls go to http"),
        cluster(machines.address),
    ):
        pass


def test_a_cluster_that_nobody_answers_for_is_an_error_for_people() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(ScheduleError, match="cannot be reached") as raised,
        cluster("tcp://127.0.0.1:1"),
    ):
        pass
    assert "or run without --cluster" in str(raised.value)
    with pytest.raises(ScheduleError, match="cannot be reached"), cluster("carrier-pigeon://somewhere"):
        pass
