"""The engine, with an action of this file's own whose world is a dictionary: what it does between the journal and an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporter.acting import Act, Acting, proposed
from reporter.clients.aws import AwsClients
from reporter.clients.hand import Doors, Hand, Way
from reporter.clients.store import FolderStore
from reporter.core.action import Action, Held, NotMade, NotNeeded, Refused, Stale, Uncertain
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.errors import Denied, ReporterError, Stopped, Unavailable
from reporter.propose import LIMIT_REACHED
from reporter.schedule import Actions
from reporter.state.journal import Journal, next_part, read

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CHANGE = Change("paint", "door", "main", "-", "HIGH", "it is grey", {"colour": "grey"}, {"colour": "red"}, ("door",))


class Died(BaseException):
    """The process ends here."""


@dataclass
class Wall:
    """A world of things with colours, and the action that paints them.

    `trouble(call)` is asked before a write takes effect and after it ("before paint door", "after paint door"), and may raise. `slow`: looks that
    it takes until new paint is dry.
    """

    colours: dict[str, str] = field(default_factory=lambda: {"door": "grey", "gate": "grey"})
    writes: list[str] = field(default_factory=list)
    trouble: Callable[[str], None] = lambda _: None
    slow: int = 0
    looks: int = 0
    mode: str = "plan"
    limit: int | None = None
    hands: list[Hand] = field(default_factory=list)

    def paint(self, hand: Hand, thing: str, colour: str) -> None:
        hand.journal("call", {"call": f"paint {thing} {colour}"})
        try:
            self.trouble(f"before {thing} {colour}")
        except (Denied, Refused) as refusal:
            hand.journal("answer", {"call": f"paint {thing}", "refused": refusal.message})
            raise
        self.colours[thing] = colour
        self.writes.append(f"{thing} {colour}")
        self.trouble(f"after {thing} {colour}")
        hand.journal("answer", {"call": f"paint {thing}"})

    def apply(self, change: Change, hand: Hand, resumed: bool) -> Outcome:
        self.hands.append(hand)
        now = self.colours.get(change.target)
        if now is None:
            raise Stale("it is gone")
        if now == change.after["colour"] and not resumed:
            raise NotNeeded("somebody painted it")
        if now not in (change.before["colour"], change.after["colour"]):
            raise Stale(f"it is {now}")
        if now == change.before["colour"]:
            self.paint(hand, change.target, change.after["colour"])
        return Outcome(ActionState.APPLIED, "painted", {"was": change.before["colour"]})

    def verify(self, change: Change, delta: Json, hand: Hand) -> Outcome:
        del delta, hand
        self.trouble(f"look {change.target}")
        self.looks += 1
        dry = self.looks > self.slow
        return Outcome(ActionState.VERIFIED, "dry") if dry else Outcome(ActionState.APPLIED, "wet")

    def undo(self, change: Change, delta: Json, hand: Hand) -> Outcome:
        if self.colours[change.target] not in (change.after["colour"], delta["was"]):
            raise NotMade("somebody painted it since")
        if self.colours[change.target] != delta["was"]:
            self.paint(hand, change.target, delta["was"])
        return Outcome(ActionState.UNDONE)

    def action(self) -> Action:
        return Action("paint", "", (), (), lambda _: self.mode, lambda _: self.limit, lambda *_: [CHANGE], self.apply, self.verify, self.undo)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def wall() -> Wall:
    return Wall()


def acting(wall: Wall, store: FolderStore, run: str = "main-000001", now: datetime = NOW, wait: str = "1m", **more: Any) -> Acting:
    doors = Doors(AwsClients(), {}, {}, lambda _: Way())
    settings = Actions.model_validate({"wait": wait})
    journal = Journal(store, run, lambda: now)
    given: dict[str, Any] = {"renew": lambda: None, "now": lambda: now, "sleep": lambda _: None, **more}
    return Acting({"paint": wall.action()}, settings, doors, journal, read(store), **given)


def states(rows: list[Act]) -> list[tuple[str, str, str]]:
    return [(row.change.target, row.state.value, row.error) for row in rows]


def test_a_change_is_made_seen_to_work_and_told(wall: Wall, store: FolderStore) -> None:
    wall.slow = 2
    told: list[Act] = []
    rows = acting(wall, store, told=told.append).apply([CHANGE], "hash")
    assert states(rows) == [("door", "verified", "dry")]
    assert (wall.colours["door"], wall.looks, told) == ("red", 3, rows)
    (deed,) = read(store)
    assert (deed.id, deed.plan, deed.state, deed.delta) == ("main-000001/0000", "hash", ActionState.VERIFIED, {"was": "grey"})
    assert rows[0].as_json()["run"] == "main-000001"


def test_nothing_is_begun_for_what_is_not_made(wall: Wall, store: FolderStore) -> None:
    wall.colours = {"door": "blue", "gate": "red"}
    changes = [CHANGE, replace(CHANGE, target="gate"), replace(CHANGE, target="hedge"), replace(CHANGE, target="roof", held="too high")]
    rows = acting(wall, store).apply(changes, "hash")
    assert states(rows) == [
        ("door", "skipped", "stale plan: it is blue"),
        ("gate", "skipped", "not needed: somebody painted it"),
        ("hedge", "skipped", "stale plan: it is gone"),
        ("roof", "skipped", "too high"),
    ]
    assert (wall.writes, store.names("")) == ([], [])


def test_the_same_plan_twice_writes_once(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE], "hash")
    wall.colours["door"] = "grey"
    rows = acting(wall, store, "main-000002").apply([CHANGE], "hash")
    assert states(rows) == [("door", "skipped", "not needed: main-000001 did it already")]
    assert wall.writes == ["door red"]
    assert states(acting(wall, store, "main-000003").apply([CHANGE], "another plan")) == [("door", "verified", "dry")]


def test_what_does_not_show_in_time_stays_applied_and_the_next_run_looks_again(wall: Wall, store: FolderStore) -> None:
    wall.slow = 2
    assert states(acting(wall, store, wait="0m").apply([CHANGE], "hash")) == [("door", "applied", "wet")]
    assert states(acting(wall, store, "main-000002").resume()) == [("door", "applied", "wet")]
    rows = acting(wall, store, "main-000003").resume()
    assert states(rows) == [("door", "verified", "dry")]
    assert rows[0].run == "main-000001"
    assert acting(wall, store, "main-000004").resume() == []
    assert wall.writes == ["door red"]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Refused("400: no"), "400: no"),
        (Denied("403", permission="wafv2:UpdateWebACL"), "403; grant wafv2:UpdateWebACL"),
        (Unavailable("no answer"), "no answer; it may be made in part: its calls are in the journal"),
        (Held("too many"), "held back: too many; it may be made in part: its calls are in the journal"),
    ],
)
def test_a_write_that_is_refused_failed_and_the_others_go_on(wall: Wall, store: FolderStore, problem: Exception, said: str) -> None:
    def trouble(call: str) -> None:
        if call == "before door red":
            raise problem

    wall.trouble = trouble
    rows = acting(wall, store).apply([CHANGE, replace(CHANGE, target="gate")], "hash")
    assert states(rows) == [("door", "failed", said), ("gate", "verified", "dry")]
    assert [deed.state for deed in read(store)] == [ActionState.FAILED, ActionState.VERIFIED]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_without_an_answer_is_looked_at_and_made_once(wall: Wall, store: FolderStore, when: str) -> None:
    problems = [Uncertain("500")]

    def trouble(call: str) -> None:
        if call == f"{when} door red" and problems:
            raise problems.pop()

    wall.trouble = trouble
    assert states(acting(wall, store).apply([CHANGE], "hash")) == [("door", "verified", "dry")]
    assert wall.writes == ["door red"]
    assert [hand.calls for hand in wall.hands] == [0, 1]


def test_what_stays_without_an_answer_is_pending_and_the_next_run_completes_it(wall: Wall, store: FolderStore) -> None:
    def trouble(call: str) -> None:
        if call.startswith("before"):
            raise Uncertain("timeout")

    wall.trouble = trouble
    rows = acting(wall, store).apply([CHANGE], "hash")
    assert states(rows) == [("door", "pending", "not known whether it took effect: timeout")]
    assert [deed.state for deed in read(store)] == [None]
    wall.trouble = lambda _: None
    assert states(acting(wall, store, "main-000002").resume()) == [("door", "verified", "dry")]
    assert (wall.writes, wall.hands[-1].calls) == (["door red"], 2)


def test_an_open_deed_of_an_action_that_is_off_is_left_and_said(wall: Wall, store: FolderStore) -> None:
    wall.trouble = _always(Uncertain("timeout"))
    acting(wall, store).apply([CHANGE], "hash")
    wall.trouble, wall.mode = lambda _: None, "off"
    ((target, state, said),) = states(acting(wall, store, "main-000002").resume())
    assert (target, state, wall.writes) == ("door", "pending", [])
    assert "off" in said


def test_deeds_of_an_action_that_is_no_more_are_passed_over(wall: Wall, store: FolderStore) -> None:
    wall.slow = 99
    acting(wall, store, wait="0m").apply([CHANGE], "hash")
    other = acting(wall, store, "main-000002")
    other.actions = {}
    assert other.resume() == []


def test_what_cannot_be_looked_at_keeps_its_state_and_says_so(wall: Wall, store: FolderStore) -> None:
    def trouble(call: str) -> None:
        if call.startswith("look"):
            raise Denied("403", permission="a right")

    wall.trouble = trouble
    assert states(acting(wall, store, wait="0m").apply([CHANGE], "hash")) == [("door", "applied", "could not be looked at: 403; grant a right")]


def test_a_limit_counts_what_this_run_and_earlier_ones_did(wall: Wall, store: FolderStore) -> None:
    wall.limit = 1
    gate = replace(CHANGE, target="gate")
    over = f"{LIMIT_REACHED}: paint may touch 1 in 24 hours"
    assert states(acting(wall, store).apply([CHANGE, gate], "hash")) == [("door", "verified", "dry"), ("gate", "skipped", over)]
    assert states(acting(wall, store, "main-000002", NOW + timedelta(hours=23, minutes=44)).apply([gate], "two")) == [("gate", "skipped", over)]
    later = NOW + timedelta(hours=24)
    assert states(acting(wall, store, "main-000003", later).apply([gate], "three")) == [("gate", "verified", "dry")]


def test_what_a_run_did_is_taken_back_the_last_first(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE, replace(CHANGE, target="gate")], "hash")
    acting(wall, store, "main-000002").apply([replace(CHANGE, target="gate", before={"colour": "red"}, after={"colour": "pink"})], "two")
    wall.colours["gate"] = "red"
    rows = acting(wall, store, "main-000003").undo("main-000001")
    assert states(rows) == [("gate", "undone", ""), ("door", "undone", "")]
    assert wall.colours == {"door": "grey", "gate": "grey"}
    assert acting(wall, store, "main-000004").undo("main-000001") == []


def test_what_others_changed_since_is_kept(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE], "hash")
    wall.colours["door"] = "gold"
    assert states(acting(wall, store, "main-000002").undo("main-000001")) == [("door", "skipped", "somebody painted it since")]
    (deed,) = read(store)
    assert (deed.state, deed.undoing) == (ActionState.VERIFIED, False)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_undo_without_an_answer_is_looked_at_again(wall: Wall, store: FolderStore, when: str) -> None:
    acting(wall, store).apply([CHANGE], "hash")
    problems = [Uncertain("500")]

    def trouble(call: str) -> None:
        if call == f"{when} door grey" and problems:
            raise problems.pop()

    wall.trouble = trouble
    assert states(acting(wall, store, "main-000002").undo("main-000001")) == [("door", "undone", "")]
    assert wall.writes == ["door red", "door grey"]


def test_an_undo_that_stays_uncertain_is_completed_by_the_next_run(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE], "hash")
    wall.trouble = _always(Uncertain("timeout"))
    rows = acting(wall, store, "main-000002").undo("main-000001")
    assert states(rows) == [("door", "failed", "not known whether it was undone: timeout")]
    wall.trouble = lambda _: None
    assert states(acting(wall, store, "main-000003").resume()) == [("door", "undone", "")]


def test_an_undo_that_is_refused_failed_and_can_be_asked_for_again(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE], "hash")
    wall.trouble = _always(Denied("403", permission="a right"))
    assert states(acting(wall, store, "main-000002").undo("main-000001")) == [("door", "failed", "403; grant a right")]
    wall.trouble = lambda _: None
    assert acting(wall, store, "main-000003").resume() == []
    assert states(acting(wall, store, "main-000004").undo("main-000001")) == [("door", "undone", "")]


def test_a_deed_that_never_ended_is_completed_before_it_is_undone(wall: Wall, store: FolderStore) -> None:
    wall.trouble = _always(Uncertain("timeout"))
    acting(wall, store).apply([CHANGE], "hash")
    assert states(acting(wall, store, "main-000002").undo("main-000001"))[0][1] == "failed"
    wall.trouble = lambda _: None
    assert states(acting(wall, store, "main-000003").undo("main-000001")) == [("door", "undone", "")]
    assert wall.colours["door"] == "grey"


def test_a_lost_lease_stops_everything(wall: Wall, store: FolderStore) -> None:
    def lost() -> None:
        raise ReporterError("another run")

    with pytest.raises(ReporterError, match="another run"):
        acting(wall, store, renew=lost).apply([CHANGE], "hash")
    assert wall.writes == []


@dataclass
class Fragile:
    """A journal's store that ends the process at its nth entry, before or after it is durable."""

    store: FolderStore
    at: int
    when: str
    count: int = 0

    def create(self, name: str, data: bytes) -> bool:
        self.count += 1
        if self.count == self.at and self.when == "before":
            raise Died
        made = self.store.create(name, data)
        if self.count == self.at and self.when == "after":
            raise Died
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_process_that_dies_at_any_entry_loses_nothing_and_repeats_nothing(wall: Wall, store: FolderStore, at: int, when: str) -> None:
    """Two changes write eight entries: begin, call, answer and end of each (their verification writes two more, after all were made)."""
    gate = replace(CHANGE, target="gate")
    first = acting(wall, store)
    first.journal = replace(first.journal, store=Fragile(store, at, when))
    with pytest.raises(Died):
        first.apply([CHANGE, gate], "hash")
    second = acting(wall, store, "main-000002")
    second.resume()
    acting(wall, store, "main-000003").apply([CHANGE, gate], "hash")
    assert wall.colours == {"door": "red", "gate": "red"}
    assert sorted(wall.writes) == ["door red", "gate red"]
    assert [deed.state for deed in read(store)] == [ActionState.VERIFIED] * 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_process_that_dies_while_it_undoes_is_completed_too(wall: Wall, store: FolderStore, at: int, when: str) -> None:
    """An undo writes four entries: undo, call, answer, end."""
    acting(wall, store).apply([CHANGE], "hash")
    first = acting(wall, store, "main-000002")
    first.journal = replace(first.journal, store=Fragile(store, at, when))
    with pytest.raises(Died):
        first.undo("main-000001")
    acting(wall, store, "main-000003").resume()
    acting(wall, store, "main-000004").undo("main-000001")
    assert wall.colours["door"] == "grey"
    assert wall.writes == ["door red", "door grey"]
    assert [deed.state for deed in read(store)] == [ActionState.UNDONE]


