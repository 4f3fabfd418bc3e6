"""A recommendation scan of protected instances that a GuardDuty finding names, or that can reach a bucket with a Macie alert.

The scan finds out which IPS rules the software on the computer needs; assigning them is another action (recommendation_results). It cannot be
undone: it changes nothing but its own date and result.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from reporter.actions import scans
from reporter.actions.rules import VIEW, path
from reporter.actions.scans import Scan, Seen, date
from reporter.clients.hand import Hand
from reporter.core.action import Action
from reporter.core.change import Json

NAME = "recommendation_scan"


def _against(row: Any) -> str:
    if row.last_recommendation_scan is None and row.recommendation_status not in ("none", "valid", "out-of-date"):
        return "Workload Protection does not say whether it was ever scanned for recommendations"
    return ""


def _seen(hand: Hand, tenant: str, number: int, computer: Json | None) -> Seen:
    """Only a valid result counts as a scan that ran to its end."""
    del computer
    where = path("computers", number)
    answer = hand.wp(tenant).get(where, right=VIEW)
    last = date(answer.get("lastRecommendationScanDate"), f"GET {where} at tenant {tenant}")
    return Seen(last, answer.get("recommendationScanStatus") == "valid")


SCAN = Scan(
    action=NAME,
    words="recommendation scan",
    short="rec",
    task_type="scan-for-recommendations",
    parameters="scanForRecommendationsTaskParameters",
    column="last_recommendation_scan",
    source="wp_recommendations",
    against=_against,
    seen=_seen,
)

ACTION = Action(
    name=NAME,
    about="Recommendation scan of instances that a finding concerns",
    permissions=(),
    rights=(*scans.RIGHTS, VIEW),
    mode=lambda settings: str(settings.recommendation_scan.mode),
    limit=lambda settings: int(settings.recommendation_scan.limit),
    plan=lambda world, past, _: scans.plan(SCAN, world, past),
    combine=partial(scans.combine, SCAN),
    apply=partial(scans.apply, SCAN),
    verify=partial(scans.verify, SCAN),
    undo=scans.undo,
    reads="GuardDuty and Macie findings, paths to buckets, computers and their last scans",
    writes="one scheduled task that runs once, for a computer or for a policy all of whose computers are asked for; deletes it if it stays",
    takes_back="nothing: a scan that ran cannot be undone",
    never="scans an offline agent, or one computer twice for several findings; creates a second task before the first is confirmed or 24 hours old",
)
