from __future__ import annotations

from pathlib import Path

import pytest

from reporter.core.errors import ScheduleError
from reporter.propose import discover, modes
from reporter.schedule import load
from reporter.starter import write_starter
from tests.aws_answers import identity, refused
from tests.clients.aws_server import AwsServer, server

__all__ = ["server"]

A = "111122223333"
URL = "https://workload.de-1.cloudone.trendmicro.com/api"


def test_what_is_written_is_a_schedule_that_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "schedule.yaml"
    write_starter(path, A, ("us-east-1", "eu-central-1"), URL)
    schedule = load(path)
    assert ([account.id for account in schedule.aws.accounts], schedule.aws.regions) == ([A], ("eu-central-1", "us-east-1"))
    assert (schedule.workload_protection[0].url, schedule.workload_protection[0].key) == (URL, "env:WP_API_KEY")
    assert set(modes(schedule.actions, discover()).values()) == {"plan"}


def test_without_regions_all_that_are_enabled_are_read(tmp_path: Path) -> None:
    write_starter(tmp_path / "s.yaml", A, (), URL)
    assert load(tmp_path / "s.yaml").aws.regions == "all"


def test_without_an_account_it_is_the_callers(tmp_path: Path, server: AwsServer) -> None:
    server.on("GetCallerIdentity", identity(A))
    write_starter(tmp_path / "s.yaml", None, (), URL)
    assert load(tmp_path / "s.yaml").aws.accounts[0].id == A


def test_without_credentials_it_says_how_to_go_on_and_writes_nothing(tmp_path: Path, server: AwsServer) -> None:
    server.on("GetCallerIdentity", refused("InvalidClientTokenId"))
    with pytest.raises(ScheduleError, match="the account is not known") as caught:
        write_starter(tmp_path / "s.yaml", None, (), URL)
    assert "--account 111122223333" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "schedule.yaml"
    path.write_text("mine")
    with pytest.raises(ScheduleError, match="there is a file of that name already"):
        write_starter(path, A, (), URL)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("account", "regions", "url"),
    [("1111", (), URL), (A, ("Frankfurt",), URL), (A, (), "http://example.com"), (A, (), "not a url"), (A + '"}, {id: "x', (), URL)],
)
def test_a_wrong_answer_is_refused_and_nothing_is_written(tmp_path: Path, account: str, regions: tuple[str, ...], url: str) -> None:
    with pytest.raises(ScheduleError):
        write_starter(tmp_path / "s.yaml", account, regions, url)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="the file cannot be written"):
        write_starter(tmp_path / "none" / "s.yaml", A, (), URL)
