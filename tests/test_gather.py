from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import reporter.sources
from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Stopped, Unavailable
from reporter.core.ledger import LedgerMismatch, LedgerRow
from reporter.core.scope import Reach, Scope, ScopeState
from reporter.core.source import Source
from reporter.core.table import Column, Kind, Table
from reporter.evidence.unfinished import Settled
from reporter.gather import ABREAST, THREADS, Gathered, abreast, discover, gather, read_scope, threads_for
from reporter.scopes import ScopePlan

THINGS = Table("things", "Things", ("account", "name"), (Column("account", Kind.TEXT, "account"), Column("name", Kind.TEXT, "name")))
PARTS = Table("parts", "Parts", ("name",), (Column("name", Kind.TEXT, "name"), Column("size", Kind.INTEGER, "size", nullable=True)))


@dataclass
class Reader:
    """Stands where a client's reader stands: which scope, and its counts."""

    scope: Scope
    calls: int = 3
    retries: int = 1


def things(reader: Reader) -> dict[str, Any]:
    return {"things": [(reader.scope.account, f"{reader.scope.region}-{number}") for number in range(2)]}


def source(fetch: Callable[[Any], Any] = things, *tables: Table, name: str = "ec2") -> Source:
    return Source(name, tables or (THINGS,), (), Reach.REGIONAL, fetch)


def opened(scope: Scope, _: Source) -> Reader:
    return Reader(scope)


def run(plan: ScopePlan, open_reader: Callable[[Scope, Source], Any] = opened, progress: Callable[[LedgerRow], None] = lambda _: None) -> Gathered:
    return gather(plan, open_reader, progress)


def plan(*scopes: tuple[Scope, Source], tenants: tuple[tuple[Scope, Source], ...] = (), settled: tuple[LedgerRow, ...] = ()) -> ScopePlan:
    sources = {item.name: item for _, item in (*scopes, *tenants)}
    return ScopePlan("111122223333", {}, tuple(sources.values()), scopes, tenants, settled)


def at(region: str, account: str = "111122223333", name: str = "ec2") -> Scope:
    return Scope(account, region, name)


def test_a_scope_that_was_read_is_one_row_with_its_counts() -> None:
    row, rows = read_scope(at("us-east-1"), source(), opened)
    assert (row.state, row.rows, row.calls, row.retries, row.message, row.permission) == (ScopeState.OK, 2, 3, 1, "", "")
    assert row.seconds >= 0
    assert rows == {"things": [("111122223333", "us-east-1-0"), ("111122223333", "us-east-1-1")]}


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (Denied("refused", permission="ec2:DescribeInstances"), ScopeState.DENIED),
        (Unavailable("throttled out"), ScopeState.UNAVAILABLE),
        (NotEnabled("off"), ScopeState.NOT_ENABLED),
    ],
)
def test_a_scope_that_was_not_read_is_one_row_that_says_why_and_no_data(problem: ScopeProblem, state: ScopeState) -> None:
    def fetch(_: Reader) -> dict[str, Any]:
        raise problem

    row, rows = read_scope(at("us-east-1"), source(fetch), opened)
    assert (row.state, row.message, row.permission, row.calls, rows) == (state, problem.message, problem.permission, 3, {})


def test_a_scope_that_cannot_be_opened_made_no_call() -> None:
    def refuse(_: Scope, __: Source) -> Reader:
        raise Denied("the role cannot be assumed", permission="sts:AssumeRole")

    row, _ = read_scope(at("us-east-1"), source(), refuse)
    assert (row.state, row.calls, row.retries, row.permission) == (ScopeState.DENIED, 0, 0, "sts:AssumeRole")


@pytest.mark.parametrize(
    "answer",
    [
        {"things": [("only one",)]},
        {"things": [("a", None)]},
        {"things": [("a", 7)]},
        {"others": [("a", "b")]},
        {"things": 7},
        None,
    ],
)
def test_rows_of_another_form_are_an_answer_that_was_not_understood(answer: Any) -> None:
    row, rows = read_scope(at("us-east-1"), source(lambda _: answer), opened)
    assert (row.state, rows, row.rows) == (ScopeState.UNAVAILABLE, {}, 0)
    assert row.message.startswith("the answer could not be understood: ")


def test_an_error_nobody_foresaw_is_a_short_row_and_never_ends_the_run() -> None:
    def fetch(_: Reader) -> dict[str, Any]:
        raise RuntimeError("x" * 5000)

    row, _ = read_scope(at("us-east-1"), source(fetch), opened)
    assert (row.state, len(row.message)) == (ScopeState.UNAVAILABLE, 300)


def test_a_source_may_leave_a_table_out() -> None:
    row, _ = read_scope(at("us-east-1"), source(things, THINGS, PARTS), opened)
    assert row.state is ScopeState.OK