def test_what_is_only_planned_is_a_row_too() -> None:
    rows = proposed([CHANGE, replace(CHANGE, target="roof", held="too high")], NOW)
    assert states(rows) == [("door", "planned", ""), ("roof", "skipped", "too high")]
    said = rows[0].as_json()
    assert list(said)[:10] == ["action", "target", "account", "region", "reason", "before", "after", "state", "at", "error"]
    assert (said["at"], said["error"], said["run"], said["calls"]) == ("2026-11-24T03:00:00Z", None, None, [])


def test_a_row_names_the_request_of_each_of_its_writes() -> None:
    answers = ({"call": "wafv2 update_web_acl", "answer": {}, "request_id": "r-7"}, {"call": "POST /x", "refused": "no"})
    said = Act(CHANGE, ActionState.FAILED, NOW, answers=answers).as_json()
    assert said["calls"] == [
        {"call": "wafv2 update_web_acl", "request_id": "r-7", "refused": None},
        {"call": "POST /x", "request_id": None, "refused": "no"},
    ]


def _always(problem: Exception) -> Callable[[str], None]:
    def trouble(call: str) -> None:
        if not call.startswith("look"):
            raise problem

    return trouble


def test_a_change_that_turns_out_stale_after_its_only_call_was_refused_left_nothing(wall: Wall, store: FolderStore) -> None:
    def apply(change: Change, hand: Hand, resumed: bool) -> Outcome:
        hand.journal("call", {"call": "paint"})
        hand.journal("answer", {"call": "paint", "refused": "locked"})
        raise Stale("somebody was faster")

    one = acting(wall, store)
    one.actions = {"paint": replace(wall.action(), apply=apply)}
    assert states(one.apply([CHANGE], "hash")) == [("door", "skipped", "stale plan: somebody was faster")]
    assert acting(wall, store, "main-000002").resume() == []


