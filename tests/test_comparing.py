"""Whole runs of one chain, without servers: what each says of the one before it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from reporter.cli import main
from reporter.core.clock import iso
from reporter.core.errors import ScheduleError
from reporter.history.previous import Kept, kept
from reporter.history.rules import NAMES
from reporter.history.stored import read_table
from reporter.preflight import preflight
from reporter.run import judge_again, run
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.joined import CHANGES, HISTORY, RESULTS, TREND
from tests.history.chain import DAY, EC2_DENIED, I1, I2, SCHEDULE, WEAK, accepting, night, said, schedule
from tests.joins.made import NOW, A, R

WITHOUT = schedule(text=SCHEDULE.replace(", firewall", ""))
"""the firewall is not wanted any more"""


def changes(run: Path, check: str = WEAK) -> dict[str, tuple[str, str | None]]:
    """Resource -> change and cause, for one check in one place."""
    rows = read_table(run, CHANGES)
    rows = rows[(rows["check_id"] == check) & (rows["account"] == A) & (rows["region"] == R)]
    return {row["resource"]: (row["change"], row["cause"]) for row in rows.to_dict("records")}


def result(run: Path, resource: str = I1) -> dict[str, Any]:
    rows = read_table(run, RESULTS)
    (row,) = rows[(rows["check_id"] == WEAK) & (rows["resource"] == resource)].to_dict("records")
    return dict(row)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five nights: both fail; I1 is mended; the rules change while I2 is mended; I1 fails again; nothing is read."""
    out = tmp_path_factory.mktemp("chain")
    wanted = schedule(text=SCHEDULE.replace("firewall", "anti_malware, firewall"))
    return [
        night(out, 0),
        night(out, 1, walls=[I1]),
        night(out, 2, wanted, walls=[I1, I2]),
        night(out, 3, wanted, walls=[I2]),
        night(out, 4, wanted, unread=EC2_DENIED),
    ]


def test_the_first_run_is_compared_with_none_and_says_so(chain: list[Path]) -> None:
    first = said(chain[0])
    assert (first["compared_with"], first["counts"]["changes_since"]) == (None, None)
    assert first["compared_notes"] == ["there is no scheduled run of this chain here to compare with"]
    assert read_table(chain[0], CHANGES).empty
    assert set(read_table(chain[0], HISTORY)["last_known"]) == {"FAIL"}


def test_a_changed_world_is_called_world(chain: list[Path]) -> None:
    assert changes(chain[1]) == {I1: ("fixed", "world")}
    second = said(chain[1])
    assert (second["compared_with"], second["compared_notes"], second["counts"]["changes_since"]["fixed"]) == ("main-000001", [], 1)
    assert (second["rules"] == said(chain[0])["rules"], sorted(second["rules"])) == (True, sorted(NAMES))


def test_between_two_runs_with_another_world_and_another_setting_each_difference_says_which_it_is_of(chain: list[Path]) -> None:
    assert changes(chain[2]) == {I2: ("fixed", "world")}
    assert changes(chain[2], "anti_malware_active") == {I1: ("new", "rule"), I2: ("new", "rule")}
    (note,) = said(chain[2])["compared_notes"]
    assert note.startswith("the schedule's settings changed since main-000002: its tables were judged again by these rules")


def test_what_fails_again_is_reopened_though_the_run_before_did_not_see_it_fail(chain: list[Path]) -> None:
    assert changes(chain[3]) == {I1: ("reopened", "world")}


def test_a_night_that_reads_nothing_fixes_nothing(chain: list[Path]) -> None:
    assert changes(chain[4]) == {I1: ("gone", "reading"), "*": ("newly_unknown", "reading")}
    assert "fixed" not in set(read_table(chain[4], CHANGES)["change"])


