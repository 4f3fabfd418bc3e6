from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from reporter.reports.exposure import EXPOSURE, exposure, reaches
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES, WEB_ENTRIES
from tests.reports.views import row, view

I1, I2 = "i-0000000000000001", "i-0000000000000002"


def patch(instance: str | None = I1, cve: str = "CVE-2026-0001", **values: Any) -> tuple[Any, ...]:
    given = {
        "instance_id": instance,
        "cve": cve,
        "finding_arn": f"{instance}{cve}",
        "severity": "HIGH",
        "state": "no_rule",
        "exploit_available": False,
    }
    return row(VIRTUAL_PATCHES, **{**given, **values})


def seen(*patches: tuple[Any, ...], entries: tuple[tuple[Any, ...], ...] = (), instances: tuple[tuple[Any, ...], ...] | None = None) -> pd.DataFrame:
    hosts = (row(INSTANCES, instance_id=I1, protection="protected"), row(INSTANCES, instance_id=I2, protection="protected"))
    tables = {
        VIRTUAL_PATCHES.name: VIRTUAL_PATCHES.frame(patches),
        WEB_ENTRIES.name: WEB_ENTRIES.frame(entries),
        INSTANCES.name: INSTANCES.frame(hosts if instances is None else instances),
    }
    return exposure(view(tables))


def entry(state: str, kind: str = "alb", facing: bool = True, *behind: str) -> tuple[Any, ...]:
    return row(WEB_ENTRIES, entry=f"{state}{kind}{facing}", state=state, type=kind, internet_facing=facing, instances=behind or (I1,))


def order(frame: pd.DataFrame) -> list[str]:
    return list(frame["instance_id"])


def test_nothing_open_is_nothing_to_show() -> None:
    assert len(seen()) == 0
    assert len(seen(patch(state="prevented"), patch(None, state="not_running"))) == 0
    assert list(seen().columns) == list(EXPOSURE.names)


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"severity": "CRITICAL"}, {"severity": "HIGH"}),
        ({"severity": "HIGH"}, {"severity": "MEDIUM"}),
        ({"severity": "MEDIUM"}, {"severity": "LOW"}),
        ({"exploit_available": True}, {"exploit_available": False}),
        ({"exploit_available": True}, {"exploit_available": None}),
        ({"state": "available"}, {"state": "detect_only"}),
    ],
)
def test_what_is_worse_comes_first(worse: dict[str, Any], better: dict[str, Any]) -> None:
    assert order(seen(patch(I1, **better), patch(I2, **worse))) == [I2, I1]
    assert order(seen(patch(I1, **worse), patch(I2, **better))) == [I1, I2]


@pytest.mark.parametrize(
    ("entries", "first"),
    [
        ((), I1),
        ((entry("missing_acl", "alb", True, I2),), I2),
        ((entry("count_only", "cloudfront", True, I2),), I2),
        ((entry("not_applicable", "nlb", True, I2),), I2),
        ((entry("missing_acl", "alb", False, I2),), I1),
        ((entry("not_applicable", "alb", True, I2),), I1),
        ((entry("covered", "alb", True, I1), entry("missing_rules", "alb", True, I2)), I2),
        ((entry("covered", "alb", True, I2), entry("unknown", "alb", True, I1)), I1),
    ],
)
def test_what_the_internet_can_reach_comes_first(entries: tuple[tuple[Any, ...], ...], first: str) -> None:
    assert order(seen(patch(I1), patch(I2), entries=entries))[0] == first


def test_the_worst_of_several_entries_counts() -> None:
    tables = {WEB_ENTRIES.name: WEB_ENTRIES.frame([entry("covered"), entry("missing_acl"), entry("unknown")])}
    assert reaches(view(tables)) == {I1: "open"}


def test_a_host_without_a_working_agent_comes_before_one_that_has_it() -> None:
    hosts = (row(INSTANCES, instance_id=I1, protection="protected"), row(INSTANCES, instance_id=I2, protection="offline"))
    assert order(seen(patch(I1), patch(I2), instances=hosts)) == [I2, I1]


def test_a_host_that_nobody_knows_is_shown_as_unknown() -> None:
    (only,) = seen(patch(I1), instances=()).to_dict("records")
    assert (only["protection"], only["reach"], only["name"]) == ("unknown", "none", None)


def test_what_the_order_rests_on_is_shown() -> None:
    (only,) = seen(
        patch(severity="CRITICAL", exploit_available=True, age_days=7), patch(cve="CVE-2026-0002", state="available", age_days=40)
    ).to_dict("records")
    shown = {name: only[name] for name in ("worst", "open", "exploits", "assignable", "oldest_days", "score")}
    assert shown == {"worst": "CRITICAL", "open": 2, "exploits": 1, "assignable": 1, "oldest_days": 40, "score": 20.0}


def test_the_order_of_the_rows_makes_no_difference() -> None:
    patches = [patch(host, f"CVE-2026-{n:04}", severity=severity) for host in (I1, I2) for n, severity in enumerate(("HIGH", "LOW", "CRITICAL"))]
    wanted = seen(*patches)
    random.Random(7).shuffle(patches)
    pd.testing.assert_frame_equal(seen(*patches), wanted)
