from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from reporter.clients.aws import AwsReader
from reporter.clients.aws_parts import NotAMember, Part, known, outcome
from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Unavailable
from reporter.core.scope import ScopeState
from tests.clients.aws_readers import ACCOUNT, REGION, clients, reader

MEMBERS = ("444455556666", "777788889999")


def administered() -> tuple[AwsReader, list[AwsReader]]:
    """The administrator's reader, and those of its members."""
    shared = clients()
    administrator = shared.reader(ACCOUNT, REGION, "macie")
    administrator.members = MEMBERS
    members = [shared.reader(account, REGION, "macie") for account in MEMBERS]
    for one in members:
        one.administrator = administrator
    return administrator, members


def test_a_problem_is_a_value_until_somebody_wants_to_know() -> None:
    problem = Denied("no", permission="macie2:ListFindings")

    def refused() -> int:
        raise problem

    assert (outcome(lambda: 1), known(1)) == (1, 1)
    assert outcome(refused) is problem
    with pytest.raises(Denied) as caught:
        known(outcome(refused))
    assert caught.value is problem


def test_an_account_without_an_administrator_reads_itself() -> None:
    alone = reader()
    assert alone.accounts == (ACCOUNT,)
    assert alone.part(lambda at: {account: {"t": [(at.account,)]} for account in at.accounts}) == {"t": [(ACCOUNT,)]}


def test_members_and_administrator_have_one_reading_made_for_all_of_them() -> None:
    administrator, members = administered()
    made: list[str] = []
    together = threading.Barrier(3, timeout=20)

    def read(at: AwsReader) -> Mapping[str, Part]:
        made.append(at.account)
        return {account: {"t": [(account,)]} for account in at.accounts}

    def take(one: AwsReader) -> Part:
        together.wait()
        return one.part(read)

    with ThreadPoolExecutor(3) as threads:
        parts = list(threads.map(take, (administrator, *members)))
    assert made == [ACCOUNT]
    assert parts == [{"t": [(account,)]} for account in (ACCOUNT, *MEMBERS)]
    assert administrator.accounts == (ACCOUNT, *MEMBERS)


@pytest.mark.parametrize("problem", [Denied("no", permission="macie2:ListFindings"), Unavailable("slow")])
def test_a_problem_of_the_reading_is_everybodys(problem: ScopeProblem) -> None:
    administrator, members = administered()

    def read(_: AwsReader) -> Mapping[str, Part]:
        raise problem

    for one in (*members, administrator):
        with pytest.raises(ScopeProblem) as caught:
            one.part(read)
        assert caught.value is problem


def test_an_account_that_the_administrator_cannot_speak_for_is_read_alone() -> None:
    administrator, members = administered()
    made: list[str] = []

    def read(at: AwsReader) -> Mapping[str, Part]:
        made.append(at.account)
        strangers = {account: at.no_member(account, "its relationship is Removed") for account in at.members[:1]}
        return {**{account: {"t": [(account, at.account)]} for account in at.accounts}, **strangers}

    assert members[0].part(read) == {"t": [(MEMBERS[0], MEMBERS[0])]}
    assert members[1].part(read) == {"t": [(MEMBERS[1], ACCOUNT)]}
    assert administrator.part(read) == {"t": [(ACCOUNT, ACCOUNT)]}
    assert made == [ACCOUNT, MEMBERS[0]]


def test_what_the_account_answers_alone_is_what_counts() -> None:
    _, members = administered()

    def read(at: AwsReader) -> Mapping[str, Part]:
        if at.account != ACCOUNT:
            raise Denied(f"no in {at.account}", permission="macie2:GetMacieSession")
        return {account: at.no_member(account, "ListMembers does not name it") for account in at.accounts}

    with pytest.raises(Denied, match=f"^no in {MEMBERS[0]}$"):
        members[0].part(read)


def test_an_account_that_is_no_member_says_so_where_it_is_asked_for() -> None:
    administrator, _ = administered()
    problem = administrator.no_member(MEMBERS[0], "its relationship is Removed")
    assert isinstance(problem, NotAMember)
    said = f"{MEMBERS[0]} is not read by the delegated administrator {ACCOUNT} in {REGION}: its relationship is Removed"
    assert (problem.message, problem.state) == (said, ScopeState.UNAVAILABLE)


def test_an_administrator_that_has_it_off_leaves_its_members_read_alone() -> None:
    administrator, members = administered()

    def read(at: AwsReader) -> Mapping[str, Part]:
        if at.account in (ACCOUNT, MEMBERS[1]):
            raise NotEnabled(f"Macie is paused in {at.account}")
        return {at.account: {"t": [(at.account,)]}}

    assert members[0].part(read) == {"t": [(MEMBERS[0],)]}
    for one in (members[1], administrator):
        with pytest.raises(NotEnabled, match=f"^Macie is paused in {one.account}$"):
            one.part(read)


def test_a_reading_that_breaks_is_not_made_again_and_the_others_are_unavailable() -> None:
    administrator, members = administered()
    made: list[str] = []

    def read(at: AwsReader) -> Mapping[str, Part]:
        made.append(at.account)
        raise TypeError("no such thing")

    with pytest.raises(TypeError):
        members[0].part(read)
    for one in (members[1], administrator, members[0]):
        with pytest.raises(Unavailable, match=f"macie in {ACCOUNT} {REGION}: the answer could not be understood"):
            one.part(read)
    assert made == [ACCOUNT]
