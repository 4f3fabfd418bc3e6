"""Has each way in from the internet a web ACL, and do the managed rule groups in it match what the policies behind it defend against?

Why: intrusion prevention rules for web servers say that web servers run behind this entry; a web ACL with the matching managed rule group
stops the same attacks before they reach a machine.

Limits: classic load balancers cannot carry a web ACL and are as bad as the worst distribution before them; who calls such a load balancer past its
distributions is not seen. Network load balancers can carry none and are not judged. A group that only counts never passes. Which version of a
group is pinned, and whether a vendor has a newer one, is not judged.

Source: CloudFront distributions, load balancers, WAFv2 web ACLs and their associations; application types of the intrusion prevention rules.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import Check, Need
from reporter.core.reading import unread
from reporter.core.result import Severity, Status
from reporter.core.scope import GLOBAL
from reporter.core.verdicts import Case, first_case, verdicts, words
from reporter.core.world import World
from reporter.tables.joined import WEB_ENTRIES

_TYPES = ("cloudfront", "alb", "classic_elb")
_BEHIND = (Need("elb"), Need("ec2"), Need("ecs"))
_COVERED = ("covered", "count_only", "missing_rules")


def associated(world: World) -> pd.DataFrame:
    """One row per distribution, application and classic load balancer."""
    entries = _entries(world)
    state, why = entries["state"], words(entries["reason"])
    cases: list[Case] = [
        *_unseen(world, entries),
        (state == "missing_acl", Status.FAIL, why),
        (state.isin(_COVERED), Status.PASS, "a web ACL stands before it: " + words(entries["web_acl"])),
        (state == "not_applicable", Status.NOT_APPLICABLE, why),
        (state == "unknown", Status.UNKNOWN, why),
    ]
    status, reason = first_case(entries, cases)
    observed = words(entries["web_acl"]).replace("", "no web ACL")
    return verdicts(entries, resource="entry", status=status, reason=reason, observed=observed, expected="a web ACL")


def matching(world: World) -> pd.DataFrame:
    """One row per distribution, application and classic load balancer."""
    entries = _entries(world)
    state, why = entries["state"], words(entries["reason"])
    wanted, present = (entries[name].map("; ".join).astype("object") for name in ("wanted_groups", "present_groups"))
    cases: list[Case] = [
        *_unseen(world, entries),
        (state.isin(["missing_acl", "missing_rules", "count_only"]), Status.FAIL, why),
        ((state == "covered") & (wanted == ""), Status.NOT_APPLICABLE, why),
        (state == "covered", Status.PASS, why),
        (state == "not_applicable", Status.NOT_APPLICABLE, why),
        (state == "unknown", Status.UNKNOWN, why),
    ]
    status, reason = first_case(entries, cases)
    sets = entries["wanted_sets"].map(", ".join).astype("object")
    unnamed = pd.Series("no managed rule group", index=entries.index, dtype="object")
    unnamed = unnamed.mask(state == "missing_acl", "a web ACL").mask(state == "missing_rules", "a managed rule group for " + sets)
    observed = present.mask(present == "", "no managed rule group").mask(state == "unknown", "")
    return verdicts(
        entries,
        resource="entry",
        status=status,
        reason=reason,
        observed=observed,
        expected=wanted.where(wanted != "", unnamed),
    )


def _entries(world: World) -> pd.DataFrame:
    entries = world.table(WEB_ENTRIES)
    return entries.loc[entries["type"].isin(_TYPES)].reset_index(drop=True)


def _unseen(world: World, entries: pd.DataFrame) -> list[Case]:
    """Entries about which not even "not applicable" may be said: what is behind them, or the distributions before them, was not read."""
    places = entries[["account", "region"]].drop_duplicates().itertuples(index=False, name=None)
    behind = {place: unread(world, _BEHIND, *place) for place in places}
    before = {account: unread(world, [Need("cloudfront")], account, GLOBAL) for account in sorted(entries["account"].unique())}
    keys = list(zip(entries["account"], entries["region"], strict=True))
    hidden_behind = pd.Series([behind[key] for key in keys], index=entries.index, dtype="object")
    hidden_before = pd.Series([before[account] for account, _ in keys], index=entries.index, dtype="object")
    covered = (entries["type"] == "classic_elb") & (entries["state"] == "covered")  # what one leaves open stays open, whatever is hidden
    internal = entries["internet_facing"].eq(other=False)
    nothing_behind = (entries["state"] == "not_applicable") & (~internal | (entries["type"] == "cloudfront"))
    return [
        (covered & (hidden_before != ""), Status.UNKNOWN, "a distribution before it may not be known: " + hidden_before),
        (nothing_behind & (hidden_behind != ""), Status.UNKNOWN, "what is behind it is not known: " + hidden_behind),
    ]


CHECKS = (
    Check(
        id="web_acl_associated",
        title="Internet-facing load balancer / CloudFront has WAF",
        severity=Severity.HIGH,
        population=("elb", "cloudfront"),
        needs=(Need("waf"),),
        judge=associated,
    ),
    Check(
        id="managed_rules_match",
        title="Required managed rule groups active (block)",
        severity=Severity.MEDIUM,
        population=("elb", "cloudfront"),
        needs=(Need("waf"), *_BEHIND, Need("wp_computers"), Need("wp_policies"), Need("wp_rules")),
        judge=matching,
    ),
)
