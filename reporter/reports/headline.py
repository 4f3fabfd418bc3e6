"""The first lines of a report: what is protected, how much fails and how much is unknown, and whether it is better or worse than last time."""

from __future__ import annotations

from reporter.core.scope import GLOBAL, TENANT_REGION
from reporter.reports.view import View


def headline(view: View) -> dict[str, str]:
    """`title`: how many are protected; `text`: the sentences below it."""
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
        *_before(view),
        said.gettext(
            "%(failing)s and %(unknown)s.",
            failing=ngettext("%(count)s result fails", "%(count)s results fail", status["FAIL"]),
            unknown=ngettext("%(count)s is unknown", "%(count)s are unknown", status["UNKNOWN"]),
        ),
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


def _before(view: View) -> list[str]:
    """How many were protected in the run before."""
    trend = view.trend()
    if not view.compared_with or len(trend) < 2:
        return []
    protected, count = (view.language.number(trend.iloc[-2][name]) for name in ("protected", "instances"))
    return [view.language.gettext("In the last run: %(protected)s of %(count)s.", protected=protected, count=count)]


def reach(view: View) -> dict[str, int]:
    """Accounts and regions that were looked at."""
    aws = view.scopes[view.scopes["region"] != TENANT_REGION]
    read = aws[aws["state"] != "skipped"]
    return {"accounts": int(read["account"].nunique()), "regions": int(read.loc[read["region"] != GLOBAL, "region"].nunique())}


def direction(view: View) -> dict[str, int]:
    """Status -> how many more there are than in the run before; empty where there is none to compare with."""
    trend = view.trend()
    if not view.compared_with or len(trend) < 2:
        return {}
    last, now = trend.iloc[-2], trend.iloc[-1]
    names = {"FAIL": "failed", "UNKNOWN": "unknown", "WAIVED": "waived", "PASS": "passed", "NOT_APPLICABLE": "not_applicable"}
    return {status: int(now[column]) - int(last[column]) for status, column in names.items()}