def test_what_failed_and_left_something_can_be_taken_back(wall: Wall, store: FolderStore) -> None:
    def apply(change: Change, hand: Hand, resumed: bool) -> Outcome:
        wall.paint(hand, change.target, "red")
        return Outcome(ActionState.FAILED, "it is a wrong red", {"was": "grey"})

    one = acting(wall, store)
    one.actions = {"paint": replace(wall.action(), apply=apply)}
    assert states(one.apply([CHANGE], "hash")) == [("door", "failed", "it is a wrong red")]
    assert states(acting(wall, store, "main-000002").undo("main-000001")) == [("door", "undone", "")]
    assert wall.colours["door"] == "grey"


def test_the_hand_is_told_of_other_deeds_on_its_target(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE], "one")
    acting(wall, store, "main-000002").apply([replace(CHANGE, before={"colour": "red"}, after={"colour": "pink"})], "two")
    assert [[deed.run for deed in hand.standing] for hand in wall.hands] == [[], ["main-000001"]]


def test_what_was_wholly_refused_is_tried_again_under_the_same_plan(wall: Wall, store: FolderStore) -> None:
    wall.trouble = _always(Denied("403", permission="a right"))
    assert states(acting(wall, store).apply([CHANGE], "hash")) == [("door", "failed", "403; grant a right")]
    wall.trouble = lambda _: None
    assert states(acting(wall, store, "main-000002").apply([CHANGE], "hash")) == [("door", "verified", "dry")]
    assert states(acting(wall, store, "main-000003").apply([CHANGE], "hash")) == [("door", "skipped", "not needed: main-000002 did it already")]
    assert wall.writes == ["door red"]


