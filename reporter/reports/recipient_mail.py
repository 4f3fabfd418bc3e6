"""mail/NNN-GROUP.eml: one message for each recipient, in its language and within its clearance.

A file of the run that goes with a message (X-Report-Files) is attached when it is sent, so that the pack holds it once. So is the hash of the seal,
which no sealed file can contain. An owner whom notify_owner told something in this run has its rows in that notice, and gets no second mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from reporter.core.clock import iso
from reporter.core.language import Language, language, mark
from reporter.core.recipient import Clearance, Group, Recipient
from reporter.core.result import Status
from reporter.core.text import one_line
from reporter.reports.own_rows import FILE, XLSX, OwnRows, own_rows
from reporter.reports.view import WORST_FIRST, Report, View
from reporter.tables.deliveries import DELIVERIES

CHECKS, ROWS, UNREAD = 6, 10, 5
"""checks, failures, unread scopes that a mail names"""
_FILES = {Clearance.SUMMARY: (), Clearance.REPORT: ("report.html",), Clearance.FULL: ("report.html", "report.xlsx")}
_WORSE, _BETTER = ("new", "reopened", "waiver_expired", "newly_unknown"), ("fixed", "known_again")


@dataclass(frozen=True)
class _Failure:
    """A failure, as a mail names it."""

    severity: str
    check: str
    resource: str
    place: str
    why: str
    days: int | None


def write(folder: Path, view: View) -> None:
    """One file for each recipient."""
    (folder / "mail").mkdir(exist_ok=True)
    noticed = {str(act["target"]) for act in view.actions if act["action"] == "notify_owner" and act["run"] == view.run_id}
    for number, recipient in enumerate(view.recipients, start=1):
        if recipient.group is not Group.OWNER or recipient.to not in noticed:
            made = message(replace(view, language=language(recipient.language)), recipient)
            (folder / "mail" / f"{number:03d}-{recipient.group.value}.eml").write_bytes(made.as_bytes(policy=policy.SMTP))


def message(view: View, recipient: Recipient) -> EmailMessage:
    """The message to one recipient, without what is added when it is sent. Same view and recipient -> same bytes."""
    own = own_rows(view.tables, view.owners, recipient.to) if recipient.own_rows else None
    mark = hashlib.sha256(f"{view.run_id}\n{iso(view.now)}\n{recipient.to}".encode()).hexdigest()[:32]
    facts = _facts(view, recipient, own)
    said = EmailMessage(policy=policy.SMTP)
    said["Subject"] = facts["subject"]
    said["To"] = recipient.to
    said["Date"] = format_datetime(view.now)
    said["Message-ID"] = f"<{mark}.report@reporter.invalid>"
    said["Auto-Submitted"] = "auto-generated"
    said["X-Auto-Response-Suppress"] = "All"
    said["X-Report-Run"] = view.run_id
    if attached := _FILES[recipient.clearance]:
        said["X-Report-Files"] = ", ".join(view.file(name) for name in attached)
    said.set_content(rendered("mail/report.txt.j2", view.language, facts), cte="quoted-printable")
    said.add_alternative(rendered("mail/report.html.j2", view.language, facts), subtype="html", cte="quoted-printable")
    said.set_boundary(f"=_report_{mark}")
    if own is not None:
        said.add_attachment(own.workbook(view.run_id, view.now, view.language), maintype="application", subtype=XLSX, filename=FILE)
        said.set_boundary(f"=_parts_{mark}")
    said["Content-Language"] = view.language.code
    return said


def _facts(view: View, recipient: Recipient, own: OwnRows | None) -> dict[str, Any]:
    """What the templates show. To an owner nothing of the whole organisation."""
    for_owner = recipient.group is Group.OWNER
    results = own.results if own is not None and for_owner else view.results
    counts = {status.value: int((results["status"] == status.value).sum()) for status in Status}
    failures = view.failures()
    if own is not None and for_owner:
        failures = failures[_key(failures).isin(_key(own.results))]
    changes = view.by_change() if view.compared_with and not for_owner else {}
    return {
        "view": view,
        "group": recipient.group.value,
        "subject": _subject(view.language, view, counts, failures, changes, own if for_owner else None),
        "counts": counts,
        "changes": {kind: count for kind, count in changes.items() if count},
        "direction": _direction(changes),
        "checks": _failing_checks(view.language, view, failures),
        "failures": [] if recipient.group is Group.MANAGEMENT else _worst(view.language, view, failures),
        "more_failures": max(0, len(failures) - ROWS),
        "protection": _protection(own.instances if own is not None and for_owner else None, view),
        "unread": [] if for_owner else _unread(view),
        "unread_count": 0 if for_owner else sum(view.by_scope_state()[state] for state in ("denied", "unavailable")),
        "actions": {} if for_owner else {state: count for state, count in view.by_action_state().items() if count},
        "undelivered": _undelivered(view) if recipient.group is Group.SECURITY else [],
        "own": own,
        "own_file": FILE,
        "files": [view.file(name) for name in _FILES[recipient.clearance]],
    }


def _subject(
    language: Language, view: View, counts: Mapping[str, int], failures: pd.DataFrame, changes: Mapping[str, int], own: OwnRows | None
) -> str:
    """One line, of numbers and our own words alone."""
    numbers = {"day": f"{view.now:%Y-%m-%d}", "fail": language.number(counts["FAIL"]), "unknown": language.number(counts["UNKNOWN"])}
    if own is not None:
        bare = {"bare": language.number(len(own.unprotected)), "all": language.number(len(own.instances))}
        text = mark("Your workloads %(day)s: %(fail)s fail, %(unknown)s unknown, %(bare)s of %(all)s instances not protected")
        return language.gettext(text, **numbers, **bare)
    said = language.gettext("Workload compliance %(day)s: %(fail)s fail, %(unknown)s unknown", **numbers)
    worst = next((severity for severity in WORST_FIRST if (failures["severity"] == severity.value).any()), None)
    if worst is not None:
        said += f", {language.number(int((failures['severity'] == worst.value).sum()))} {worst.value}"
    if changes:
        worse, better = (sum(changes.get(kind, 0) for kind in kinds) for kinds in (_WORSE, _BETTER))
        said += " " + language.gettext("(%(worse)s worse, %(better)s better)", worse=language.number(worse), better=language.number(better))
    return said


def _direction(changes: Mapping[str, int]) -> str:
    worse, better = (sum(changes.get(kind, 0) for kind in kinds) for kinds in (_WORSE, _BETTER))
    return "" if not changes else "worse" if worse > better else "better" if better > worse else "same"


def _failing_checks(language: Language, view: View, failures: pd.DataFrame) -> list[tuple[str, str, int]]:
    """(severity, title, failures) of the checks that fail, worst first."""
    counted = failures.groupby("check_id", observed=True).size().to_dict() if len(failures) else {}
    found = [check for check in view.checks if counted.get(check.id)]
    found.sort(key=lambda check: (WORST_FIRST.index(check.severity), -int(counted[check.id]), check.id))
    return [(check.severity.value, language.title(check.title), int(counted[check.id])) for check in found[:CHECKS]]


def _worst(language: Language, view: View, failures: pd.DataFrame) -> list[_Failure]:
    titles = {check.id: language.title(check.title) for check in view.checks}
    return [
        _Failure(
            str(row["severity"]),
            titles.get(row["check_id"], one_line(str(row["check_id"]))),
            one_line(str(row["resource"])),
            one_line(f"{row['account']} {row['region']}"),
            one_line(language.reason(str(row["reason"]))),
            None if pd.isna(row["age_days"]) else int(row["age_days"]),
        )
        for row in failures.head(ROWS).to_dict("records")
    ]


def _protection(own: pd.DataFrame | None, view: View) -> dict[str, int]:
    counts = view.by_protection()
    if own is not None:
        counts = {name: int((own["protection"] == name).sum()) for name in counts}
    return {name: count for name, count in counts.items() if count}


def _unread(view: View) -> list[tuple[str, str]]:
    """(what could not be read, what to grant), worst first; a service that is off was read."""
    rows = view.unread()
    rows = rows[rows["state"].isin(["denied", "unavailable"])].head(UNREAD)
    return [
        (one_line(f"{row['source']} {row['account']} {row['region']}"), one_line(str(row["permission"] or row["message"] or row["state"])))
        for row in rows.astype("object").where(rows.notna(), None).to_dict("records")
    ]


def _undelivered(view: View) -> list[tuple[str, str, str]]:
    """(address, state, what happened) of mails of the run before that are not known to be sent."""
    rows = view.table(DELIVERIES)
    rows = rows[rows["state"] != "sent"]
    return [(one_line(str(row["recipient"])), str(row["state"]), one_line(str(row["message"] or ""))) for row in rows.to_dict("records")]


def _key(frame: pd.DataFrame) -> pd.Series:
    names = ["check_id", "account", "region", "resource"]
    return pd.Series(list(zip(*(frame[name] for name in names), strict=True)), index=frame.index, dtype="object")


def rendered(name: str, language: Language, facts: Mapping[str, Any]) -> str:
    """A template of mails in one language. In HTML everything is escaped."""
    spoken = {"_": language.gettext, "ngettext": language.ngettext, "language": language}
    return _environment().get_template(name).render(**spoken, **facts).lstrip()


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files("reporter.templates").joinpath(*name.split("/")).read_text(encoding="utf-8")),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default_for_string=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


REPORT = Report("recipient mail", "mail/: one message for each recipient", write)
