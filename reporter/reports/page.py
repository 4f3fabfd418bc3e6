"""report.html: one self-contained page, no network. Top rows only; the rest is in the workbook and the CSV files.

A small script sorts and filters the rows that are there; without it the page is whole. Links lead to sections and, on a click, to the AWS console.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from itertools import repeat
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import pandas as pd
from markupsafe import Markup

from reporter.core.clock import iso, parse
from reporter.core.consoles import address, classic_load_balancer
from reporter.core.expiry import last_day
from reporter.core.language import Language
from reporter.core.result import Status
from reporter.core.text import legible
from reporter.reports import reading_order
from reporter.reports.exposure import exposure
from reporter.reports.headline import direction, headline, reach
from reporter.reports.heat import heat_map
from reporter.reports.reading_order import SEVERITIES, SOON
from reporter.reports.trend import chart
from reporter.reports.view import CONTROL_STATUSES, Report, View

ROWS = 50
"""rows of a table on the page"""
LONGEST_CELL = 300
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:\d*:(.+)")

STATUSES = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)

TONES = {
    **dict.fromkeys(("FAIL", "unmanaged", "inactive", "offline", "no_policy", "unprotected", "missing_acl", "missing_rules"), "fail"),
    **dict.fromkeys(
        ("available", "generic_only", "no_rule", "allowed", "denied", "failed", "open", "refused", "not_sent", "bounced", "complained"), "fail"
    ),
    **dict.fromkeys(("new", "reopened", "waiver_expired"), "fail"),
    **dict.fromkeys(("NO_AUTOMATED_EVIDENCE",), "fail"),
    **dict.fromkeys(("newly_unknown", "gone"), "unknown"),
    **dict.fromkeys(("fixed", "known_again"), "pass"),
    **dict.fromkeys(("newly_waived",), "waived"),
    **dict.fromkeys(("UNKNOWN", "unknown", "conditional", "unavailable", "detect_only", "assigned_not_effective", "count_only"), "unknown"),
    **dict.fromkeys(("pending", "applied"), "unknown"),
    **dict.fromkeys(("PASS", "protected", "prevented", "covered", "ok", "verified", "sent"), "pass"),
    **dict.fromkeys(("WAIVED", "in_force"), "waived"),
    **dict.fromkeys(("ran_out",), "fail"),
    **dict.fromkeys(("ends_soon",), "unknown"),
    **dict.fromkeys(("NOT_APPLICABLE", "not_applicable", "not_running", "not_enabled", "skipped", "planned", "approved", "undone"), "na"),
}


Link: TypeAlias = Callable[[Mapping[str, Any]], str]
"""a row -> where its cell leads, or "" """


@dataclass(frozen=True)
class Cell:
    """Text from the world (escaped by the template), how it is shown, where it leads, and what it is sorted by where that is not the text."""

    text: str
    tone: str = ""
    link: str = ""
    key: str = ""


@dataclass(frozen=True)
class Block:
    """A table on the page, and where the rest of its rows is."""

    title: str
    heads: tuple[Cell, ...]
    rows: list[list[Cell]]
    more: int
    file: str
    empty: str


@dataclass(frozen=True)
class Shown:
    """A column on the page: its head, where it comes from, its width class ("" or a tone looked up by value), and where its cells lead."""

    head: str
    column: str
    look: str = ""
    link: Link | None = None


def write(folder: Path, view: View) -> None:
    """report.html below the folder."""
    (folder / view.file("report.html")).write_text(render(view), encoding="utf-8", newline="\n")


def render(view: View) -> str:
    """The page as text. Everything from the world is escaped by the template engine."""
    said = view.language
    style, script = _template("report.css"), _template("report.js")
    return (
        _environment(said)
        .get_template("report.html.j2")
        .render(
            view=view,
            lang=said.code,
            headline=headline(view),
            reach=reach(view),
            statuses=[status.value for status in STATUSES],
            status_words={status.value: status_word(said, status.value) for status in STATUSES},
            control_words={status: status_word(said, status) for status in CONTROL_STATUSES},
            tones=TONES,
            style=Markup(style),  # noqa: S704  # our own file
            script=Markup(script),  # noqa: S704  # our own file
            hashes={"style": _digest(style), "script": _digest(script)},
            unread_count=sum(view.by_scope_state()[state] for state in ("denied", "unavailable")),
            blocks=_blocks(view),
            heat=heat_map(view),
            controls=_controls(view),
            funnel=_funnel(view),
            direction=direction(view),
            overdue=len(view.overdue()),
            ending=len(view.exceptions_due(SOON)),
            soon=SOON,
            trend=chart(view.trend()),
        )
    )


def _digest(text: str) -> str:
    """As a content security policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment(said: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_template),
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(said.translations.gettext, said.translations.ngettext, newstyle=True)  # type: ignore[attr-defined]
    filters: dict[str, Callable[..., Any]] = {
        "iso": iso,
        "moment": said.moment,
        "number": said.number,
        "words": said.words,
        "title": said.title,
        "reason": said.reason,
        "sentence": lambda text: _sentence(said.reason(text)),
    }
    environment.filters.update(filters)
    return environment


