from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from reporter.evidence.seal import Head, sha256
from reporter.history.previous import Previous, previous
from reporter.tables.joined import HISTORY, PREVIOUS_PACK
from tests.checks.worlds import I1, I2, A, R
from tests.evidence.pack import KEY, OTHER
from tests.history.packs import FIRST, pack, result

PUBLIC = (KEY.public_key(),)
KEY_OF_ROW = ("firewall_active", I1, A, R)


def said(found: Previous) -> tuple[str, bool, bool, str]:
    (row,) = found.tables()[PREVIOUS_PACK.name].to_dict("records")
    return row["run_id"], row["sealed"], row["chained"], row["message"]


def compared(found: Previous) -> str:
    return found.compared.run_id if found.compared else ""


def test_the_first_run_has_none_before_it(tmp_path: Path) -> None:
    found = previous(tmp_path, "main", PUBLIC)
    assert found.tables()[PREVIOUS_PACK.name].empty
    assert (found.run_id, compared(found), found.ages, found.failing) == ("", "", {}, {})
    assert found.notes == ("there is no scheduled run of this chain here to compare with",)


def test_the_first_pack_holds_and_its_history_is_used(tmp_path: Path) -> None:
    seal = pack(tmp_path / "run-000001", result(), result(I2, "PASS", first_seen=None))
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found) == ("main-000001", True, True, "")
    assert (found.run_id, found.seal_sha256, compared(found)) == ("main-000001", seal, "main-000001")
    assert found.ages == {KEY_OF_ROW: ("FAIL", FIRST)}


def test_since_when_something_fails_is_remembered_while_it_is_not_seen_otherwise(tmp_path: Path) -> None:
    base = {"check_id": "firewall_active", "account": A, "region": R, "severity": "LOW", "seen_at": FIRST, "failing_since": FIRST}
    kept = [base | {"resource": name, "last_known": status} for name, status in ((I1, "FAIL"), (I2, "PASS"), ("i-3", "WAIVED"), ("i-4", None))]
    pack(tmp_path / "run-000001", tables=[(HISTORY, kept)])
    assert {key[1]: since for key, since in previous(tmp_path, "main", PUBLIC).failing.items()} == {I1: FIRST, "i-3": FIRST}


def test_a_second_pack_names_the_first(tmp_path: Path) -> None:
    pack(tmp_path / "run-000002", before=pack(tmp_path / "run-000001"))
    assert said(previous(tmp_path, "main", PUBLIC)) == ("main-000002", True, True, "")


def test_a_pack_that_does_not_hold_is_said_and_its_history_is_not_used(tmp_path: Path) -> None:
    run = tmp_path / "run-000001"
    pack(run, result())
    (run / "results.csv").write_text("check_id,resource\n")
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found) == ("main-000001", False, False, "files changed: ['results.csv']")
    assert (found.ages, compared(found)) == ({}, "")
    assert found.notes[0] == "main-000001 is not compared with: its pack does not hold (files changed: ['results.csv'])"
    assert found.seal_sha256 == sha256(run / "SEAL.txt")


def test_a_pack_that_does_not_hold_is_passed_over_and_the_one_before_it_is_used(tmp_path: Path) -> None:
    pack(tmp_path / "run-000002", result(first_seen=None), before=pack(tmp_path / "run-000001", result()))
    (tmp_path / "run-000002" / "results.csv").unlink()
    found = previous(tmp_path, "main", PUBLIC)
    assert (compared(found), found.ages) == ("main-000001", {KEY_OF_ROW: ("FAIL", FIRST)})
    assert "main-000002 is not compared with" in found.notes[0]


def test_a_pack_of_another_key_is_not_ours(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", result(), key=OTHER)
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found)[1:] == (False, False, "the signature is not of this chain's key")
    assert found.ages == {}


def test_a_pack_of_another_chain_gives_no_ages(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", result(), chain="test")
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found) == ("test-000001", True, False, "the pack belongs to chain test, not main")
    assert found.ages == {}


@pytest.mark.parametrize(("kind", "chain"), [("apply", "main"), ("undo", "main"), ("judge", "main"), ("event", "main"), ("scheduled", "test")])
def test_only_scheduled_runs_of_the_chain_are_compared_with(tmp_path: Path, kind: str, chain: str) -> None:
    before = pack(tmp_path / "run-000001", result())
    pack(tmp_path / "run-000002", result(I1, "PASS"), kind=kind, chain=chain, before=before)
    found = previous(tmp_path, "main", PUBLIC)
    assert (found.run_id, compared(found)) == (f"{chain}-000002", "main-000001")
    assert found.ages == {KEY_OF_ROW: ("FAIL", FIRST)}


def test_a_run_that_acts_on_another_is_compared_with_what_that_one_was_compared_with(tmp_path: Path) -> None:
    later = datetime(2026, 11, 2, 3, tzinfo=UTC)
    first = pack(tmp_path / "run-000001", result())
    second = pack(tmp_path / "run-000002", result(first_seen=later), before=first, compared_with="main-000001")
    pack(tmp_path / "run-000003", result(first_seen=None), before=second, compared_with="main-000002")
    found = previous(tmp_path, "main", PUBLIC, tmp_path / "run-000002")
    assert (found.run_id, compared(found), found.ages) == ("main-000003", "main-000001", {KEY_OF_ROW: ("FAIL", later)})


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (shutil.rmtree, "main-000001, which main-000002 was compared with, is no longer here"),
        (lambda run: (run / "results.csv").unlink(), "main-000001 is not compared with: its pack does not hold"),
    ],
)
def test_what_it_was_compared_with_may_be_gone(tmp_path: Path, change: object, note: str) -> None:
    pack(tmp_path / "run-000002", result(), before=pack(tmp_path / "run-000001"), compared_with="main-000001")
    change(tmp_path / "run-000001")  # type: ignore[operator]
    found = previous(tmp_path, "main", PUBLIC, tmp_path / "run-000002")
    assert compared(found) == ""
    assert found.notes[0].startswith(note)