def test_what_failed_and_may_be_made_in_part_is_not_tried_again_under_the_same_plan(wall: Wall, store: FolderStore) -> None:
    wall.trouble = _always(Unavailable("no answer"))
    acting(wall, store).apply([CHANGE], "hash")
    wall.trouble = lambda _: None
    ((_, state, said),) = states(acting(wall, store, "main-000002").apply([CHANGE], "hash"))
    assert (state, wall.writes) == ("skipped", [])
    assert said.startswith("main-000001 tried it and it failed, perhaps in part: no answer")


def test_what_was_undone_is_not_made_again_under_the_same_plan(wall: Wall, store: FolderStore) -> None:
    acting(wall, store).apply([CHANGE], "hash")
    acting(wall, store, "main-000002").undo("main-000001")
    said = "main-000001 did it, and it was undone since: a person has to approve it in a new plan"
    assert states(acting(wall, store, "main-000003").apply([CHANGE], "hash")) == [("door", "skipped", said)]
    assert wall.colours["door"] == "grey"


def going_on(wall: Wall, store: FolderStore, plan: str, changes: list[Change]) -> list[Act]:
    """The run main-000001 after it was cut: completes what is open, then makes what it proposes again."""
    part = acting(wall, store)
    part.journal.part = next_part(store, "main-000001")
    part.resume()
    part.past = read(store)
    return part.apply(changes, plan)


