from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reporter.evidence.seal import sha256
from reporter.history.previous import Previous, previous
from reporter.tables.joined import PREVIOUS_PACK
from tests.evidence.pack import KEY, OTHER, RESULTS, pack

PUBLIC = KEY.public_key()
ROW = "firewall_active,i-1,111122223333,eu-central-1,FAIL,2026-11-01T03:00:00Z\n"


def said(found: Previous) -> tuple[str, bool, bool, str]:
    (row,) = found.tables()[PREVIOUS_PACK.name].to_dict("records")
    return row["run_id"], row["sealed"], row["chained"], row["message"]


def test_the_first_run_has_none_before_it(tmp_path: Path) -> None:
    found = previous(tmp_path, "main", PUBLIC)
    assert found == Previous()
    assert found.tables()[PREVIOUS_PACK.name].empty


def test_the_first_pack_holds_and_its_history_is_used(tmp_path: Path) -> None:
    seal = pack(tmp_path / "run-000001", results=RESULTS + ROW + "agent_online,i-1,111122223333,eu-central-1,PASS,\n")
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found) == ("main-000001", True, True, "")
    assert (found.run_id, found.seal_sha256) == ("main-000001", seal)
    assert found.first_seen == {
        ("firewall_active", "i-1", "111122223333", "eu-central-1"): ("FAIL", datetime(2026, 11, 1, 3, tzinfo=UTC)),
    }


def test_a_second_pack_names_the_first(tmp_path: Path) -> None:
    pack(tmp_path / "run-000002", before=pack(tmp_path / "run-000001"))
    assert said(previous(tmp_path, "main", PUBLIC)) == ("main-000002", True, True, "")


def test_a_pack_that_does_not_hold_is_said_and_its_history_is_not_used(tmp_path: Path) -> None:
    run = tmp_path / "run-000001"
    pack(run, results=RESULTS + ROW)
    (run / "results.csv").write_text(RESULTS + ROW.replace("2026-11-01", "2020-01-01"))
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found) == ("main-000001", False, False, "files changed: ['results.csv']")
    assert found.first_seen is None
    assert found.seal_sha256 == sha256(run / "SEAL.txt")


def test_a_pack_of_another_key_is_not_ours(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", key=OTHER, results=RESULTS + ROW)
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found)[1:] == (False, False, "the signature is not of this chain's key")
    assert found.first_seen is None


def test_a_pack_of_another_chain_gives_no_ages(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", chain="test", results=RESULTS + ROW)
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found) == ("test-000001", True, False, "the pack belongs to chain test, not main")
    assert found.first_seen is None


def test_a_first_pack_that_names_one_before_it_breaks_the_chain(tmp_path: Path) -> None:
    pack(tmp_path / "run-000001", before="ab" * 32)
    assert said(previous(tmp_path, "main", PUBLIC))[2:] == (False, "the first pack of the chain names a pack before it")


def test_a_pack_whose_predecessor_is_gone_is_not_chained_but_its_ages_hold(tmp_path: Path) -> None:
    pack(tmp_path / "run-000002", before="ab" * 32, results=RESULTS + ROW)
    found = previous(tmp_path, "main", PUBLIC)
    assert said(found)[1:] == (True, False, "the pack before it is not here")
    assert found.first_seen


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