def test_the_trend_is_carried_with_each_run_once(chain: list[Path]) -> None:
    rows = read_table(chain[4], TREND)
    assert list(rows["run"]) == [f"main-{number:06d}" for number in range(1, 6)]
    assert list(rows["at"]) == [NOW + day * DAY for day in range(5)]
    assert [None if pd.isna(value) else int(value) for value in rows["fixed"]] == [None, 1, 1, 0, 0]
    assert list(rows["scopes_unread"]) == [0, 0, 0, 0, 1]
    assert list(rows["failed"]) == [said(run)["counts"]["results"]["FAIL"] for run in chain]


def test_what_is_carried_outlives_the_folders_it_came_from(chain: list[Path], tmp_path: Path) -> None:
    for name in (".state", "run-000003"):
        shutil.copytree(chain[0].parent / name, tmp_path / name)
    for number in (3, 4):  # the state as it was after the third night
        shutil.rmtree(tmp_path / ".state" / "chain" / "main" / f"after-{number:06d}")
    assert said(chain[2])["rules"]["settings"] != said(chain[0])["rules"]["settings"]
    fourth = night(tmp_path, 3, schedule(text=SCHEDULE.replace("firewall", "anti_malware, firewall")), walls=[I2])
    assert fourth.name == "run-000004"
    assert changes(fourth) == {I1: ("reopened", "world")}
    assert list(read_table(fourth, TREND)["run"]) == [f"main-{number:06d}" for number in range(1, 5)]


def test_the_same_runs_leave_the_same_bytes(chain: list[Path], tmp_path: Path) -> None:
    again = [night(tmp_path, 0), night(tmp_path, 1, walls=[I1])]
    for one, other in zip(again, chain, strict=False):
        for name in ("changes", "history", "trend", "results"):
            assert (one / "tables" / f"{name}.parquet").read_bytes() == (other / "tables" / f"{name}.parquet").read_bytes(), name


def test_a_stored_run_judged_again_says_the_same_changes_and_enters_no_trend(chain: list[Path], tmp_path: Path) -> None:
    shutil.copytree(chain[0].parent, tmp_path / "out")
    out = tmp_path / "out"
    again = judge_again(out / "run-000004").folder
    assert again.name == "run-000006"
    for table in (CHANGES, HISTORY, RESULTS):
        new, old = (read_table(run, table) for run in (again, out / "run-000004"))
        new, old = (rows[rows["check_id"] != "evidence_sealed"] for rows in (new, old))  # another pack is the one before it
        pd.testing.assert_frame_equal(new, old, obj=table.name)
    assert said(again)["compared_with"] == "main-000003"
    assert list(read_table(again, TREND)["run"]) == ["main-000001", "main-000002", "main-000003", "main-000006"]
    by_other_rules = judge_again(out / "run-000004", WITHOUT).folder
    assert changes(by_other_rules) == {}
    next_night = night(out, 5, walls=[I2])
    assert said(next_night)["compared_with"] == "main-000005"
    assert changes(next_night) == {I1: ("known_again", "reading"), "*": ("known_again", "reading")}
    assert list(read_table(next_night, TREND)["run"])[-2:] == ["main-000005", "main-000008"]


@pytest.mark.parametrize("kind", ["apply", "undo"])
def test_a_run_that_changes_something_repeats_the_changes_of_the_run_it_acts_on(chain: list[Path], tmp_path: Path, kind: str) -> None:
    shutil.copytree(chain[0].parent, tmp_path / "out")
    for name in ("run-000001", "run-000002", "run-000005"):
        shutil.rmtree(tmp_path / "out" / name)
    stored = tmp_path / "out" / "run-000004"
    acting = night(tmp_path / "out", 5, walls=[I2], kind=kind, acts_on=stored)
    for table in (CHANGES, HISTORY, TREND):
        pd.testing.assert_frame_equal(read_table(acting, table), read_table(stored, table), obj=table.name)
    assert said(acting)["compared_with"] == "main-000003"
    assert said(acting)["counts"]["changes_since"]["reopened"] == 1
    following = night(tmp_path / "out", 6, walls=[I2])
    assert said(following)["compared_with"] == "main-000004"
    assert "main-000005" not in set(read_table(following, TREND)["run"])