def test_a_first_run_that_is_judged_again_was_compared_with_none(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", result(), compared_with=None)
    found = previous(tmp_path, "main", PUBLIC, tmp_path / "run-000001")
    assert (compared(found), found.notes) == ("", ("main-000001 was compared with no run",))


def test_a_first_pack_that_names_one_before_it_breaks_the_chain(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", before="ab" * 32)
    assert said(previous(tmp_path, "main", PUBLIC))[2:] == (False, "the first pack of the chain names a pack before it")


def test_a_pack_whose_predecessor_is_gone_is_not_chained_but_its_ages_hold(tmp_path: Path) -> None:
    pack(tmp_path / "run-000002", result(), before="ab" * 32)
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found)[1:] == (True, False, "the pack before it is not here")
    assert found.ages


def test_a_predecessor_without_a_seal_is_not_there(tmp_path: Path) -> None:
    pack(tmp_path / "run-000002", before=pack(tmp_path / "run-000001"))
    (tmp_path / "run-000001" / "SEAL.txt").unlink()
    assert said(previous(tmp_path, "main", PUBLIC))[2:] == (False, "the pack before it is not here")


@pytest.mark.parametrize("before", ["", "ab" * 32])
def test_a_pack_that_names_another_seal_breaks_the_chain(tmp_path: Path, before: str) -> None:
    pack(tmp_path / "run-000001")
    pack(tmp_path / "run-000002", before=before)
    assert said(previous(tmp_path, "main", PUBLIC))[2:] == (False, "the pack does not name the seal of run-000001")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": '])
def test_a_run_without_a_readable_id_goes_by_its_folder(tmp_path: Path, text: str) -> None:
    run = tmp_path / "run-000001"
    pack(run)
    (run / "run.json").write_text(text)
    assert said(previous(tmp_path, "main", PUBLIC))[:2] == ("run-000001", False)


def test_an_empty_folder_of_a_run_is_a_pack_that_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "run-000001").mkdir()
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found)[:3] == ("run-000001", False, False)
    assert found.seal_sha256 == ""


def head(run: Path) -> Head:
    return Head.of((run / "SEAL.txt").read_bytes())


def test_a_pack_that_lies_elsewhere_is_named_but_not_judged(tmp_path: Path) -> None:
    """An empty folder, or one that lacks the newest pack: the state alone knows what was sealed last."""
    first = pack(tmp_path / "here" / "run-000001", result())
    second = pack(tmp_path / "elsewhere" / "run-000002", before=first)
    newest = head(tmp_path / "elsewhere" / "run-000002")
    for out in (tmp_path / "empty", tmp_path / "here"):
        found = previous(out, "main", PUBLIC, None, newest)
        (row,) = found.tables()[PREVIOUS_PACK.name].to_dict("records")
        assert (row["run_id"], row["message"]) == ("main-000002", "its pack is not in this folder: the state keeps its seal alone")
        assert pd.isna(row["sealed"])
        assert pd.isna(row["chained"])
        assert (found.run_id, found.seal_sha256) == ("main-000002", second)
    assert compared(previous(tmp_path / "here", "main", PUBLIC, None, newest)) == "main-000001"


def test_a_pack_that_could_not_be_fetched_says_why_and_one_that_is_lost_is_a_flaw(tmp_path: Path) -> None:
    pack(tmp_path / "elsewhere" / "run-000002", before="ab" * 32)
    newest = head(tmp_path / "elsewhere" / "run-000002")
    for flawed, sealed in ((True, False), (False, None)):
        found = previous(tmp_path / "empty", "main", PUBLIC, None, newest, {"main-000002": ("nobody has it", flawed)})
        (row,) = found.tables()[PREVIOUS_PACK.name].to_dict("records")
        assert (None if pd.isna(row["sealed"]) else row["sealed"]) is sealed
        assert row["message"] == "its pack is not in this folder: nobody has it"
        assert found.notes[-1] == "main-000002 is not in this folder: nobody has it"


def test_what_the_newest_pack_follows_may_lie_elsewhere(tmp_path: Path) -> None:
    pack(tmp_path / "run-000003", before="ab" * 32)
    (row,) = previous(tmp_path, "main", PUBLIC, None, head(tmp_path / "run-000003")).tables()[PREVIOUS_PACK.name].to_dict("records")
    assert (row["sealed"], row["message"]) == (True, "the pack before it, main-000002, is not in this folder")
    assert pd.isna(row["chained"])


def test_a_pack_that_was_sealed_again_is_not_the_one_that_the_state_keeps(tmp_path: Path) -> None:
    pack(tmp_path / "was" / "run-000001", result())
    pack(tmp_path / "run-000001", result(I1, "PASS"))
    kept = head(tmp_path / "was" / "run-000001")
    found = previous(tmp_path, "main", PUBLIC, None, kept)
    assert said(found) == ("main-000001", True, False, "its seal is not the one that the state keeps of it")
    assert found.seal_sha256 == kept.sha256


def test_a_run_that_took_long_follows_one_with_a_higher_number(tmp_path: Path) -> None:
    third = pack(tmp_path / "run-000003", before=pack(tmp_path / "run-000001"), follows="main-000001")
    pack(tmp_path / "run-000002", before=third, follows="main-000003")
    assert said(previous(tmp_path, "main", PUBLIC, None, head(tmp_path / "run-000002"))) == ("main-000002", True, True, "")
