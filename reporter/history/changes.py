"""What differs between the results of an earlier run and of a later one; each difference is of one kind, the first of these that holds.

What was UNKNOWN in the earlier run, or had no row there because it was not read, counts as what it was when it was last known (HISTORY).

now FAIL
  waiver_expired  was WAIVED, and its exception ran out
  known_again     was FAIL when last known, or was UNKNOWN and never known otherwise: it may have failed all along, so nothing got worse
  reopened        was not failing, and an earlier run of the chain had it failing
  new             was not failing, or was not there, or its exception was withdrawn
now WAIVED
  known_again     was WAIVED when last known
  newly_waived    was anything else
now UNKNOWN
  newly_unknown   was known, or not there
now PASS or NOT_APPLICABLE
  fixed           was FAIL or WAIVED
  known_again     was UNKNOWN
no row any more
  gone            was FAIL or WAIVED, and nobody can say that it was put right: what it depends on was not read, its instance still exists outside
                  the report's scope, today's rules no longer judge it, or its service forgets by age
  fixed           was FAIL or WAIVED; everything it depends on was read, and it no longer exists
  known_again     was the row `*` of a population that is read again

A difference has one cause: `exception` (one was given, withdrawn or ran out), `rule` (the earlier run, judged again by the later one's rules, already
says what the later one says), `reading` (it was not read then or now), else `world`; none where the rules changed and the earlier run could not
be judged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.check import Check
from reporter.core.expiry import last_day
from reporter.core.reading import population_here, unread
from reporter.core.result import Status
from reporter.core.world import World
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.joined import CHANGES, EXCEPTIONS, HISTORY, RESULTS

KEY = ["check_id", "account", "region", "resource"]
FORGOTTEN_DAYS = 90
"""a result that had no row for so long is no longer remembered"""

FAILING = (Status.FAIL.value, Status.WAIVED.value)
_SETTLED = (Status.PASS.value, Status.NOT_APPLICABLE.value)
_FAIL, _WAIVED, _UNKNOWN = Status.FAIL.value, Status.WAIVED.value, Status.UNKNOWN.value
_DROPPED = "the rules of this run no longer judge it"
_UNTOLD = "the rules changed: it cannot be told whether it no longer exists, or is no longer judged"
_COLUMNS = ("status", "severity", "owner", "reason", "first_seen", "waiver", "unread")


@dataclass(frozen=True)
class Side:
    """One of the two runs: its results, and its world (clock, ledger, exceptions and instances)."""

    results: pd.DataFrame
    world: World


@dataclass(frozen=True)
class Judgement:
    """What is known of the rules between the two runs. `changed`: names of history/rules.py; `again`: results of the earlier run by the later one's
    rules, where they changed and that could be done."""

    changed: tuple[str, ...] = ()
    again: pd.DataFrame | None = None

    @property
    def by_rules(self) -> tuple[str, ...]:
        return tuple(name for name in self.changed if name != "reading")

    @property
    def untold(self) -> bool:
        return bool(self.by_rules) and self.again is None


@dataclass(frozen=True)
class Compared:
    """CHANGES, and HISTORY as it is after the later run."""

    changes: pd.DataFrame
    history: pd.DataFrame


def compare(earlier: Side | None, later: Side, history: pd.DataFrame, checks: Sequence[Check], judgement: Judgement | None = None) -> Compared:
    """The differences, and what to remember. `history`: HISTORY as it was after the earlier run. Without an earlier run nothing differs."""
    then = later.world.now if earlier is None else earlier.world.now
    rows = _paired(RESULTS.frame() if earlier is None else earlier.results, later.results, history, judgement or Judgement())
    rows = _read_or_not(rows, earlier, later, {check.id: check for check in checks}, judgement or Judgement())
    rows["change"] = _kinds(rows, later.world)
    remembered = _remembered(rows, then, later.world.now)
    if earlier is None:
        return Compared(CHANGES.frame(), remembered)
    rows["cause"] = _causes(rows, judgement or Judgement())
    return Compared(_changes(rows[rows["change"] != ""]), remembered)


def _paired(earlier: pd.DataFrame, later: pd.DataFrame, history: pd.DataFrame, judgement: Judgement) -> pd.DataFrame:
    """One row per key that may differ or is remembered: was_*, now_*, kept_* (HISTORY) and again_status; texts are "" where missing."""
    rows = _named(earlier, _COLUMNS, "was").merge(_named(later, _COLUMNS, "now"), on=KEY, how="outer", validate="one_to_one")
    kept = [name for name in HISTORY.names if name not in KEY]
    rows = rows.merge(_named(history, kept, "kept"), on=KEY, how="outer", validate="one_to_one", indicator="known")
    same = (rows["was_status"] == rows["now_status"]) & rows["was_status"].isin(_SETTLED) & (rows["known"] == "left_only")
    rows = rows[~same].drop(columns="known").reset_index(drop=True)
    again = RESULTS.frame() if judgement.again is None else judgement.again
    rows = rows.merge(_named(again, ("status",), "again"), on=KEY, how="left", validate="one_to_one")
    rows = rows.sort_values(KEY, kind="stable").reset_index(drop=True)
    for name in [name for name in rows.columns if name.rpartition("_")[2] in ("status", "severity", "owner", "reason", "waiver", "known")]:
        rows[name] = rows[name].astype("object").where(rows[name].notna(), "")
    for name in ("was_unread", "now_unread"):
        rows[name] = rows[name].astype("boolean").fillna(value=False).astype(bool)
    return rows


def _named(frame: pd.DataFrame, columns: Sequence[str], prefix: str) -> pd.DataFrame:
    return frame[[*KEY, *columns]].rename(columns={name: f"{prefix}_{name}" for name in columns})


def _read_or_not(rows: pd.DataFrame, earlier: Side | None, later: Side, checks: Mapping[str, Check], judgement: Judgement) -> pd.DataFrame:
    """`effective`: what it was when last known, up to the earlier run; `unseen_then`: no row because it was not read; `unread_now`: why it was not
    read now; `unsure`: why a row that is missing now is not thereby put right."""
    hidden = (rows["was_status"] == "") | (rows["was_status"] == _UNKNOWN)
    rows["hidden"] = hidden
    rows["effective"] = rows["was_status"].where(~hidden, rows["kept_last_known"])
    missing_then, missing_now = rows["was_status"] == "", rows["now_status"] == ""
    rows["unseen_then"] = False if earlier is None else _why(rows, missing_then, earlier.world, checks) != ""
    rows["unread_now"] = _why(rows, missing_now, later.world, checks)
    rows["dropped"] = missing_now & _dropped(rows, judgement)
    rows["unsure"] = ""
    for holds, why in (
        (missing_now, rows["check_id"].map({check.id: check.vanishes for check in checks.values()}).fillna("")),
        (rows["dropped"], _DROPPED if judgement.again is not None else _UNTOLD),
        (missing_now & _listed(rows, later.world), "the instance still exists, outside the scope of this report"),
        (rows["unread_now"] != "", rows["unread_now"]),
    ):
        rows["unsure"] = rows["unsure"].mask(holds, why)
    return rows


def _why(rows: pd.DataFrame, wanted: pd.Series, world: World, checks: Mapping[str, Check]) -> pd.Series:
    """For these rows, why what the check needs there was not read, or ""."""
    places = rows.loc[wanted, ["check_id", "account", "region"]]
    causes = {place: _unread(world, checks.get(place[0]), place[1], place[2]) for place in set(places.itertuples(index=False, name=None))}
    said = pd.Series([causes[place] for place in places.itertuples(index=False, name=None)], index=places.index, dtype="object")
    return said.reindex(rows.index, fill_value="")


def _unread(world: World, check: Check | None, account: str, region: str) -> str:
    if check is None:
        return "this check is no longer asked"
    return unread(world, (*population_here(world, check, account, region), *check.needs), account, region, own_service=check.own_service)


def _listed(rows: pd.DataFrame, world: World) -> pd.Series:
    instances = world.table(EC2_INSTANCES)
    there = set(zip(instances["account"], instances["region"], instances["instance_id"], strict=True))
    return pd.Series([key in there for key in zip(rows["account"], rows["region"], rows["resource"], strict=True)], index=rows.index, dtype=bool)


def _dropped(rows: pd.DataFrame, judgement: Judgement) -> pd.Series:
    """Rows that today's rules make disappear, or may."""
    if judgement.again is None:
        return pd.Series(judgement.untold, index=rows.index)
    return (rows["again_status"] == "") & (rows["was_status"] != "")