def test_a_single_event_is_compared_with_nothing(chain: list[Path], tmp_path: Path) -> None:
    shutil.copytree(chain[0].parent, tmp_path / "out")
    event = night(tmp_path / "out", 5, machines=[I1], kind="event")
    assert said(event)["compared_notes"] == ["a single event looks at a part of the world: it is compared with no run"]
    assert read_table(event, CHANGES).empty
    assert said(night(tmp_path / "out", 6, walls=[I2]))["compared_with"] == "main-000005"


def test_an_exception_is_given_runs_out_and_says_so(tmp_path: Path) -> None:
    accepted = schedule(accepting("2026-11-25"))
    runs = [night(tmp_path, 0), night(tmp_path, 1, accepted), night(tmp_path, 2, accepted)]
    assert changes(runs[1]) == {I1: ("newly_waived", "exception")}
    assert (result(runs[1])["status"], result(runs[1])["waiver"], pd.isna(result(runs[1])["due"])) == ("WAIVED", "SEC-1 until 2026-11-25", True)
    without = said(runs[1])["counts"]["results_without_exceptions"]
    assert (without["WAIVED"], without["FAIL"]) == (0, said(runs[1])["counts"]["results"]["FAIL"] + 1)
    assert changes(runs[2]) == {I1: ("waiver_expired", "exception")}
    assert result(runs[2])["status"] == "FAIL"
    assert result(runs[2])["reason"].endswith("the exception SEC-1 ran out on 2026-11-25")
    assert result(runs[2])["due"] == result(runs[0])["due"]  # what was accepted meanwhile is no younger


