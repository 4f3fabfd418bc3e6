"""What a team works through: every failure, and every unknown that a grant would settle; worst first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from math import ceil

import pandas as pd

from reporter.core.language import Language
from reporter.core.result import Status
from reporter.core.scope import ScopeState
from reporter.core.table import Kind
from reporter.reports.sheet import MOST_ROWS, Link, Rule, Sheet, Shown, consoles, place, serial, tones
from reporter.reports.view import WORST_FIRST, View

SOON = timedelta(days=7)
_KEY = ["check_id", "account", "region", "resource"]
_GRANT = re.compile(r"; grant ([^;]+)")


def work_list(view: View, results: pd.DataFrame, results_sheet: str) -> Sheet:
    """The sheet. `results`: RESULTS in the order of their own sheet, which has this title: each row leads to its row there."""
    said, _ = view.language, view.language.gettext
    rows = open_rows(view, results)
    made = pd.DataFrame(index=rows.index)
    for name in ("severity", "status", "resource", "account", "region", "owner", "due", "first_seen", "overdue_days"):
        made[name] = rows[name]
    titles = {check.id: said.title(check.title) for check in view.checks}
    made["check"] = rows["check_id"].map(lambda check: titles.get(check, check))
    made["reason"] = _said(rows["reason"], said)
    asked = {grant: _("Grant %(permission)s", permission=grant) for grant in rows["grant"].unique() if grant}
    made["todo"] = rows["grant"].map(asked).where(rows["grant"] != "", _said(rows["expected"], said))
    choices = (_("open"), _("in progress"), _("done"), _("accepted"))
    made["work"], made["note"] = choices[0], None
    columns = (
        Shown("severity", _("Severity"), Kind.CATEGORY, _("How bad it is: CRITICAL, HIGH, MEDIUM, LOW"), 12),
        Shown(
            "status",
            _("Result"),
            Kind.CATEGORY,
            _("FAIL: put it right. UNKNOWN: needs a grant. The link leads to the whole result."),
            12,
        ),
        Shown("check", _("Check"), Kind.TEXT, _("What was asked"), 34, wrapped=True),
        Shown(
            "resource",
            _("Resource"),
            Kind.TEXT,
            _("What it is about; an instance leads to the EC2 console. *: all of it there"),
            34,
            wrapped=True,
        ),
        Shown("account", _("Account"), Kind.CATEGORY, "", 15),
        Shown("region", _("Region"), Kind.CATEGORY, "", 15),
        Shown("reason", _("Why"), Kind.TEXT, _("What was seen, in one sentence"), 48, wrapped=True),
        Shown("todo", _("What to do"), Kind.TEXT, _("What must be so for it to pass, or the permission to grant"), 34, wrapped=True),
        Shown("owner", _("Owner"), Kind.CATEGORY, _("Value of the owner tag; empty: untagged"), 17, wrapped=True),
        Shown("due", _("Due"), Kind.TIME, _("By when it must be put right (UTC); red: past, amber: within 7 days of this report"), 14, day=True),
        Shown("overdue_days", _("Days overdue"), Kind.INTEGER, _("Days past the due date when this report was made; a day begun counts"), 13),
        Shown("first_seen", _("Since"), Kind.TIME, _("Since when it is so, in this chain of runs (UTC)"), 14, day=True),
        Shown("work", _("Status"), Kind.CATEGORY, _("Yours to set: the reporter never reads it back"), 15, choices=choices),
        Shown("note", _("Note"), Kind.TEXT, _("Yours to write: the reporter never reads it back"), 30, wrapped=True),
    )
    every = tuple(column.name for column in columns)
    late, soon = "AND(ISNUMBER({overdue_days}),{overdue_days}>0)", f"AND(ISNUMBER({{due}}),{{due}}<={serial(view.now + SOON)})"
    rules = (
        Rule(every, f'OR({{work}}="{_quoted(choices[2])}",{{work}}="{_quoted(choices[3])}")', "settled", last=True),
        Rule(("due", "overdue_days"), late, "late", last=True),
        Rule(("due",), soon, "soon"),
        *tones(columns, made),
    )
    lines = rows["row"].to_numpy()
    links: dict[str, Link] = {"status": lambda row: place(results_sheet, f"A{lines[row]}") if lines[row] <= MOST_ROWS else ""}
    if not view.endpoint_override:
        links["resource"] = consoles(made, "resource")
    about = _("What fails, and what nobody can tell for want of a permission; worst first. Status and note are yours.")
    return Sheet(_("Work list"), "WorkList", columns, made, "results.csv", about, links, rules, frozen="D2")


def open_rows(view: View, results: pd.DataFrame) -> pd.DataFrame:
    """Rows to work on, worst first, with `row` (line on the sheet of results), `grant` and `overdue_days`."""
    granted = _granted(results["reason"].where((results["status"] == Status.UNKNOWN.value), ""), _permissions(view))
    failed = results["status"] == Status.FAIL.value
    rows = results.assign(row=range(2, len(results) + 2), grant=granted)[failed | (granted != "")]
    past = (pd.Timestamp(view.now) - rows["due"]).where(rows["status"] == Status.FAIL.value)
    days = [None if pd.isna(time) or time <= timedelta(0) else ceil(time / timedelta(days=1)) for time in past]
    rank = rows["severity"].map({severity.value: rank for rank, severity in enumerate(WORST_FIRST)})
    order = rows.assign(overdue_days=pd.Series(days, index=rows.index, dtype="Int64"), rank=rank, unsure=rows["grant"] != "")
    return order.sort_values(["rank", "unsure", "due", "first_seen", *_KEY], kind="stable").drop(columns=["rank", "unsure"]).reset_index(drop=True)


def _permissions(view: View) -> set[str]:
    """What the ledger says must be granted."""
    denied = view.scopes[view.scopes["state"] == ScopeState.DENIED.value]
    return {permission for permission in denied["permission"].dropna() if permission}


def _granted(reasons: pd.Series, permissions: Iterable[str]) -> pd.Series:
    """For each reason of an unknown the permissions of the ledger that it asks for; "" where it asks for none."""
    known = set(permissions)
    asked = {reason: ", ".join(dict.fromkeys(name for name in _GRANT.findall(reason) if name in known)) for reason in reasons.unique()}
    return reasons.map(asked).astype("object")


def _said(texts: pd.Series, said: Language) -> pd.Series:
    return texts.astype("object").map({text: said.reason(text) for text in texts.dropna().unique()})


def _quoted(text: str) -> str:
    return text.replace('"', '""').replace("{", "{{").replace("}", "}}")