def _kinds(rows: pd.DataFrame, world: World) -> pd.Series:
    was, now, effective, hidden = rows["was_status"], rows["now_status"], rows["effective"], rows["hidden"]
    fails, waived, settled, missing = now == _FAIL, now == _WAIVED, now.isin(_SETTLED), now == ""
    failed, failed_once = effective.isin(FAILING), rows["kept_first_failed"].notna()
    sure = rows["unsure"] == ""
    cases = [
        (fails & (effective == _WAIVED) & _ran_out(rows, world), "waiver_expired"),
        (fails & (effective == _FAIL), np.where(hidden, "known_again", "")),
        (fails & (was == _UNKNOWN) & (effective == ""), "known_again"),
        (fails & ~failed & failed_once, "reopened"),
        (fails, "new"),
        (waived & (effective == _WAIVED), np.where(hidden, "known_again", "")),
        (waived, "newly_waived"),
        (now == _UNKNOWN, np.where((was == _UNKNOWN) | rows["unseen_then"], "", "newly_unknown")),
        (settled & failed, "fixed"),
        (settled & (was == _UNKNOWN), "known_again"),
        (missing & failed & ~sure, np.where(was == "", "", "gone")),
        (missing & failed, "fixed"),
        (missing & (was == _UNKNOWN) & (rows["resource"] == "*") & sure, "known_again"),
    ]
    return _first(rows, cases, "")