def status_word(said: Language, status: str) -> str:
    """FAIL -> Fail, Nicht erfüllt."""
    return _sentence(said.words(status.lower()))


def _sentence(text: str) -> str:
    """A text that begins as a sentence does."""
    return text[:1].upper() + text[1:]


def _blocks(view: View) -> dict[str, Block]:
    _ = view.language.gettext
    scopes = view.scopes.groupby(["source", "state"], observed=True).agg(
        scopes=("account", "size"), rows=("rows", "sum"), calls=("calls", "sum"), retries=("retries", "sum")
    )
    return {
        "first": _block(
            view,
            _("What to fix first"),
            reading_order.first(view),
            (
                Shown(_("Severity"), "severity", "severity"),
                Shown(_("Check"), "check_id"),
                Shown(_("Resource"), "resource", "id", _to("resource")),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("Due"), "due"),
                Shown(_("Days"), "age_days", "n"),
                Shown(_("Owner"), "owner", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "results.csv",
            _("No check failed."),
        ),
        "exposure": _block(
            view,
            _("Where it burns"),
            exposure(view),
            (
                Shown(_("Host"), "instance_id", "code", _to("instance_id")),
                Shown(_("Name"), "name", "list"),
                Shown(_("Protection"), "protection", "tone"),
                Shown(_("Worst"), "worst", "severity"),
                Shown(_("Open"), "open", "n"),
                Shown(_("Exploit known"), "exploits", "n"),
                Shown(_("Rule to assign"), "assignable", "n"),
                Shown(_("From the internet"), "reach", "tone"),
                Shown(_("Oldest, days"), "oldest_days", "n"),
                Shown(_("Owner"), "owner", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "virtual_patches.csv",
            _("No host that was read has an open package vulnerability."),
        ),
        "changes": _block(
            view,
            _("Changed since the last run"),
            view.changes(),
            (
                Shown(_("Change"), "change", "tone"),
                Shown(_("Because of"), "cause", "tone"),
                Shown(_("Severity"), "severity", "severity"),
                Shown(_("Check"), "check_id"),
                Shown(_("Resource"), "resource", "id", _to("resource")),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("Was"), "was", "tone"),
                Shown(_("Now"), "now", "tone"),
                Shown(_("Owner"), "owner", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "tables/changes.parquet",
            _("Nothing changed."),
        ),
        "actions": _block(
            view,
            _("Actions"),
            reading_order.actions(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Severity"), "severity", "severity"),
                Shown(_("Action"), "action"),
                Shown(_("Target"), "target", "id", _to("target")),
                Shown(_("Account or tenant"), "account"),
                Shown(_("Region"), "region"),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("What came of it"), "error", "reason"),
            ),
            "actions.jsonl",
            _("Nothing asks for an action, or all actions are off."),
        ),
        "instances": _block(
            view,
            _("Instances that are not protected"),
            reading_order.unprotected(view),
            (
                Shown(_("Protection"), "protection", "tone"),
                Shown(_("Instance"), "instance_id", "code", _to("instance_id")),
                Shown(_("Name"), "name", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
                Shown(_("Power"), "state"),
                Shown(_("Owner"), "owner", "list"),
                Shown(_("WP computer"), "computer_id", "code"),
                Shown(_("Policy"), "policy", "list"),
                Shown(_("Last contact"), "last_contact"),
                Shown(_("Agent says"), "agent_messages", "list"),
            ),
            "instances.csv",
            _("No instance that was read lacks protection."),
        ),
        "patches": _block(
            view,
            _("Open virtual patches"),
            reading_order.open_patches(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Severity"), "severity", "severity"),
                Shown(_("CVE"), "cve", link=_to("finding_arn")),
                Shown(_("Host"), "instance_id", "code", _to("instance_id")),
                Shown(_("Patch outstanding, days"), "age_days", "n"),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("IPS rules"), "rule_identifiers", "list"),
                Shown(_("Policy"), "policy", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "virtual_patches.csv",
            _("No open package finding that was read lacks an effective rule."),
        ),
        "buckets": _block(
            view,
            _("Bucket access"),
            reading_order.paths(view),
            (
                Shown(_("Decision"), "decision", "tone"),
                Shown(_("Bucket"), "bucket", "id", _to("bucket")),
                Shown(_("Role"), "role_arn", "id", _to("role_arn")),
                Shown(_("Instance"), "instance_id", "code", _to("instance_id", "instance_region")),
                Shown(_("Via"), "via", "tone"),
                Shown(_("Protection"), "protection", "tone"),
                Shown(_("Because of"), "allowed_by", "reason"),
            ),
            "bucket_access.csv",
            _("No alerted bucket can be reached by a role that was read."),
        ),
        "web": _block(
            view,
            _("Web entries"),
            reading_order.entries(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Type"), "type"),
                Shown(_("Entry"), "entry", "id", _entry),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("Wanted"), "wanted_groups", "id"),
                Shown(_("Present"), "present_groups", "id"),
                Shown(_("Web ACL"), "web_acl", "id", _to("web_acl")),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "web_entries.csv",
            _("No distribution and no load balancer was found where it was looked for."),
        ),
        "exceptions": _block(
            view,
            _("Exceptions"),
            reading_order.exceptions(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Last day"), "expires", "day"),
                Shown(_("Days left"), "days_left", "n"),
                Shown(_("Check"), "check"),
                Shown(_("Resource"), "resource", "exact"),
                Shown(_("Why"), "reason", "wide"),
                Shown(_("Carries the risk"), "owner", "list"),
                Shown(_("Approved by"), "approved_by", "list"),
                Shown(_("Ticket"), "ticket", "list"),
            ),
            "tables/exceptions.parquet",
            _("The schedule has no exception."),
        ),
        "mails": _block(
            view,
            _("What the run before sent"),
            reading_order.mails(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Recipient"), "recipient", "id"),
                Shown(_("Run"), "run"),
                Shown(_("What happened"), "message", "reason"),
            ),
            "tables/deliveries.parquet",
            _("The run before sent nothing: no mail, no finding, and its pack was stored nowhere else."),
        ),
        "unseen": _block(
            view,
            _("Scopes that were not read"),
            reading_order.unread(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Source"), "source"),
                Shown(_("Account or tenant"), "account"),
                Shown(_("Region"), "region", "list"),
                Shown(_("What happened"), "message", "reason"),
                Shown(_("Grant"), "permission", "id"),
            ),
            "scopes.csv",
            _("Every planned scope was read to its end."),
        ),
        "scopes": _block(
            view,
            _("Scopes by source"),
            scopes.reset_index(),
            (
                Shown(_("Source"), "source"),
                Shown(_("State"), "state", "tone"),
                Shown(_("Scopes"), "scopes", "n"),
                Shown(_("Rows"), "rows", "n"),
                Shown(_("Calls"), "calls", "n"),
                Shown(_("Retries"), "retries", "n"),
            ),
            "scopes.csv",
            _("Nothing was planned."),
        ),
    }


def _funnel(view: View) -> dict[str, int]:
    """Open package vulnerabilities on hosts -> those an exact rule exists for -> assigned -> prevented: each a part of the one before."""
    counts = view.by_patch_state()
    prevented = counts["prevented"]
    assigned = prevented + counts["detect_only"] + counts["assigned_not_effective"]
    return {
        "on_hosts": sum(counts.values()) - counts["not_running"],
        "rule_exists": assigned + counts["available"],
        "assigned": assigned,
        "prevented": prevented,
    }


def _controls(view: View) -> list[tuple[str, Block]]:
    """One table for each framework, what fails and what has no evidence first."""
    said, _ = view.language, view.language.gettext
    controls = view.controls()
    rank = controls["status"].map({status: place for place, status in enumerate(CONTROL_STATUSES)})
    rows = controls.assign(
        rank=rank,
        title=[said.pgettext("control", title) for title in controls["title"]],
        confidence=[said.words(word) for word in controls["confidence"]],
    ).sort_values("rank", kind="stable")
    shown = (
        Shown(_("Status"), "status", "tone"),
        Shown(_("Control"), "control_id", "code"),
        Shown(_("What it is about"), "title", "wide"),
        Shown(_("Checks"), "checks", "list"),
        Shown(_("Confidence"), "confidence"),
        Shown(_("Fail"), "failing", "n"),
        Shown(_("Unknown"), "unknown", "n"),
    )
    named = {name: rows[rows["framework"] == name] for name in view.by_framework()}
    return [(name, _block(view, legible(name), frame, shown, "controls.csv", "")) for name, frame in named.items()]


def _to(named: str, region: str = "region") -> Link:
    """To where the console shows what a column names."""
    return lambda row: address(row[named], row[region])


def _entry(row: Mapping[str, Any]) -> str:
    """To where the console shows a web entry: a classic load balancer has a name alone."""
    return address(row["entry"], row["region"]) or classic_load_balancer(row["entry"], row["region"])


def _block(view: View, title: str, frame: pd.DataFrame, shown: Iterable[Shown], file: str, empty: str) -> Block:
    shown = tuple(shown)
    top = frame.head(ROWS)
    columns = [list(_cells(view, top, column)) for column in shown]
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return Block(title, tuple(Cell(column.head, "n" if column.look == "n" else "") for column in shown), rows, max(0, len(frame) - ROWS), file, empty)


def _cells(view: View, rows: pd.DataFrame, column: Shown) -> Iterator[Cell]:
    """Cells of a column. Where it was not AWS itself that was asked, none leads to its console."""
    links = repeat("") if view.endpoint_override or column.link is None else map(column.link, rows.to_dict("records"))
    for value, link in zip(rows[column.column], links, strict=False):
        yield replace(_cell(view.language, value, column.look), link=link)


def _reason(said: Language, text: str) -> str:
    """A sentence as people of the language read it; instants that its form does not name are written as all others on the page."""
    return _INSTANT.sub(lambda found: _instant(said, found[0]), said.reason(text))


def _instant(said: Language, text: str) -> str:
    try:
        return f"{said.instant(parse(text))} UTC"
    except ValueError:  # words of the world that only look like one
        return text


def _cell(said: Language, value: Any, look: str) -> Cell:
    key = ""
    if isinstance(value, tuple | list) and value:
        text = ", ".join(str(item) for item in value[:5])
        if len(value) > 5:
            text = said.gettext("%(items)s and %(count)s more", items=text, count=said.number(len(value) - 5))
    elif isinstance(value, tuple | list) or pd.isna(value):
        return Cell("\N{EN DASH}", "na")
    elif isinstance(value, datetime):
        text, key = said.instant(value), iso(value)
    elif look == "day":
        text, key = (said.day(value) if last_day(value) else value), value
    elif look == "n":
        text, key = said.number(value), str(value)
    else:
        text = _reason(said, str(value)) if look == "reason" else str(value)
    if look == "id" and (arn := _ARN.fullmatch(text)):
        text = said.gettext("the account") if arn[2] == "root" else f"{arn[1]}:{arn[2]}"  # account and region have columns of their own
    text = legible(text)
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    if look == "tone":
        return Cell(status_word(said, text) if text.isupper() else said.words(text), TONES.get(text, ""))
    if look == "severity":
        return Cell(text, "", key=str(SEVERITIES.index(text)) if text in SEVERITIES else "")
    return Cell(text, {"reason": "wide", "day": "", "exact": "id"}.get(look, look), key=key)


def _template(name: str) -> str:
    return files("reporter.templates").joinpath("html", name).read_text(encoding="utf-8")


REPORT = Report("page", "report.html: one page, no network", write, localised=True)
