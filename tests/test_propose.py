from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reporter.propose import plan

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MODES = {"integrity_scan": "plan", "assign_ips_rule": "off"}
CHANGE = {"action": "integrity_scan", "target": "ü", "before": None, "after": {"scan": True}}


def test_a_plan_names_its_run_and_when_it_expires() -> None:
    made = plan("main-000001", [CHANGE], MODES, NOW)
    assert (made["run"], made["changes"], made["expires"]) == ("main-000001", [CHANGE], "2026-11-25T03:00:00Z")
    assert list(made["modes"]) == ["assign_ips_rule", "integrity_scan"]


def test_anybody_can_compute_the_hash() -> None:
    made = plan("main-000001", [CHANGE], MODES, NOW)
    body = {name: value for name, value in made.items() if name != "hash"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert made["hash"] == hashlib.sha256(text).hexdigest()


def test_the_same_plan_has_the_same_hash_however_its_modes_were_ordered() -> None:
    assert plan("r", [CHANGE], MODES, NOW) == plan("r", [CHANGE], dict(reversed(MODES.items())), NOW)


@pytest.mark.parametrize(
    "other",
    [
        ("r2", [CHANGE], MODES, NOW),
        ("r", [], MODES, NOW),
        ("r", [{**CHANGE, "after": {"scan": False}}], MODES, NOW),
        ("r", [CHANGE], {**MODES, "assign_ips_rule": "apply"}, NOW),
        ("r", [CHANGE], MODES, NOW + timedelta(seconds=1)),
    ],
)
def test_any_other_plan_has_another_hash(other: tuple[str, list[dict[str, Any]], dict[str, str], datetime]) -> None:
    assert plan(*other)["hash"] != plan("r", [CHANGE], MODES, NOW)["hash"]