def _ran_out(rows: pd.DataFrame, world: World) -> pd.Series:
    """Keys for which an exception of today's schedule, or the one the earlier run named, has its last day behind it."""
    today, exceptions = world.now.date(), world.table(EXCEPTIONS)
    ended = {
        (check, resource)
        for check, resource, expires in zip(exceptions["check"], exceptions["resource"], exceptions["expires"], strict=True)
        if (last := last_day(expires)) and last < today
    }
    named = [last_day(text.rpartition(" until ")[2]) for text in rows["was_waiver"]]
    keys = zip(rows["check_id"], rows["resource"], named, strict=True)
    return pd.Series([(check, resource) in ended or bool(last and last < today) for check, resource, last in keys], rows.index, dtype=bool)


def _causes(rows: pd.DataFrame, judgement: Judgement) -> pd.Series:
    change, was, now, effective = rows["change"], rows["was_status"], rows["now_status"], rows["effective"]
    accepted = ((effective == _FAIL) & (now == _WAIVED)) | ((effective == _WAIVED) & (now == _FAIL))
    told = pd.Series(judgement.again is not None, index=rows.index)
    by_rule = told & (rows["again_status"] == now) & (rows["again_status"] != was)
    only_exceptions = judgement.by_rules == ("exceptions",)
    reading = (
        ((change == "newly_unknown") & rows["now_unread"])
        | ((change == "known_again") & (rows["was_unread"] | rows["unseen_then"]))
        | ((change == "gone") & (rows["unread_now"] != ""))
        | (change.isin(["new", "newly_waived"]) & rows["unseen_then"] & (effective == ""))
    )
    cases = [
        (accepted, "exception"),
        (by_rule, "exception" if only_exceptions else "rule"),
        (reading, "reading"),
        (pd.Series(judgement.untold, index=rows.index), ""),
    ]
    return _first(rows, cases, "world")


def _first(rows: pd.DataFrame, cases: Sequence[tuple[pd.Series, Any]], otherwise: str) -> pd.Series:
    """For each row the word of the first case that holds."""
    chosen = np.select([case.to_numpy(dtype=bool) for case, _ in cases], [np.asarray(word, dtype=object) for _, word in cases], default=otherwise)
    return pd.Series(chosen, index=rows.index, dtype="object")


