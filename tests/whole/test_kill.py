"""SIGKILL at every boundary of the journal, each of them, and what the next run makes of it: the state of a run that was never killed, nothing twice.

The process is a real one; servers, mail server and store outlive it. A boundary is one entry of the journal, or the file that they become at the end:
the process dies before it is there, or once it is durable, which is every instant between two writes as far as anybody could tell them apart.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporter.clients.store import FolderStore
from reporter.core.change import ActionState, Change
from reporter.core.past import Deed
from reporter.state import journal
from tests.actions.hands import NOW
from tests.joins.made import A
from tests.whole.bench import Bench, Kept, benches
from tests.whole.killed import Death, Job

SCANS = ("integrity_scan", "recommendation_scan")
ORDER = (*SCANS, "assign_ips_rule", "attach_managed_rule_group", "recommendation_results", "notify_owner", "notify_owner")
"""the plan, worst first"""
WRITES = {"assign_ips_rule": 4}
"""write calls of each change, where it is not one: three rules are set to detect, then they are assigned"""
TAKEN_BACK = {"assign_ips_rule": 6, "attach_managed_rule_group": 1, "recommendation_results": 2}
"""write calls of each undo: three rules and three settings, a rewritten web ACL, two rules"""
LINGERS = {"task_removal_delay": 3600.0}
"""a task stays after it ran, so that it has to be deleted"""

Boundary = tuple[str, str]
"""action, event"""


def _calls(action: str, count: int) -> list[Boundary]:
    return [(action, event) for _ in range(count) for event in ("call", "answer")]


def applied(order: Sequence[str], deleted: int = 1) -> list[Boundary]:
    """Entries of an apply: one change after the other is made, then one after the other is looked at. `deleted`: tasks that each scan leaves."""
    made = [[(one, "begin"), *_calls(one, WRITES.get(one, 1)), (one, "end")] for one in order]
    seen = [[*_calls(one, deleted if one in SCANS else 0), (one, "end")] for one in order]
    return [entry for entries in (*made, *seen) for entry in entries]


def undone(order: Sequence[str]) -> list[Boundary]:
    """Entries of an undo, the last change first."""
    return [entry for one in reversed(order) for entry in [(one, "undo"), *_calls(one, TAKEN_BACK.get(one, 0)), (one, "end")]]


def deaths(entries: Sequence[Boundary]) -> list[Death]:
    """Every one: before and after each entry, and before and after the file that they become."""
    return [Death(number + 1, durable) for number in range(len(entries) + 1) for durable in (False, True)]


APPLIED, ONLY_SCANS, UNDONE = applied(ORDER), applied(SCANS, deleted=0), undone(ORDER)


@dataclass(frozen=True)
class Made:
    """What a run came to that nobody killed."""

    job: Job
    start: dict[str, Any]
    holds: dict[str, Any]
    effects: Counter[str]
    mails: list[str]
    kept: Kept


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benches(tmp_path_factory.mktemp("kill")) as running:
        yield running


def undisturbed(bench: Bench, folder: Path, changes: Sequence[Change], **knobs: Any) -> Made:
    start = bench.holds()
    job = Job(folder, 1, bench.schedule().model_dump_json(), A, bench.environment, NOW, [change.as_json() for change in changes], "hash")
    code, rows = job.do()
    assert (code, {row["state"] for row in rows}) == (0, {"verified"}), rows
    return Made(job, start, bench.holds(), bench.effects(), bench.mails(), bench.keep())


@pytest.fixture(scope="module")
def made(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Made:
    bench.start_over(**LINGERS)
    changes = bench.plan()
    assert tuple(change.action for change in changes) == ORDER
    return undisturbed(bench, tmp_path_factory.mktemp("undisturbed") / "state", changes)


@pytest.fixture(scope="module")
def scanned(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The scans alone; a task deletes itself as soon as it ran."""
    bench.start_over()
    changes = [change for change in bench.plan() if change.action in SCANS]
    return undisturbed(bench, tmp_path_factory.mktemp("scanned") / "state", changes)


