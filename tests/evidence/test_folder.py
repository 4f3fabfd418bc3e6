from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reporter.core.errors import ReporterError
from reporter.evidence.folder import building, finish, runs

HOLD = """
import sys
from pathlib import Path
from reporter.evidence.folder import building
with building(Path(sys.argv[1])) as (folder, sequence):
    (folder / "half").write_text("written")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_has_its_name_only_once_it_is_finished(tmp_path: Path) -> None:
    with building(tmp_path / "out") as (folder, sequence):
        assert (sequence, folder.name) == (1, ".building-000001")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "raw").mkdir()
        (folder / "raw" / "a").write_text("x")
        assert runs(tmp_path / "out") == []
        run = finish(folder, sequence)
    assert run == tmp_path / "out" / "run-000001"
    assert runs(tmp_path / "out") == [run]
    assert (run / "raw" / "a").read_text() == "x"


def test_the_next_run_counts_on_from_the_highest(tmp_path: Path) -> None:
    for name in ("run-000007", "run-000002", "run-9", "run-0000001", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "run-000099").write_text("a file, no run")
    assert [run.name for run in runs(tmp_path)] == ["run-000002", "run-000007"]
    with building(tmp_path) as (_, sequence):
        assert sequence == 8


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert runs(tmp_path / "none") == []


def test_a_run_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    def break_half_way() -> None:
        with building(tmp_path) as (folder, _):
            (folder / "half").write_text("x")
            raise KeyError

    with pytest.raises(KeyError):
        break_half_way()
    assert [path.name for path in tmp_path.iterdir()] == [".state"]


def test_a_second_run_is_refused_while_another_process_is_at_work(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ReporterError, match="another run is writing into this folder"), building(tmp_path):
            pass
        assert (tmp_path / ".building-000001" / "half").exists()
        other.kill()
    with building(tmp_path) as (folder, sequence):
        assert sequence == 1
        assert list(folder.iterdir()) == []
        assert [path.name for path in tmp_path.glob(".building-*")] == [folder.name]


def test_the_lock_is_free_again_after_each_run(tmp_path: Path) -> None:
    for _ in range(3):
        with building(tmp_path) as (_, sequence):
            assert sequence == 1


def test_a_folder_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ReporterError, match="the folder cannot be written") as caught, building(tmp_path / "out"):
        pass
    assert caught.value.where == str(tmp_path / "out")
