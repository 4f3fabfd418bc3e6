"""report.html: one self-contained page, no network, no script. Top rows only; the rest is in the workbook and the CSV files."""

from __future__ import annotations

import base64
import hashlib
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
from reporter.core.scope import GLOBAL, TENANT_REGION
from reporter.core.text import legible
from reporter.core.wording import counted, number, words
from reporter.reports.view import ACTION_STATES, Report, View
from reporter.tables.joined import ACTIONS, BUCKET_ACCESS, INSTANCES, VIRTUAL_PATCHES, WEB_ENTRIES

ROWS = 50
"""rows of a table on the page"""
LONGEST_CELL = 300

WORDS = {"PASS": "Pass", "FAIL": "Fail", "UNKNOWN": "Unknown", "WAIVED": "Waived", "NOT_APPLICABLE": "Not applicable"}

TONES = {
    **dict.fromkeys(("FAIL", "unmanaged", "inactive", "offline", "no_policy", "unprotected", "missing_acl", "missing_rules"), "fail"),
    **dict.fromkeys(("available", "generic_only", "no_rule", "allowed", "denied", "failed"), "fail"),
    **dict.fromkeys(("UNKNOWN", "unknown", "conditional", "unavailable", "detect_only", "assigned_not_effective", "count_only"), "unknown"),
    **dict.fromkeys(("pending", "applied"), "unknown"),
    **dict.fromkeys(("PASS", "protected", "prevented", "covered", "ok", "verified"), "pass"),
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
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=jinja2.FunctionLoader(_template)
    )
    filters: dict[str, Callable[..., Any]] = {"instant": iso, "moment": _moment, "number": number, "words": words, "counted": counted}
    environment.filters.update(filters)
    style = _template("report.css")
    return environment.get_template("report.html.j2").render(
        view=view,
        headline=_headline(view),
        reach=_reach(view),
        status_words=WORDS,
        tones=TONES,
        style=Markup(style),  # noqa: S704  # our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        unread_count=sum(view.by_scope_state()[state] for state in ("denied", "unavailable")),
        blocks=_blocks(view),
    )


def _blocks(view: View) -> dict[str, Block]:
    scopes = view.scopes.groupby(["source", "state"], observed=True).agg(
        scopes=("account", "size"), rows=("rows", "sum"), calls=("calls", "sum"), retries=("retries", "sum")
    )
    instances = view.table(INSTANCES)
    return {
        "first": _block(
            "What to fix first",
            view.failures(),
            (
                Shown("Severity", "severity"),
                Shown("Check", "check_id"),
                Shown("Resource", "resource", "id"),
                Shown("Account", "account"),
                Shown("Region", "region"),
                Shown("Why", "reason", "wide"),
                Shown("Owner", "owner", "list"),
                Shown("Days", "age_days", "n"),
            ),
            "results.csv",
            "No check failed.",
        ),
        "actions": _block(
            "Actions",
            _actions(view),
            (
                Shown("State", "state", "tone"),
                Shown("Severity", "severity"),
                Shown("Action", "action"),
                Shown("Target", "target", "id"),
                Shown("Account or tenant", "account"),
                Shown("Region", "region"),
                Shown("Why", "reason", "wide"),
                Shown("What came of it", "error", "wide"),
            ),
            "actions.jsonl",
            "Nothing asks for an action, or all actions are off.",
        ),
        "instances": _block(
            "Instances that are not protected",
            instances[instances["protection"] != "protected"],
            (
                Shown("Protection", "protection", "tone"),
                Shown("Instance", "instance_id", "code"),
                Shown("Name", "name", "list"),
                Shown("Account", "account"),
                Shown("Region", "region"),
                Shown("Power", "state"),
                Shown("Owner", "owner", "list"),
                Shown("Policy", "policy", "list"),
                Shown("Last contact", "last_contact"),
                Shown("Agent says", "agent_messages", "list"),
            ),
            "instances.csv",
            "No instance that was read lacks protection.",
        ),
        "patches": _block(
            "Open virtual patches",
            _open_patches(view),
            (
                Shown("State", "state", "tone"),
                Shown("Severity", "severity"),
                Shown("CVE", "cve"),
                Shown("Host", "instance_id", "code"),
                Shown("Patch outstanding, days", "age_days", "n"),
                Shown("Why", "reason", "wide"),
                Shown("IPS rules", "rule_identifiers", "list"),
                Shown("Policy", "policy", "list"),
                Shown("Account", "account"),
                Shown("Region", "region"),
            ),
            "virtual_patches.csv",
            "No open package finding that was read lacks an effective rule.",
        ),
        "buckets": _block(
            "Bucket access",
            _paths(view),
            (
                Shown("Decision", "decision", "tone"),
                Shown("Bucket", "bucket", "id"),
                Shown("Role", "role_arn", "id"),
                Shown("Instance", "instance_id", "code"),
                Shown("Via", "via"),
                Shown("Protection", "protection", "tone"),
                Shown("Because of", "allowed_by", "wide"),
            ),
            "bucket_access.csv",
            "No alerted bucket can be reached by a role that was read.",
        ),
        "web": _block(
            "Web entries",
            _entries(view),
            (
                Shown("State", "state", "tone"),
                Shown("Type", "type"),
                Shown("Entry", "entry", "id"),
                Shown("Why", "reason", "wide"),
                Shown("Wanted", "wanted_groups", "id"),
                Shown("Present", "present_groups", "id"),
                Shown("Web ACL", "web_acl", "id"),
                Shown("Account", "account"),
                Shown("Region", "region"),
            ),
            "web_entries.csv",
            "No distribution and no load balancer was found where it was looked for.",
        ),
        "unseen": _block(
            "Scopes that were not read",
            view.unread(),
            (
                Shown("State", "state", "tone"),
                Shown("Source", "source"),
                Shown("Account or tenant", "account"),
                Shown("Region", "region"),
                Shown("What happened", "message", "wide"),
                Shown("Grant", "permission", "id"),
            ),
            "scopes.csv",
            "Every planned scope was read to its end.",
        ),
        "scopes": _block(
            "Scopes by source",
            scopes.reset_index(),
            (
                Shown("Source", "source"),
                Shown("State", "state", "tone"),
                Shown("Scopes", "scopes", "n"),
                Shown("Rows", "rows", "n"),
                Shown("Calls", "calls", "n"),
                Shown("Retries", "retries", "n"),
            ),
            "scopes.csv",
            "Nothing was planned.",
        ),
    }


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


