from __future__ import annotations

import pickle
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reporter.core.call import Call, Calls
from reporter.core.ledger import LedgerRow
from reporter.core.scope import Reach, Scope, ScopeState
from reporter.core.source import Source
from reporter.core.table import Column, Kind, Table
from reporter.elsewhere import Away, Workers
from reporter.evidence.raw import RawFolder
from reporter.fitness import Unfit, differences, this_program
from reporter.gather import Gathered, gather
from reporter.opening import CallLimits
from reporter.partitions import Partition, ReadPartition, ReadScope, Terms, partitions, read_partition
from reporter.scopes import Access, ScopePlan

ROLES = {account: Access(account, f"arn:aws:iam::{account}:role/read", "outside") for account in ("222222222222", "333333333333", "444444444444")}
OWN = "111111111111"
THINGS = Table("things", "Things", ("account",), (Column("account", Kind.TEXT, "account"), Column("where", Kind.TEXT, "where it was read")))
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LIMITS = CallLimits(1, 1, 1, 4)


def source(name: str, reach: Reach = Reach.REGIONAL) -> Source:
    return Source(name, (THINGS,), (), reach, lambda reader: {"things": [(reader.scope.account, "here")]})


EC2, GUARDDUTY, ORGANIZATIONS, RULES = (
    source("ec2"),
    source("guardduty"),
    source("organizations", Reach.ORGANIZATION),
    source("wp_rules", Reach.TENANT),
)


def at(account: str, name: str = "ec2") -> Scope:
    return Scope(account, "eu-central-1" if name in ("ec2", "guardduty") else "global", name)


def plan(delegated: str = "") -> ScopePlan:
    accounts = (OWN, *ROLES)
    scopes = [(at(account, one.name), one) for account in accounts for one in (EC2, GUARDDUTY)]
    scopes.append((at(OWN, "organizations"), ORGANIZATIONS))
    pairs = {at(account, "guardduty"): at(delegated, "guardduty") for account in accounts} if delegated else {}
    sources = (EC2, GUARDDUTY, ORGANIZATIONS, RULES)
    return ScopePlan(OWN, {OWN: Access(OWN), **ROLES}, sources, tuple(scopes), ((Scope("main", "-", "wp_rules"), RULES),), (), pairs)


def by_account(said: ScopePlan) -> dict[str, set[Scope]]:
    return {one.account: set(one.scopes) for one in partitions(said, set(said.all()))}


def test_accounts_with_a_role_are_partitions_and_what_needs_the_runs_own_credentials_is_none() -> None:
    assert by_account(plan()) == {account: {at(account), at(account, "guardduty")} for account in ROLES}


def test_what_is_read_by_the_same_calls_is_one_partition_and_stays_here_where_one_account_of_it_has_no_role() -> None:
    administrator = "222222222222"
    assert by_account(plan(administrator)) == {"333333333333": {at("333333333333")}, "444444444444": {at("444444444444")}}
    said = plan(administrator)
    roles = replace(said, access={**said.access, OWN: Access(OWN, "arn:aws:iam::111111111111:role/read")})
    found = {one.account: one for one in partitions(roles, set(roles.all()))}
    assert set(found[administrator].scopes) == {at(administrator), *(at(account, "guardduty") for account in (OWN, *ROLES))}
    again = found[administrator].plan((EC2, GUARDDUTY))
    assert again.delegated == roles.delegated
    assert again.access == roles.access
    assert set(again.aws) == {(scope, kind) for scope, kind in roles.aws if scope in found[administrator].scopes}


def test_scopes_that_are_known_are_in_no_partition() -> None:
    assert [one.scopes for one in partitions(plan(), {at("333333333333")})] == [(at("333333333333"),)]


def test_a_partition_is_sent_without_any_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "AWS_ACCESS_KEY_ID": "AKIASECRETSECRETSE12",
        "AWS_SECRET_ACCESS_KEY": "sc/secret",
        "AWS_SESSION_TOKEN": "tok-en",
        "WP_API_KEY": "wp-key",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    said = plan()
    sent = pickle.dumps((read_partition, *partitions(said, set(said.all())), Terms(this_program(), NOW, "reporter-", LIMITS)))
    assert not [name for name, value in secrets.items() if value.encode() in sent]
    assert b"arn:aws:iam::222222222222:role/read" in sent