def test_every_planned_scope_has_one_row_and_progress_hears_of_each() -> None:
    def broken(_: Reader) -> dict[str, Any]:
        raise Denied("refused")

    skipped = LedgerRow(at("eu-west-1"), ScopeState.SKIPPED, message="not in the schedule")
    heard: list[LedgerRow] = []
    gathered = run(
        plan(
            (at("us-east-1"), source()),
            (at("eu-central-1"), source()),
            (at("global", name="iam"), source(broken, PARTS, name="iam")),
            tenants=((Scope("main", "-", "wp_roles"), source(lambda _: {"wps": []}, Table("wps", "", (), ()), name="wp_roles")),),
            settled=(skipped,),
        ),
        progress=heard.append,
    )
    states = {(row.scope.source, row.scope.region): row.state.value for row in gathered.ledger}
    assert states == {
        ("ec2", "us-east-1"): "ok",
        ("ec2", "eu-central-1"): "ok",
        ("ec2", "eu-west-1"): "skipped",
        ("iam", "global"): "denied",
        ("wp_roles", "-"): "ok",
    }
    assert heard[0] is skipped
    assert sorted(heard, key=lambda row: row.scope) == list(gathered.ledger)
    assert list(gathered.tables["things"]["name"]) == ["eu-central-1-0", "eu-central-1-1", "us-east-1-0", "us-east-1-1"]
    assert gathered.tables["parts"].empty
    assert list(gathered.tables["parts"].columns) == ["name", "size"]


def test_rows_stand_in_the_order_of_scopes_not_of_arrival() -> None:
    first, second = at("a-region-1"), at("b-region-1")
    arrived = threading.Event()

    def fetch(reader: Reader) -> dict[str, Any]:
        if reader.scope == first:
            assert arrived.wait(10)
        return things(reader)

    def heard(row: LedgerRow) -> None:
        if row.scope == second:
            arrived.set()

    gathered = run(plan((first, source(fetch)), (second, source(fetch))), progress=heard)
    assert list(gathered.tables["things"]["name"]) == ["a-region-1-0", "a-region-1-1", "b-region-1-0", "b-region-1-1"]


def test_a_scope_that_is_settled_and_planned_is_a_defect_that_shows() -> None:
    scope = at("us-east-1")
    with pytest.raises(LedgerMismatch, match="second row"):
        run(plan((scope, source()), settled=(LedgerRow(scope, ScopeState.SKIPPED),)))


def test_nothing_planned_is_nothing_gathered() -> None:
    gathered = run(plan())
    assert (len(gathered.ledger), gathered.tables) == (0, {})


def test_the_sources_that_ship_are_found_by_their_files() -> None:
    found = discover()
    assert [item.name for item in found] == sorted(item.name for item in found)
    assert {item.name for item in found} >= {
        *("ec2", "ecs", "elb", "cloudfront", "waf", "iam", "s3", "guardduty", "inspector", "macie", "config", "organizations"),
        *("wp_computers", "wp_policies", "wp_rules", "wp_roles"),
    }
    filled = Counter(table.name for item in found for table in item.tables)
    assert {name for name, sources in filled.items() if sources > 1} == {"counts"}  # second counts, of whoever can count
    assert all(item.permissions for item in found)


def test_a_file_that_declares_no_source_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes_for_a_test.py").write_text("SOURCE = 'not a source'\n")
    before = discover()
    monkeypatch.setattr(reporter.sources, "__path__", [*reporter.sources.__path__, str(tmp_path)])
    assert discover() == before
    monkeypatch.delitem(sys.modules, "reporter.sources.notes_for_a_test")


def test_what_is_known_already_is_not_read_and_stands_where_it_would() -> None:
    first, second, third = at("a-region-1"), at("b-region-1"), at("c-region-1")
    known = {second: Settled(LedgerRow(second, ScopeState.OK, 1, 9), {"things": [["111122223333", "known"]]}, [], {})}
    opened_scopes: list[Scope] = []

    def open_reader(scope: Scope, _: Source) -> Reader:
        opened_scopes.append(scope)
        return Reader(scope)

    kept: list[Scope] = []
    gathered = gather(
        plan((first, source()), (second, source()), (third, source())),
        open_reader,
        lambda _: None,
        known=known,
        keep=lambda row, _: kept.append(row.scope),
    )
    assert sorted(opened_scopes) == sorted(kept) == [first, third]
    assert [row.calls for row in gathered.ledger] == [3, 9, 3]
    assert list(gathered.tables["things"]["name"]) == ["a-region-1-0", "a-region-1-1", "known", "c-region-1-0", "c-region-1-1"]


def test_a_gathering_that_is_stopped_waits_for_nobody_and_keeps_what_was_settled() -> None:
    first, second = at("a-region-1"), at("b-region-1")
    let_go, kept = threading.Event(), list[Scope]()

    def fetch(reader: Reader) -> dict[str, Any]:
        if reader.scope == second:
            let_go.wait(60)
        return things(reader)

    def pulse() -> None:
        if kept:
            raise Stopped("asked to")

    try:
        with pytest.raises(Stopped):
            gather(
                plan((first, source(fetch)), (second, source(fetch))),
                opened,
                lambda _: None,
                keep=lambda row, _: kept.append(row.scope),
                pulse=pulse,
            )
        assert kept == [first]
    finally:
        let_go.set()


def test_a_few_scopes_of_each_account_and_source_are_begun_before_the_next() -> None:
    scopes = [at(f"r-{number}", account) for account in ("1", "2") for number in range(ABREAST + 1)]
    order = [scope for scope, _ in abreast((scope, source()) for scope in [*scopes, at("global", "2", "iam")])]
    assert order[0] == at("global", "2", "iam")
    assert [scope.account for scope in order[1:]] == ["1"] * ABREAST + ["2"] * ABREAST + ["1", "2"]


def test_there_are_as_many_threads_as_scopes_that_do_not_wait_for_each_other() -> None:
    assert threads_for([]) == 1
    assert threads_for(at(f"r-{number}") for number in range(ABREAST + 9)) == ABREAST
    assert threads_for(at(f"r-{number}", f"{account}") for account in range(THREADS) for number in range(2)) == THREADS
