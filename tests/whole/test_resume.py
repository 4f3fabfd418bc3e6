"""A run that is cut and goes on leaves the files of one that was not; every point of a run and both signals: `python -m bench.resume`."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.whole.conftest import Served
from tests.whole.cut import Runs, comparable

pytestmark = pytest.mark.xdist_group("whole")


@dataclass(frozen=True)
class Undisturbed:
    """One account and region of the estate, and what a run of them leaves."""

    runs: Runs
    files: dict[str, Any]
    requests: int


@pytest.fixture(scope="module")
def undisturbed(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    place = tmp_path_factory.mktemp("resume")
    said = yaml.safe_load(served.schedule)
    said["aws"] = {**said["aws"], "accounts": said["aws"]["accounts"][:1], "regions": said["aws"]["regions"][:1]}
    said["reports"] = {"languages": ["en"]}
    (place / "schedule.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    runs = Runs(served.environment, place / "schedule.yaml", "2026-11-24T03:00:00Z")
    served.forget()
    done = runs.run(place / "out")
    assert done.returncode == 0, done.stderr
    return Undisturbed(runs, comparable(place / "out" / "run-000001"), sum(map(len, served.calls())))


def told(stderr: str) -> list[dict[str, Any]]:
    """The log: every line of it is one object."""
    return [json.loads(line) for line in stderr.splitlines()]


def test_a_run_that_is_stopped_while_it_reads_says_how_to_go_on_and_reads_only_the_rest(
    undisturbed: Undisturbed, served: Served, tmp_path: Path
) -> None:
    cut = undisturbed.runs.cut(tmp_path, "request:60", "TERM")
    assert cut.returncode == 6
    assert cut.stdout == ""
    *_, stage, end, figures = told(cut.stderr)
    assert (stage["operation"], stage["outcome"]) == ("gather", "stopped")
    assert "scopes are read; nothing is sealed or sent" in end["message"]
    assert "reporter run --resume main-000001" in end["message"]
    assert figures["Finished"] == 0
    assert {path.name for path in tmp_path.iterdir()} == {".state", ".building-000001", ".unfinished-000001"}
    served.forget()
    done = undisturbed.runs.run(tmp_path, "--resume", "main-000001")
    assert done.returncode == 0, done.stderr
    assert sum(map(len, served.calls())) < undisturbed.requests
    assert comparable(tmp_path / "run-000001") == undisturbed.files
    resumed = json.loads((tmp_path / "run-000001" / "run.json").read_text(encoding="utf-8"))["resumed"]
    assert resumed["scopes_kept"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {".state", "run-000001"}


def test_a_run_that_is_killed_in_its_seal_is_sealed_without_reading_anything_again(undisturbed: Undisturbed, served: Served, tmp_path: Path) -> None:
    assert undisturbed.runs.cut(tmp_path, "file:SEAL.txt", "KILL").returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("run-*"))
    served.forget()
    done = undisturbed.runs.run(tmp_path, "--resume")
    assert done.returncode == 0, done.stderr
    aws, wp = served.calls()
    assert {call["operation"] for call in aws} <= {"GetCallerIdentity", "DescribeRegions", "AssumeRole"}
    assert wp == []
    assert comparable(tmp_path / "run-000001") == undisturbed.files