def test_a_worker_that_is_another_program_reads_nothing() -> None:
    newer = tuple("pyarrow==1.0" if one.startswith("pyarrow==") else one for one in this_program().packages)
    other = replace(this_program(), version="0.0.1", packages=newer, aws="http://elsewhere")
    with pytest.raises(
        Unfit, match=r"its version is .* instead of 0.0.1; its AWS calls go to AWS instead of http://elsewhere; its pyarrow is \S+ instead of 1.0$"
    ):
        read_partition(Partition(OWN, OWN, (), (), ()), Terms(other, NOW, "reporter-", LIMITS))
    assert differences(other, other) == []


class Worker(Executor):
    """Stands where a cluster stands: answers each partition as it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    def submit(self, fn: Any, /, *given: Any, **_: Any) -> Future[Any]:
        self.asked += 1
        future: Future[Any] = Future()
        answer = self.answer(given[0]) if callable(self.answer) else self.answer
        if answer == "cancelled":
            future.cancel()
            future.set_running_or_notify_cancel()
        elif isinstance(answer, BaseException):
            future.set_exception(answer)
        elif answer is not None:
            future.set_result(answer)
        return future


class Died(Exception):
    pass


def read(partition: Partition, file: str = "000000-ListThings.json.zst") -> ReadPartition:
    """What a worker gives back that has read a partition."""

    def one(scope: Scope) -> ReadScope:
        call = Call(scope.account, scope.region, scope.source, "ec2", "ListThings", scope.region, "{}", (0,), (0,))
        row = LedgerRow(scope, ScopeState.OK, rows=1, calls=1)
        return ReadScope(row, {"things": [(scope.account, "there")]}, [call], {file: (b"packed", 9)})

    beside = Call(partition.account, "global", "assume_role", "sts", "AssumeRole", "eu-central-1", "{}", (0,), (0,))
    return ReadPartition(tuple(map(one, partition.scopes)), (beside,))


class Reader:
    """Stands where a client's reader stands."""

    calls, retries = 1, 0

    def __init__(self, scope: Scope) -> None:
        self.scope = scope


def gathered(tmp_path: Path, workers: Workers) -> tuple[Gathered, Away, list[str]]:
    told: list[str] = []
    away = Away(workers, Terms(this_program(), NOW, "reporter-", LIMITS), RawFolder(tmp_path / "raw"), Calls(), lambda _, said: told.append(said))
    return gather(plan(), lambda scope, _: Reader(scope), lambda _: None, elsewhere=away), away, told


def where(found: Gathered) -> dict[str, set[str]]:
    frame = found.tables["things"]
    return {str(place): set(frame["account"][frame["where"] == place]) for place in frame["where"].unique()}


def test_what_a_worker_read_lies_where_it_would_lie_had_it_been_read_here(tmp_path: Path) -> None:
    found, away, told = gathered(tmp_path, Workers(Worker(read)))
    assert where(found) == {"there": set(ROLES), "here": {OWN, "main"}}
    assert (tmp_path / "raw/ec2/222222222222/eu-central-1/000000-ListThings.json.zst").read_bytes() == b"packed"
    assert len(list(away.calls)) == 3 * 2 + 3
    assert told == []


@pytest.mark.parametrize("lost", ["cancelled", Died()])
def test_what_lost_workers_were_to_read_is_read_here(tmp_path: Path, lost: Any) -> None:
    found, away, told = gathered(tmp_path, Workers(Worker(lost), lost=(Died,)))
    assert where(found) == {"here": {OWN, "main", *ROLES}}
    assert not found.ledger.unread()
    assert len(told) == 1
    assert not list(away.calls)


def test_what_nobody_is_left_to_read_is_read_here(tmp_path: Path) -> None:
    found, _, told = gathered(tmp_path, Workers(Worker(None), gone=lambda: True))
    assert where(found) == {"here": {OWN, "main", *ROLES}}
    assert told == ["workers are gone (nobody is left who reads): what they were to read is read here"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Died("4 workers"), "every worker that read this account was lost"),
        (ValueError("odd"), "a worker could not read this account: ValueError: odd"),
    ],
)
def test_what_no_worker_could_read_is_unavailable_and_says_why(tmp_path: Path, error: Exception, said: str) -> None:
    found, _, _ = gathered(tmp_path, Workers(Worker(error), deadly=(Died,)))
    assert where(found) == {"here": {OWN, "main"}}
    unread = found.ledger.unread()
    assert {row.scope.account for row in unread} == set(ROLES)
    assert all(row.state is ScopeState.UNAVAILABLE and said in row.message for row in unread)


def test_a_raw_answer_whose_name_could_leave_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name of a raw answer"):
        gathered(tmp_path, Workers(Worker(lambda partition: read(partition, "../../000000-ListThings.json.zst"))))