@pytest.fixture(scope="module")
def taken_back(bench: Bench, made: Made) -> Made:
    """The whole plan undone."""
    bench.put_back(made.kept)
    job = replace(made.job, run=2, undo="main-000001", folder=made.job.folder.parent / "undone", changes=())
    shutil.copytree(made.job.folder, job.folder)
    code, rows = job.do()
    assert (code, {row["state"] for row in rows}) == (0, {"undone", "skipped"}), rows
    return Made(job, made.start, bench.holds(), bench.effects(), bench.mails(), made.kept)


def entries(folder: Path, run: int) -> list[Boundary]:
    """What a run that ended wrote, as it wrote it."""
    actions = {deed.id: deed.change.action for deed in journal.read(FolderStore(folder))}
    whole = (folder / f"{journal.FOLDER}main-{run:06d}.jsonl").read_bytes()
    lines = [json.loads(line) for line in whole.splitlines()]
    return [(actions[line["deed"]], line["event"]) for line in lines]


def deeds(folder: Path) -> dict[str, Deed]:
    """Change -> its deed. No change was begun twice."""
    found = list(journal.read(FolderStore(folder)))
    assert len({deed.change.key for deed in found}) == len(found)
    return {deed.change.key: deed for deed in found}


def test_the_boundaries_are_all_there_are(made: Made, scanned: Made, taken_back: Made) -> None:
    assert entries(made.job.folder, 1) == APPLIED
    assert entries(scanned.job.folder, 1) == ONLY_SCANS
    assert entries(taken_back.job.folder, 2) == UNDONE
    assert (len(APPLIED), len(ONLY_SCANS), len(UNDONE)) == (45, 10, 32)


def killed(job: Job, death: Death) -> None:
    assert job.do(death)[0] == -signal.SIGKILL


def lasting(holds: dict[str, Any]) -> dict[str, Any]:
    """Without what a scan leaves, and when policies were sent."""
    return {name: value for name, value in holds.items() if name not in ("scanned", "checked", "sent", "recommended")}


def in_flight(death: Death, boundaries: Sequence[Boundary]) -> int | None:
    """Which entry is the call that was announced and has no answer."""
    last = death.at - (1 if death.durable else 2)
    return last if 0 <= last < len(boundaries) and boundaries[last][1] == "call" else None


def completed(bench: Bench, made: Made, job: Job, death: Death, boundaries: Sequence[Boundary]) -> None:
    """What stands after the next run: all of it, once; but for a scan and a mail of which nobody knows whether they were begun."""
    code, rows = job.do()
    assert code == 0
    call = in_flight(death, boundaries)
    action = "" if call is None else boundaries[call][0]
    lost = call is not None and death.durable and boundaries[call - 1][1] == "begin"
    expected, mails = dict(made.holds), list(made.mails)
    odd: dict[str, str] = {}
    if action in SCANS and lost:
        expected |= {"checked": []} if action == "integrity_scan" else {"scanned": [], "recommended": made.start["recommended"]}
        odd = {action: "pending"}
    if action == "notify_owner":
        odd = {made.mails[sum(one == action for one, event in boundaries[:call] if event == "call")]: "failed"}
        mails = [address for address in mails if not (lost and address in odd)]
    assert bench.holds() == expected
    assert bench.mails() == mails
    assert not bench.effects() - made.effects
    states = {key: deed.state.value if deed.state else None for key, deed in deeds(job.folder).items()}
    assert states == {key: next((state for name, state in odd.items() if name in key), "verified") for key in states}
    assert len(states) == len(made.job.changes)
    for row in rows:
        if row["state"] == "failed":
            assert "whether it was sent is not known" in row["error"]
        if row["state"] == "pending":
            assert "0 of" in row["error"]