def _block(title: str, frame: pd.DataFrame, shown: Iterable[Shown], file: str, empty: str) -> Block:
    shown = tuple(shown)
    top = frame.head(ROWS)
    columns = [[_cell(value, column.look) for value in top[column.column]] for column in shown]
    rows = [list(cells) for cells in zip(*columns, strict=True)]
    return Block(title, tuple(Cell(column.head, "n" if column.look == "n" else "") for column in shown), rows, max(0, len(frame) - ROWS), file, empty)


def _cell(value: Any, look: str) -> Cell:
    if isinstance(value, tuple | list) and value:
        text = ", ".join(str(item) for item in value[:5]) + (f" and {len(value) - 5} more" if len(value) > 5 else "")
    elif isinstance(value, tuple | list) or pd.isna(value):
        return Cell("\N{EN DASH}", "na")
    elif isinstance(value, datetime):
        text = f"{value:%Y-%m-%d %H:%M}"
    elif look == "n":
        text = number(value)
    else:
        text = str(value)
    text = legible(text)
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    return Cell(words(text), TONES.get(text, "")) if look == "tone" else Cell(text, look)


def _headline(view: View) -> dict[str, str]:
    status, protection = view.by_status(), view.by_protection()
    instances = sum(protection.values())
    unread = view.by_scope_state()["denied"] + view.by_scope_state()["unavailable"]
    patches = view.by_patch_state()
    hosted = sum(patches.values()) - patches["not_running"]
    title = f"{number(protection['protected'])} of {counted(instances, 'instance is', 'instances are')} protected"
    text = f"{counted(status['FAIL'], 'result fails', 'results fail')} and {counted(status['UNKNOWN'], 'is', 'are')} unknown. "
    found, shielded = counted(hosted, "open package vulnerability", "open package vulnerabilities"), counted(patches["prevented"], "is", "are")
    text += f"Of {found} on hosts, {shielded} shielded by an effective IPS rule"
    text += f" and {number(patches['available'])} more could be: the rule exists but is not assigned." if patches["available"] else "."
    if unread:
        text += f" {number(unread)} of {counted(len(view.scopes), 'scope', 'scopes')} could not be read."
    return {"title": title, "text": text}


def _reach(view: View) -> dict[str, int]:
    aws = view.scopes[view.scopes["region"] != TENANT_REGION]
    read = aws[aws["state"] != "skipped"]
    return {"accounts": int(read["account"].nunique()), "regions": int(read.loc[read["region"] != GLOBAL, "region"].nunique())}


def _moment(instant: datetime) -> str:
    return f"{instant:%d %B %Y, %H:%M} UTC".lstrip("0")


def _template(name: str) -> str:
    return files("reporter.templates").joinpath("html", name).read_text(encoding="utf-8")


REPORT = Report("page", "report.html: one page, no network", write, localised=True)
