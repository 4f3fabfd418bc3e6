from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reporter.core.action import Action
from reporter.core.change import WORST_FIRST, ActionState, Change, Outcome
from reporter.core.errors import ScheduleError
from reporter.core.ledger import Ledger
from reporter.core.past import Deed, Past
from reporter.core.settings import Settings
from reporter.core.world import World
from reporter.propose import LIMIT_REACHED, changes_of, digest, discover, limited, modes, plan, propose
from reporter.schedule import Actions
from tests.examples import examples

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MODES = {"integrity_scan": "plan", "assign_ips_rule": "off"}
CHANGE = Change("integrity_scan", "ü", "main", "-", "HIGH", "because", {"scan": None}, {"scan": True}, ("i-1",))
WORLD = World({}, Ledger([]), Settings(), NOW)


def an_action(*changes: Change, limit: int | None = None, mode: str = "plan", name: str = "integrity_scan") -> Action:
    """An action that always proposes these."""

    def nothing(*_: Any) -> Outcome:
        raise AssertionError("a plan writes nothing")

    return Action(name, "", (), (), lambda _: mode, lambda _: limit, lambda *_: changes, nothing, nothing, nothing)


def a_change(target: str, severity: str = "HIGH", subjects: int = 1, held: str = "") -> Change:
    return replace(CHANGE, target=target, severity=severity, subjects=tuple(f"{target}-{n}" for n in range(subjects)), held=held)


def a_deed(change: Change, begun: datetime, state: ActionState | None = ActionState.APPLIED) -> Deed:
    return Deed(f"main-000001/{change.target}", "main-000001", "hash", change, begun, begun, state)


def test_a_plan_names_its_run_who_made_it_and_when_it_expires() -> None:
    made = plan("main-000001", [CHANGE, replace(CHANGE, target="z", held="no")], MODES, NOW, "arn:aws:iam::111122223333:role/job")
    assert (made["run"], made["identity"], made["expires"]) == ("main-000001", "arn:aws:iam::111122223333:role/job", "2026-11-25T03:00:00Z")
    assert [(row["target"], row["state"]) for row in made["changes"]] == [("ü", "planned"), ("z", "skipped")]
    assert list(made["modes"]) == ["assign_ips_rule", "integrity_scan"]


def test_anybody_can_compute_the_hash() -> None:
    made = plan("main-000001", [CHANGE], MODES, NOW)
    body = {name: value for name, value in made.items() if name != "hash"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert made["hash"] == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        ("r2", [CHANGE], MODES, NOW),
        ("r", [], MODES, NOW),
        ("r", [replace(CHANGE, after={"scan": False})], MODES, NOW),
        ("r", [replace(CHANGE, before={"scan": 1})], MODES, NOW),
        ("r", [replace(CHANGE, held="why")], MODES, NOW),
        ("r", [CHANGE], {**MODES, "assign_ips_rule": "apply"}, NOW),
        ("r", [CHANGE], MODES, NOW + timedelta(seconds=1)),
        ("r", [CHANGE], MODES, NOW, "somebody else"),
    ],
)
def test_any_other_plan_has_another_hash(other: tuple[Any, ...]) -> None:
    assert plan(*other)["hash"] != plan("r", [CHANGE], MODES, NOW)["hash"]


def test_a_stored_plan_is_read_back_as_it_was() -> None:
    stored = json.loads(json.dumps(plan("r", [CHANGE, a_change("z", held="no")], MODES, NOW)))
    assert changes_of(stored, "plan.json") == [CHANGE, a_change("z", held="no")]


@pytest.mark.parametrize("edit", [{"expires": "2027-01-01T00:00:00Z"}, {"run": "x"}, {"modes": {}}, {"identity": "me"}, {"more": 1}])
def test_an_edited_plan_is_refused(edit: dict[str, Any]) -> None:
    with pytest.raises(ScheduleError, match="edited"):
        changes_of({**plan("r", [CHANGE], MODES, NOW), **edit}, "plan.json")


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"hash": "x", "changes": [], "expires": "soon"},
        {"hash": "x", "changes": [{}], "expires": "2027-01-01T00:00:00Z"},
        {"hash": "x", "changes": [], "expires": "2027-01-01T00:00:00Z", "run": "\ud800"},
    ],
)
def test_what_is_no_plan_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ScheduleError, match="no plan"):
        changes_of(stored, "plan.json")


def test_each_edit_of_a_change_is_seen() -> None:
    stored = plan("r", [CHANGE], MODES, NOW)
    for name in CHANGE.as_json():
        row = {**stored["changes"][0], name: "other"}
        assert digest({**stored, "changes": [row]}) != stored["hash"], name


