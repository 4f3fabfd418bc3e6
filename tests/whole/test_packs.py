"""The packs of real runs, one after the other: they hold for `reporter verify`, for the README's commands, and as zips; a sample can be traced."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reporter.evidence.sample import draw
from reporter.evidence.trust import trust
from reporter.evidence.verify import verify
from reporter.evidence.zipped import write
from tests.evidence.chains import commands, failing
from tests.whole.conftest import Served
from tests.whole.test_run import CLOCK, reporter

pytestmark = pytest.mark.xdist_group("whole")


@pytest.fixture(scope="module")
def out(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scheduled run, and the same judged twice again."""
    place = tmp_path_factory.mktemp("packs")
    (place / "schedule.yaml").write_text(served.schedule, encoding="utf-8")
    first = reporter(served, "run", "--schedule", place / "schedule.yaml", "--out", place / "out", "--now", CLOCK)
    assert first.returncode == 0, first.stdout + first.stderr
    for _ in range(2):
        again = reporter(served, "judge", place / "out" / "run-000001")
        assert again.returncode == 0, again.stdout + again.stderr
    shutil.copy(place / "out" / "run-000001" / "signing-key.pem", place / "held.pem")
    return place / "out"


def test_the_runs_form_a_chain(out: Path, served: Served) -> None:
    done = reporter(served, "verify", *sorted(out.glob("run-*")), "--key", out.parent / "held.pem")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("OK  ") == 3
    shutil.copytree(out, out.parent / "cut")
    shutil.rmtree(out.parent / "cut" / "run-000002")
    cut = reporter(served, "verify", *sorted((out.parent / "cut").glob("run-*")), "--key", out.parent / "held.pem")
    assert (cut.returncode, "main-000003  sequence-gap chain-broken" in cut.stdout) == (1, True)


def test_the_commands_of_each_readme_say_the_same(out: Path) -> None:
    for run in sorted(out.glob("run-*")):
        steps = commands((run / "README.txt").read_text(encoding="ascii"))
        assert failing(out, steps, out.parent / "held.pem") == {}


def test_the_readme_and_the_seal_before_are_sealed_and_named_in_run_json(out: Path) -> None:
    sealed = (out / "run-000002" / "SHA256SUMS").read_text()
    named = json.loads((out / "run-000002" / "run.json").read_text())["files"]
    for name in ("README.txt", "LIESMICH.txt", "previous-SEAL.txt"):
        assert f"  {name}\n" in sealed
        assert name in named
    assert not (out / "run-000001" / "previous-SEAL.txt").exists()
    assert (out / "run-000002" / "previous-SEAL.txt").read_bytes() == (out / "run-000001" / "SEAL.txt").read_bytes()


def test_a_sampled_instance_is_traced_to_what_was_received(out: Path) -> None:
    held = trust([out.parent / "held.pem"], [])
    write(out / "run-000001", out.parent / "one.zip")
    assert verify([out.parent / "one.zip"], held)[0].words() == []
    sample = draw(out.parent / "one.zip", "whole", 5, held)
    for item in sample.items:
        assert any(mention.file.endswith("DescribeInstances.xml.zst") for mention in item.mentions.files), item.id
        assert item.results
        assert item.mentions.unsearched == {}