def test_where_the_earlier_tables_cannot_be_judged_again_no_cause_is_made_up(chain: list[Path], tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out"
    shutil.copytree(chain[0].parent, out)
    for name in ("run-000003", "run-000004", "run-000005"):
        shutil.rmtree(out / name)
    table = out / "run-000002" / "tables" / f"{EC2_INSTANCES.name}.parquet"
    pq.write_table(pq.read_table(table).drop(["state"]), table)  # as a version before this one may have written it
    code, printed = run_diff(out / "run-000002", chain[2])
    assert code == 0
    assert "cannot be judged by these rules (TableError): whether rule or world is not told" in printed
    assert "no row" not in printed
    assert "NOT_APPLICABLE, since 2026-11-24T03:00:00Z -> FAIL, by not told" in printed


def run_diff(a: Path, b: Path, *more: str) -> tuple[int, str]:
    import contextlib
    import io

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = main(["diff", str(a), str(b), *more])
    return code, text.getvalue()


def test_diff_prints_counts_then_each_difference_worst_kind_first(chain: list[Path]) -> None:
    code, printed = run_diff(chain[0], chain[2])
    lines = printed.splitlines()
    assert code == 0
    assert lines[0] == "main-000001 -> main-000003: 4 differences"
    assert lines[1].startswith("the schedule's settings changed since main-000001")
    assert lines[2].split() == ["new", "2", "(rule", "2)"]
    assert lines[3].split() == ["fixed", "2", "(world", "2)"]
    assert [line for line in lines[4:] if not line.startswith(" ")] == ["", "new", "", "fixed"]
    assert f"  MEDIUM    firewall_active  {I1}  ({A} {R})" in lines
    assert f"FAIL, since {iso(NOW)} -> PASS, by world: firewall is active on the agent" in printed


def test_diff_speaks_to_programs_too(chain: list[Path]) -> None:
    code, printed = run_diff(chain[0], chain[1], "--json")
    found = json.loads(printed)
    assert (code, found["from"], found["to"], found["notes"], found["counts"]["fixed"]) == (0, "main-000001", "main-000002", [], 1)
    assert found["changes"] == [
        {
            "account": A,
            "cause": "world",
            "change": "fixed",
            "check_id": WEAK,
            "now": "PASS",
            "owner": None,
            "reason": "firewall is active on the agent",
            "region": R,
            "resource": I1,
            "severity": "MEDIUM",
            "since": iso(NOW),
            "was": "FAIL",
        }
    ]


def test_diff_of_a_run_with_itself_is_empty_and_backwards_is_said(chain: list[Path]) -> None:
    assert run_diff(chain[1], chain[1])[1] == "main-000002 -> main-000002: 0 differences\n"
    assert "main-000002 is the later run" in run_diff(chain[1], chain[0])[1]


def test_diff_knows_that_another_version_judged_the_later_run(chain: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "run-000003"
    shutil.copytree(chain[2], other)
    text = (other / "run.json").read_text()
    (other / "run.json").write_text(text.replace(said(other)["rules"]["code"], "0" * 64).replace('"chain": "main"', '"chain": "test"'))
    printed = run_diff(chain[0], other)[1]
    assert "the rules differ, and main-000003 was judged by another version of this program: whether rule or world is not told" in printed
    assert "the two runs are of different chains" in printed


def test_diff_of_what_is_no_run_is_a_wrong_call(chain: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(chain[0]), str(tmp_path)]) == 2
    assert "this is no finished run" in capsys.readouterr().err


def test_a_run_of_a_version_that_knew_no_rules_is_judged_again(chain: list[Path], tmp_path: Path) -> None:
    old = tmp_path / "run-000001"
    shutil.copytree(chain[0], old)
    told = said(old)
    del told["rules"]
    (old / "run.json").write_text(json.dumps(told))
    assert kept(old).said.get("rules") is None
    printed = run_diff(old, chain[1])[1]
    assert "the checks' own code, the schedule's settings, the exceptions changed since main-000001" in printed
    assert "by world" in printed


def test_a_machine_that_lacks_the_runs_before_fetches_those_that_it_judges_and_compares_with(tmp_path: Path) -> None:
    wanted = schedule(f"evidence: {{store: {tmp_path / 'packs'}}}\n")
    first = night(tmp_path / "out", 0, wanted)
    newest = night(tmp_path / "out", 0, wanted, kind="apply", acts_on=first)
    was = {gone: (gone / "SHA256SUMS").read_bytes() for gone in (first, newest)}
    for gone in was:
        shutil.rmtree(gone)
    later = night(tmp_path / "out", 1, wanted)
    assert said(later)["compared_with"] == "main-000001"
    assert {back: (back / "SHA256SUMS").read_bytes() for back in (first, newest)} == was
    judged = read_table(later, RESULTS)
    (row,) = judged[judged["check_id"] == "evidence_sealed"].to_dict("records")
    assert (row["resource"], row["status"]) == ("main-000002", "PASS")


def test_what_a_run_left_is_empty_where_it_left_nothing(tmp_path: Path) -> None:
    found: Kept = kept(tmp_path / "none")
    assert (found.run_id, found.ages, found.failing) == ("none", {}, {})


def test_an_exception_that_ends_too_far_ahead_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="exception SEC-1 for firewall_active ends on 2027-11-26, more than 366 days ahead") as caught:
        run(schedule(accepting("2027-11-26")), tmp_path / "out", NOW)
    assert caught.value.fix == "expires: 2027-11-25 at the latest"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("check", "fix"),
    [("firewal_active", "did you mean firewall_active?"), ("Firewall off", "one of: activity_monitoring_active, ")],
)
def test_an_exception_for_a_check_that_there_is_not_is_refused_before_anything_is_read(
    chain: list[Path], tmp_path: Path, check: str, fix: str
) -> None:
    strange = schedule(accepting("2027-03-31").replace("firewall_active", check))
    for begin in (lambda: run(strange, tmp_path / "out", NOW), lambda: judge_again(chain[0], strange), lambda: preflight(strange, NOW)):
        with pytest.raises(ScheduleError, match="exception SEC-1 is for a check that there is not: ") as caught:
            begin()
        assert caught.value.fix is not None
        assert caught.value.fix.startswith(fix)
    assert not (tmp_path / "out").exists()
