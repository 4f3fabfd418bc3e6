from __future__ import annotations

from pathlib import Path

import pytest

from reporter.core.errors import ScheduleError
from reporter.propose import discover, modes
from reporter.schedule import load
from reporter.starter import Found, auth_of, look, write_starter
from tests.aws_answers import XML, identity, refused, refused_by_ec2, regions
from tests.clients.aws_server import Answer, AwsServer, error, page, server
from tests.clients.wp_sandbox import KEY, Tenant, tenant

__all__ = ["server", "tenant"]

A = "111122223333"
B, C = "222233334444", "333344445555"
URL = "https://workload.de-1.cloudone.trendmicro.com/api"


def instances(count: int) -> Answer:
    return Answer(f"<DescribeInstancesResponse><reservationSet>{'<item/>' * count}</reservationSet></DescribeInstancesResponse>".encode(), 200, XML)


def test_what_is_written_is_a_schedule_that_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "schedule.yaml"
    write_starter(path, Found(A, regions=("us-east-1", "eu-central-1")), URL)
    schedule = load(path)
    assert ([account.id for account in schedule.aws.accounts], schedule.aws.regions) == ([A], ("eu-central-1", "us-east-1"))
    assert (schedule.workload_protection[0].url, schedule.workload_protection[0].key) == (URL, "env:WP_API_KEY")
    assert set(modes(schedule.actions, discover()).values()) == {"plan"}


def test_without_regions_all_that_are_enabled_are_read(tmp_path: Path) -> None:
    write_starter(tmp_path / "s.yaml", Found(A), URL)
    assert load(tmp_path / "s.yaml").aws.regions == "all"


def test_without_an_account_it_is_the_callers(tmp_path: Path, server: AwsServer) -> None:
    server.on("GetCallerIdentity", identity(A))
    server.on("ListAccounts", error("AWSOrganizationsNotInUseException"))
    server.on("DescribeRegions", regions("eu-central-1", "us-east-1", "us-west-2"))
    server.on("DescribeInstances", instances(0), instances(0), refused_by_ec2())
    server.on("ListClusters", page(clusterArns=[]))
    write_starter(tmp_path / "s.yaml", look("reporter-read"), URL)
    written = load(tmp_path / "s.yaml")
    assert [account.id for account in written.aws.accounts] == [A]
    assert len(written.aws.regions) == 1  # the region that could not be asked: it is never left out unseen


def test_without_credentials_it_says_how_to_go_on(server: AwsServer) -> None:
    server.on("GetCallerIdentity", refused("InvalidClientTokenId"))
    with pytest.raises(ScheduleError, match="the account is not known") as caught:
        look("reporter-read")
    assert "--account 111122223333" in caught.value.fix


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "schedule.yaml"
    path.write_text("mine")
    with pytest.raises(ScheduleError, match="there is a file of that name already"):
        write_starter(path, Found(A), URL)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("account", "regions", "url"),
    [("1111", (), URL), (A, ("Frankfurt",), URL), (A, (), "http://example.com"), (A, (), "not a url"), (A + '"}, {id: "x', (), URL)],
)
def test_a_wrong_answer_is_refused_and_nothing_is_written(tmp_path: Path, account: str, regions: tuple[str, ...], url: str) -> None:
    with pytest.raises(ScheduleError):
        write_starter(tmp_path / "s.yaml", Found(account, regions=regions), url)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="the file cannot be written"):
        write_starter(tmp_path / "none" / "s.yaml", Found(A), URL)


def test_an_organisation_whose_roles_can_all_be_assumed_is_named_as_one(tmp_path: Path) -> None:
    write_starter(tmp_path / "s.yaml", Found(A, ((B, True), (C, True))), URL, "security/reporter-read")
    organization = load(tmp_path / "s.yaml").aws.organization
    assert organization is not None
    assert organization.role == "security/reporter-read"


def test_an_account_whose_role_cannot_be_assumed_is_a_comment(tmp_path: Path) -> None:
    write_starter(tmp_path / "s.yaml", Found(A, ((B, True), (C, False))), URL)
    assert [account.id for account in load(tmp_path / "s.yaml").aws.accounts] == [A, B]
    assert f'# - {{id: "{C}"' in (tmp_path / "s.yaml").read_text()


def test_the_key_is_tried_and_never_written(tmp_path: Path, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant.sandbox.state.add_key("main", "another-key", "api-secret-key", 1)
    for key, auth, remark in ((KEY, "api-key", ""), ("another-key", "api-secret-key", ""), ("a-refused-secret", "api-key", "; neither worked")):
        monkeypatch.setenv("WP_API_KEY", key)
        tried = auth_of(tenant.url)
        assert (tried[0], tried[1][:16]) == (auth, remark)
        path = tmp_path / f"{key}.yaml"
        write_starter(path, Found(A), tenant.url, tried=tried)
        assert load(path).workload_protection[0].auth == auth
        assert key not in path.read_text().replace("api-key", "")


def test_without_a_key_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WP_API_KEY", raising=False)
    assert auth_of(URL) == ("api-key", "; not tried: WP_API_KEY is not set")