def _changes(rows: pd.DataFrame) -> pd.DataFrame:
    made = rows[[*KEY, "change"]].copy()
    for name, source in (("cause", "cause"), ("was", "was_status"), ("now", "now_status")):
        made[name] = _filled(rows[source])
    made["severity"], made["owner"] = _last(rows, "severity"), _filled(_last(rows, "owner"))
    made["reason"] = _reasons(rows)
    made["since"] = _instants(rows["was_first_seen"]).fillna(_instants(rows["kept_failing_since"])).fillna(_instants(rows["kept_known_at"]))
    return CHANGES.sort(CHANGES.conform(made))


def _reasons(rows: pd.DataFrame) -> pd.Series:
    """One sentence: the result's own, or why there is none; and what was known before."""
    missing, change = rows["now_status"] == "", rows["change"]
    said = rows["now_reason"].mask(missing & (change == "fixed"), "it no longer exists: everything it depends on was read")
    said = said.mask(missing & (change == "gone"), rows["unsure"]).mask(missing & (change == "known_again"), "this place is read again")
    known = rows["hidden"] & (rows["effective"] != "") & (change != "")
    said = said.mask(known, said + "; when last known, on " + _day(rows["kept_known_at"]) + ", it was " + rows["effective"])
    mended = (change == "reopened") & rows["kept_fixed_at"].notna()
    return said.mask(mended, said + "; it was put right on " + _day(rows["kept_fixed_at"]))


def _remembered(rows: pd.DataFrame, then: datetime, now: datetime) -> pd.DataFrame:
    """HISTORY after the later run."""
    status, effective = rows["now_status"], rows["effective"]
    known = ~status.isin(["", _UNKNOWN])
    gone = (status == "") & effective.isin(FAILING) & (rows["unsure"] != "") & ~rows["dropped"]
    undecided = (status == _UNKNOWN) | (rows["unread_now"] != "") | gone
    made = rows[KEY].copy()
    made["last_known"] = _filled(status.where(known, effective.where(undecided, "")))
    fails = made["last_known"].isin(FAILING)
    before = _instants(rows["kept_failing_since"]).fillna(_instants(rows["was_first_seen"]).where(rows["was_status"].isin(FAILING)))
    at = pd.Series(pd.Timestamp(now), index=rows.index)
    earlier = pd.Series(pd.Timestamp(then), index=rows.index)
    made["known_at"] = at.where(known, _instants(rows["kept_known_at"]).fillna(earlier)).where(made["last_known"].notna())
    made["failing_since"] = before.where(effective.isin(FAILING)).fillna(at).where(fails)
    made["first_failed"] = _instants(rows["kept_first_failed"]).fillna(before).fillna(at.where(fails))
    made["fixed_at"] = at.where(rows["change"] == "fixed", _instants(rows["kept_fixed_at"]))
    made["seen_at"] = at.where(status != "", _instants(rows["kept_seen_at"]).fillna(earlier))
    made["severity"], made["owner"] = _last(rows, "severity"), _filled(_last(rows, "owner"))
    kept = made["first_failed"].notna() | (~known & made["last_known"].notna())
    recent = made["seen_at"] >= pd.Timestamp(now - timedelta(days=FORGOTTEN_DAYS))
    return HISTORY.sort(HISTORY.conform(made[kept & recent]))


def _last(rows: pd.DataFrame, name: str) -> pd.Series:
    """The value in the newest row there is: an owner that was taken away is none."""
    now, was = rows["now_status"] != "", rows["was_status"] != ""
    return rows[f"now_{name}"].where(now, rows[f"was_{name}"].where(was, rows[f"kept_{name}"]))


def _filled(texts: pd.Series) -> pd.Series:
    return texts.astype("object").where(texts != "", None)


def _instants(values: pd.Series) -> pd.Series:
    return pd.Series(pd.to_datetime(values, utc=True), index=values.index)


def _day(values: pd.Series) -> Any:
    return _instants(values).dt.strftime("%Y-%m-%d").astype("object").fillna("a day not known")
