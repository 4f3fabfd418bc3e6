"""report.html: one self-contained page, no network, no script. Top rows only; the rest is in the workbook and the CSV files."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from reporter.core.clock import iso
from reporter.core.language import Language
from reporter.core.result import Status
from reporter.core.scope import GLOBAL, TENANT_REGION
from reporter.core.text import legible
from reporter.reports.exposure import exposure
from reporter.reports.heat import heat_map
from reporter.reports.trend import chart
from reporter.reports.view import ACTION_STATES, CONTROL_STATUSES, Report, View
from reporter.tables.deliveries import DELIVERIES
from reporter.tables.joined import ACTIONS, BUCKET_ACCESS, INSTANCES, VIRTUAL_PATCHES, WEB_ENTRIES

ROWS = 50
"""rows of a table on the page"""
LONGEST_CELL = 300
FEW = 8
"""failures of one check before those of others have had their turn"""
_ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:\d*:(.+)")

STATUSES = (Status.FAIL, Status.UNKNOWN, Status.WAIVED, Status.PASS, Status.NOT_APPLICABLE)

TONES = {
    **dict.fromkeys(("FAIL", "unmanaged", "inactive", "offline", "no_policy", "unprotected", "missing_acl", "missing_rules"), "fail"),
    **dict.fromkeys(("available", "generic_only", "no_rule", "allowed", "denied", "failed", "open", "refused", "not_sent"), "fail"),
    **dict.fromkeys(("new", "reopened", "waiver_expired"), "fail"),
    **dict.fromkeys(("NO_AUTOMATED_EVIDENCE",), "fail"),
    **dict.fromkeys(("newly_unknown", "gone"), "unknown"),
    **dict.fromkeys(("fixed", "known_again"), "pass"),
    **dict.fromkeys(("newly_waived",), "waived"),
    **dict.fromkeys(("UNKNOWN", "unknown", "conditional", "unavailable", "detect_only", "assigned_not_effective", "count_only"), "unknown"),
    **dict.fromkeys(("pending", "applied"), "unknown"),
    **dict.fromkeys(("PASS", "protected", "prevented", "covered", "ok", "verified", "sent"), "pass"),
    **dict.fromkeys(("WAIVED",), "waived"),
    **dict.fromkeys(("NOT_APPLICABLE", "not_applicable", "not_running", "not_enabled", "skipped", "planned", "approved", "undone"), "na"),
}

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "UNTRIAGED", "LOW", "INFORMATIONAL")
ENTRIES_WORST_FIRST = ("missing_acl", "missing_rules", "count_only", "unknown", "covered", "not_applicable")
OPEN_PATCHES = ("unprotected", "no_rule", "generic_only", "available", "assigned_not_effective", "detect_only", "unknown")


@dataclass(frozen=True)
class Cell:
    """Text from the world (escaped by the template) and how it is shown."""

    text: str
    tone: str = ""


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
    """A column on the page: its head, where it comes from, and its width class ("" or a tone looked up by value)."""

    head: str
    column: str
    look: str = ""


def write(folder: Path, view: View) -> None:
    """report.html below the folder."""
    (folder / view.file("report.html")).write_text(render(view), encoding="utf-8", newline="\n")


def render(view: View) -> str:
    """The page as text. Everything from the world is escaped by the template engine."""
    said = view.language
    style = _template("report.css")
    return (
        _environment(said)
        .get_template("report.html.j2")
        .render(
            view=view,
            lang=said.code,
            headline=_headline(view),
            reach=_reach(view),
            statuses=[status.value for status in STATUSES],
            status_words={status.value: status_word(said, status.value) for status in STATUSES},
            tones=TONES,
            style=Markup(style),  # noqa: S704  # our own file
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            unread_count=sum(view.by_scope_state()[state] for state in ("denied", "unavailable")),
            blocks=_blocks(view),
            heat=heat_map(view),
            controls=_controls(view),
            funnel=_funnel(view),
            direction=_direction(view),
            trend=chart(view.trend()),
        )
    )


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
    }
    environment.filters.update(filters)
    return environment


def status_word(said: Language, status: str) -> str:
    """FAIL -> Fail, Nicht erfüllt."""
    text = said.words(status.lower())
    return text[:1].upper() + text[1:]


def _blocks(view: View) -> dict[str, Block]:
    said, _ = view.language, view.language.gettext
    scopes = view.scopes.groupby(["source", "state"], observed=True).agg(
        scopes=("account", "size"), rows=("rows", "sum"), calls=("calls", "sum"), retries=("retries", "sum")
    )
    instances = view.table(INSTANCES)
    return {
        "first": _block(
            said,
            _("What to fix first"),
            _first(view),
            (
                Shown(_("Severity"), "severity"),
                Shown(_("Check"), "check_id"),
                Shown(_("Resource"), "resource", "id"),
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
            said,
            _("Where it burns"),
            exposure(view),
            (
                Shown(_("Host"), "instance_id", "code"),
                Shown(_("Name"), "name", "list"),
                Shown(_("Protection"), "protection", "tone"),
                Shown(_("Worst"), "worst"),
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
            said,
            _("Changed since the last run"),
            view.changes(),
            (
                Shown(_("Change"), "change", "tone"),
                Shown(_("Because of"), "cause", "tone"),
                Shown(_("Severity"), "severity"),
                Shown(_("Check"), "check_id"),
                Shown(_("Resource"), "resource", "id"),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("Was"), "was"),
                Shown(_("Now"), "now"),
                Shown(_("Owner"), "owner", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "tables/changes.parquet",
            _("Nothing changed."),
        ),
        "actions": _block(
            said,
            _("Actions"),
            _actions(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Severity"), "severity"),
                Shown(_("Action"), "action"),
                Shown(_("Target"), "target", "id"),
                Shown(_("Account or tenant"), "account"),
                Shown(_("Region"), "region"),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("What came of it"), "error", "reason"),
            ),
            "actions.jsonl",
            _("Nothing asks for an action, or all actions are off."),
        ),
        "instances": _block(
            said,
            _("Instances that are not protected"),
            instances[instances["protection"] != "protected"],
            (
                Shown(_("Protection"), "protection", "tone"),
                Shown(_("Instance"), "instance_id", "code"),
                Shown(_("Name"), "name", "list"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
                Shown(_("Power"), "state"),
                Shown(_("Owner"), "owner", "list"),
                Shown(_("Policy"), "policy", "list"),
                Shown(_("Last contact"), "last_contact"),
                Shown(_("Agent says"), "agent_messages", "list"),
            ),
            "instances.csv",
            _("No instance that was read lacks protection."),
        ),
        "patches": _block(
            said,
            _("Open virtual patches"),
            _open_patches(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Severity"), "severity"),
                Shown(_("CVE"), "cve"),
                Shown(_("Host"), "instance_id", "code"),
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
            said,
            _("Bucket access"),
            _paths(view),
            (
                Shown(_("Decision"), "decision", "tone"),
                Shown(_("Bucket"), "bucket", "id"),
                Shown(_("Role"), "role_arn", "id"),
                Shown(_("Instance"), "instance_id", "code"),
                Shown(_("Via"), "via"),
                Shown(_("Protection"), "protection", "tone"),
                Shown(_("Because of"), "allowed_by", "reason"),
            ),
            "bucket_access.csv",
            _("No alerted bucket can be reached by a role that was read."),
        ),
        "web": _block(
            said,
            _("Web entries"),
            _entries(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Type"), "type"),
                Shown(_("Entry"), "entry", "id"),
                Shown(_("Why"), "reason", "reason"),
                Shown(_("Wanted"), "wanted_groups", "id"),
                Shown(_("Present"), "present_groups", "id"),
                Shown(_("Web ACL"), "web_acl", "id"),
                Shown(_("Account"), "account"),
                Shown(_("Region"), "region"),
            ),
            "web_entries.csv",
            _("No distribution and no load balancer was found where it was looked for."),
        ),
        "mails": _block(
            said,
            _("Mails of the run before"),
            _mails(view),
            (
                Shown(_("State"), "state", "tone"),
                Shown(_("Recipient"), "recipient", "id"),
                Shown(_("Run"), "run"),
                Shown(_("What happened"), "message", "wide"),
            ),
            "tables/deliveries.parquet",
            _("The run before mailed its report to nobody."),
        ),
        "unseen": _block(
            said,
            _("Scopes that were not read"),
            _unread(view),
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
            said,
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


def _first(view: View) -> pd.DataFrame:
    """Failures, worst and oldest first; those of one check do not push all others off the page: after its first few it waits for the others."""
    rows = view.failures()
    late = rows.groupby("check_id", observed=True, sort=False).cumcount() >= FEW
    return pd.concat([rows[~late], rows[late]], ignore_index=True)


def _mails(view: View) -> pd.DataFrame:
    """What was not sent first."""
    mails = view.table(DELIVERIES)
    return mails.assign(rank=mails["state"] == "sent").sort_values(["rank", "name"], kind="stable")


def _unread(view: View) -> pd.DataFrame:
    """Scopes that were not read; regions of one account that are outside the schedule are one line."""
    rows = view.unread().astype({"region": "object"})
    outside = rows["state"] == "skipped"
    grouped = rows[outside].groupby(["account", "source", "state", "message"], dropna=False, sort=True, observed=True)
    lines = grouped.agg(region=("region", tuple), permission=("permission", "first")).reset_index()
    return pd.concat([rows[~outside], lines], ignore_index=True) if len(lines) else rows


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


def _direction(view: View) -> dict[str, int]:
    """Status -> how many more there are than in the run before; empty where there is none to compare with."""
    trend = view.trend()
    if not view.compared_with or len(trend) < 2:
        return {}
    last, now = trend.iloc[-2], trend.iloc[-1]
    names = {"FAIL": "failed", "UNKNOWN": "unknown", "WAIVED": "waived", "PASS": "passed", "NOT_APPLICABLE": "not_applicable"}
    return {status: int(now[column]) - int(last[column]) for status, column in names.items()}


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
    return [(name, _block(said, legible(name), frame, shown, "controls.csv", "")) for name, frame in named.items()]


def _actions(view: View) -> pd.DataFrame:
    """What failed or waits first, then what was done, what is proposed, and what was held back; worst first in each."""
    rows = view.table(ACTIONS)
    state = rows["state"].map({state: place for place, state in enumerate(ACTION_STATES)})
    severity = rows["severity"].map({severity: place for place, severity in enumerate(SEVERITIES)}).fillna(len(SEVERITIES))
    return rows.assign(state_rank=state, rank=severity).sort_values(["state_rank", "rank", "action", "target"], kind="stable")


def _open_patches(view: View) -> pd.DataFrame:
    patches = view.table(VIRTUAL_PATCHES)
    rows = patches[patches["state"].isin(OPEN_PATCHES)]
    rank = rows["severity"].map({severity: place for place, severity in enumerate(SEVERITIES)}).fillna(len(SEVERITIES))
    ordered = rows.assign(rank=rank).sort_values(["rank", "first_observed", "finding_arn", "instance_id", "cve"], kind="stable", na_position="last")
    return ordered.drop(columns="rank")


def _paths(view: View) -> pd.DataFrame:
    """Paths to instances first, open ones before conditional ones, those without protection at the top."""
    paths = view.table(BUCKET_ACCESS)
    rank = (paths["instance_id"].isna() * 4) + ((paths["decision"] != "allowed") * 2) + (paths["protection"] == "protected")
    return paths.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def _entries(view: View) -> pd.DataFrame:
    """Entries without a web ACL first, those that need none last."""
    entries = view.table(WEB_ENTRIES)
    rank = entries["state"].map({state: place for place, state in enumerate(ENTRIES_WORST_FIRST)})
    return entries.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def _block(said: Language, title: str, frame: pd.DataFrame, shown: Iterable[Shown], file: str, empty: str) -> Block:
    shown = tuple(shown)
    top = frame.head(ROWS)
    columns = [[_cell(said, value, column.look) for value in top[column.column]] for column in shown]
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return Block(title, tuple(Cell(column.head, "n" if column.look == "n" else "") for column in shown), rows, max(0, len(frame) - ROWS), file, empty)


def _cell(said: Language, value: Any, look: str) -> Cell:
    if isinstance(value, tuple | list) and value:
        text = ", ".join(str(item) for item in value[:5])
        if len(value) > 5:
            text = said.gettext("%(items)s and %(count)s more", items=text, count=said.number(len(value) - 5))
    elif isinstance(value, tuple | list) or pd.isna(value):
        return Cell("\N{EN DASH}", "na")
    elif isinstance(value, datetime):
        text = said.instant(value)
    elif look == "n":
        text = said.number(value)
    else:
        text = said.reason(str(value)) if look == "reason" else str(value)
    if look == "id" and (arn := _ARN.fullmatch(text)):
        text = f"{arn[1]}:{arn[2]}"  # account and region have columns of their own
    text = legible(text)
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    if look == "tone":
        return Cell(status_word(said, text) if text.isupper() else said.words(text), TONES.get(text, ""))
    return Cell(text, "wide" if look == "reason" else look)


def _headline(view: View) -> dict[str, str]:
    said, ngettext = view.language, view.language.ngettext
    status, protection, patches = view.by_status(), view.by_protection(), view.by_patch_state()
    unread = view.by_scope_state()["denied"] + view.by_scope_state()["unavailable"]
    hosted = sum(patches.values()) - patches["not_running"]
    title = ngettext(
        "%(protected)s of %(count)s instance is protected",
        "%(protected)s of %(count)s instances are protected",
        sum(protection.values()),
        protected=said.number(protection["protected"]),
    )
    sentences = [
        said.gettext(
            "%(failing)s and %(unknown)s.",
            failing=ngettext("%(count)s result fails", "%(count)s results fail", status["FAIL"]),
            unknown=ngettext("%(count)s is unknown", "%(count)s are unknown", status["UNKNOWN"]),
        )
    ]
    found = ngettext("%(count)s open package vulnerability", "%(count)s open package vulnerabilities", hosted)
    shielded = ngettext("%(count)s is shielded by an effective IPS rule", "%(count)s are shielded by an effective IPS rule", patches["prevented"])
    if patches["available"]:
        sentences.append(
            said.gettext(
                "Of %(found)s on hosts, %(shielded)s and %(more)s more could be: the rule exists but is not assigned.",
                found=found,
                shielded=shielded,
                more=said.number(patches["available"]),
            )
        )
    else:
        sentences.append(said.gettext("Of %(found)s on hosts, %(shielded)s.", found=found, shielded=shielded))
    if unread:
        sentences.append(
            ngettext(
                "%(unread)s of %(count)s scope could not be read.",
                "%(unread)s of %(count)s scopes could not be read.",
                len(view.scopes),
                unread=said.number(unread),
            )
        )
    return {"title": title, "text": " ".join(sentences)}


def _reach(view: View) -> dict[str, int]:
    aws = view.scopes[view.scopes["region"] != TENANT_REGION]
    read = aws[aws["state"] != "skipped"]
    return {"accounts": int(read["account"].nunique()), "regions": int(read.loc[read["region"] != GLOBAL, "region"].nunique())}


def _template(name: str) -> str:
    return files("reporter.templates").joinpath("html", name).read_text(encoding="utf-8")


REPORT = Report("page", "report.html: one page, no network", write, localised=True)