@pytest.mark.parametrize("death", deaths(APPLIED), ids=str)
def test_what_a_killed_apply_left_the_next_one_completes(bench: Bench, made: Made, death: Death, tmp_path: Path) -> None:
    """And what both did together can be undone."""
    bench.start_over(**LINGERS)
    job = replace(made.job, folder=tmp_path / "state")
    killed(job, death)
    completed(bench, made, replace(job, run=2), death, APPLIED)
    for run in (1, 2):
        bench.changing(job.folder, run + 2).undone(f"main-{run:06d}")
    assert lasting(bench.holds()) == lasting(made.start)


@pytest.mark.parametrize("death", deaths(ONLY_SCANS), ids=str)
def test_a_scan_whose_task_is_gone_already_is_confirmed_by_its_date(bench: Bench, scanned: Made, death: Death, tmp_path: Path) -> None:
    bench.start_over()
    job = replace(scanned.job, folder=tmp_path / "state")
    killed(job, death)
    completed(bench, scanned, replace(job, run=2), death, ONLY_SCANS)


@pytest.mark.parametrize("death", deaths(UNDONE), ids=str)
def test_what_a_killed_undo_left_the_next_one_completes(bench: Bench, taken_back: Made, made: Made, death: Death, tmp_path: Path) -> None:
    """By undoing again; where it was killed after an entry, by a run that only looks again at what is open, and an undo after it."""
    bench.put_back(taken_back.kept)
    job = replace(taken_back.job, folder=tmp_path / "state")
    shutil.copytree(made.job.folder, job.folder)
    killed(job, death)
    after = 3
    if death.durable:
        assert replace(job, run=after, undo="").do()[0] == 0
        assert not [deed for deed in deeds(job.folder).values() if deed.undoing]
        after += 1
    code, rows = replace(job, run=after).do()
    assert code == 0
    assert {row["state"] for row in rows} <= {"undone", "skipped"}
    assert bench.holds() == taken_back.holds
    assert not bench.effects() - taken_back.effects
    assert bench.mails() == taken_back.mails
    states = {deed.change.action: deed.state for deed in deeds(job.folder).values()}
    assert states == {action: ActionState.UNDONE if action in TAKEN_BACK else ActionState.VERIFIED for action in ORDER}


def test_an_undo_brings_back_the_start_but_for_what_the_scans_left(taken_back: Made) -> None:
    assert lasting(taken_back.holds) == lasting(taken_back.start)


@pytest.mark.parametrize("number", [0, 1], ids=SCANS)
def test_a_scan_that_may_have_been_started_is_not_started_again_before_its_bound(bench: Bench, scanned: Made, number: int, tmp_path: Path) -> None:
    bench.start_over()
    job = replace(scanned.job, folder=tmp_path / "state", changes=[scanned.job.changes[number]])
    killed(job, Death(2, durable=True))

    def looked(run: int, now: datetime) -> list[tuple[str, str]]:
        code, rows = replace(job, run=run, now=now).do()
        assert (code, bench.effects()) == (0, Counter())
        return [(row["state"], row["error"].split(":")[0]) for row in rows]

    skipped = ("skipped", "not needed")
    assert looked(2, NOW + timedelta(minutes=1)) == [("pending", "scan requested"), skipped]
    assert looked(3, NOW + timedelta(hours=23)) == [("pending", "scan requested"), skipped]
    past = journal.read(FolderStore(job.folder))
    assert [change for change in bench.plan(past, NOW + timedelta(hours=23)) if change.action == SCANS[number]] == []
    later = NOW + timedelta(hours=25)
    assert looked(4, later)[0] == ("failed", "not confirmed within 24 hours")
    fresh = [change for change in bench.plan(journal.read(FolderStore(job.folder)), later) if change.action == SCANS[number]]
    code, rows = replace(job, run=5, now=later, changes=[change.as_json() for change in fresh], plan="another").do()
    assert (code, [row["state"] for row in rows]) == (0, ["verified"])
    assert sum(bench.effects().values()) == 1