@pytest.mark.parametrize("plan", ["hash", "another hash"])
@pytest.mark.parametrize("cut", ["before door red", "after door red", "look door", "before gate red", "after gate red", "look gate"])
def test_a_run_that_was_cut_makes_each_change_once_and_tells_all_as_its_own(wall: Wall, store: FolderStore, cut: str, plan: str) -> None:
    """Also where its plan has another hash by now, because it runs as another session of the same role."""
    changes = [CHANGE, replace(CHANGE, target="gate")]

    def die(call: str) -> None:
        if call == cut:
            raise Died

    wall.trouble = die
    with pytest.raises(Died):
        acting(wall, store).apply(changes, "hash")
    wall.trouble = lambda _: None
    rows = going_on(wall, store, plan, changes)
    assert [(row.change.target, row.state.value, row.run) for row in rows] == [
        ("door", "verified", "main-000001"),
        ("gate", "verified", "main-000001"),
    ]
    assert sorted(wall.writes) == ["door red", "gate red"]
    assert len({deed.id for deed in read(store)}) == len(list(read(store))) == 2
    assert states(going_on(wall, store, plan, changes)) == states(rows)
    assert sorted(wall.writes) == ["door red", "gate red"]


def test_a_run_that_is_to_stop_stops_between_two_changes(wall: Wall, store: FolderStore) -> None:
    def renew() -> None:
        if wall.writes:
            raise Stopped("asked to")

    changes = [CHANGE, replace(CHANGE, target="gate")]
    with pytest.raises(Stopped):
        acting(wall, store, renew=renew).apply(changes, "hash")
    assert wall.writes == ["door red"]
    assert [deed.state for deed in read(store)] == [ActionState.APPLIED]
    assert [row.state.value for row in going_on(wall, store, "hash", changes)] == ["verified", "verified"]
    assert wall.writes == ["door red", "gate red"]