def test_worst_first_and_then_by_key() -> None:
    targets = [("b", "HIGH"), ("a", "LOW"), ("c", "CRITICAL"), ("a2", "HIGH"), ("u", "UNTRIAGED"), ("w", "a new word")]
    found = propose(WORLD, Past(), Actions(), [an_action(*(a_change(*target) for target in targets))])
    assert [change.target for change in found] == ["c", "a2", "b", "a", "u", "w"]


def test_an_action_that_is_off_proposes_nothing() -> None:
    assert propose(WORLD, Past(), Actions(), [an_action(CHANGE, mode="off")]) == []
    assert len(propose(WORLD, Past(), Actions(), [an_action(CHANGE, mode="apply")])) == 1


def test_what_goes_over_the_limit_is_held_back_and_said() -> None:
    action = an_action(a_change("a", "LOW"), a_change("b"), a_change("c", held="blast radius"), limit=1)
    found = {change.target: change.held for change in propose(WORLD, Past(), Actions(), [action])}
    assert found == {"b": "", "a": f"{LIMIT_REACHED}: integrity_scan may touch 1 in 24 hours", "c": "blast radius"}


@pytest.mark.parametrize(
    ("begun", "state", "free"),
    [
        (NOW - timedelta(hours=23, minutes=44), ActionState.APPLIED, 0),
        (NOW - timedelta(hours=1), None, 0),
        (NOW - timedelta(hours=1), ActionState.FAILED, 0),
        (NOW - timedelta(hours=1), ActionState.UNDONE, 0),
        (NOW - timedelta(hours=1), ActionState.SKIPPED, 1),
        (NOW - timedelta(hours=24), ActionState.APPLIED, 1),
        (NOW - timedelta(hours=23, minutes=45), ActionState.APPLIED, 1),
    ],
)
def test_what_was_begun_within_24_hours_counts_whatever_came_of_it(begun: datetime, state: ActionState | None, free: int) -> None:
    past = Past((a_deed(a_change("before"), begun, state), a_deed(replace(a_change("other"), action="notify_owner"), NOW)))
    found = limited([a_change("a")], an_action(limit=1), past, Actions(), NOW)
    assert [change.held == "" for change in found] == [bool(free)]


changes = some.lists(
    some.builds(a_change, some.integers(0, 30).map(str), some.sampled_from(WORST_FIRST), some.integers(1, 5), some.sampled_from(["", "", "held"])),
    unique_by=lambda change: change.target,
    max_size=12,
)


@examples(60)
@given(changes, some.integers(0, 20), some.lists(some.integers(1, 6), max_size=3))
def test_no_limit_is_ever_exceeded_and_the_worst_go_first(given_: list[Change], limit: int, before: list[int]) -> None:
    past = Past(tuple(a_deed(a_change(f"p{n}", subjects=count), NOW) for n, count in enumerate(before)))
    found = limited(given_, an_action(limit=limit), past, Actions(), NOW)
    free = [change for change in found if not change.held]
    assert sum(len(change.subjects) for change in free) + sum(before) <= max(limit, sum(before))
    over = [change for change in found if change.held.startswith(LIMIT_REACHED)]
    assert all(one.rank < other.rank for one in free for other in over)
    assert sorted(change.key for change in found) == sorted(change.key for change in given_)


@examples(30)
@given(changes.flatmap(lambda found: some.tuples(some.just(found), some.permutations(found))), some.integers(0, 20))
def test_the_order_in_which_things_were_found_makes_no_other_plan(both: tuple[list[Change], list[Change]], limit: int) -> None:
    one, other = (plan("r", propose(WORLD, Past(), Actions(), [an_action(*found, limit=limit)]), MODES, NOW) for found in both)
    assert one["hash"] == other["hash"]


def test_changes_that_one_write_can_make_become_one_after_the_limit() -> None:
    def together(free: Any, _: World) -> list[Change]:
        return [replace(CHANGE, target="all", subjects=tuple(subject for change in free for subject in change.subjects))]

    action = replace(an_action(a_change("a"), a_change("b"), a_change("c"), limit=2), combine=together)
    assert [(change.target, len(change.subjects), bool(change.held)) for change in propose(WORLD, Past(), Actions(), [action])] == [
        ("all", 2, False),
        ("c", 1, True),
    ]


def test_the_five_actions_and_the_results_are_found_by_walking_the_folder() -> None:
    found = modes(Actions(), discover())
    assert set(found) == {
        "recommendation_scan",
        "recommendation_results",
        "integrity_scan",
        "assign_ips_rule",
        "attach_managed_rule_group",
        "notify_owner",
    }
    assert set(found.values()) == {"plan"}
