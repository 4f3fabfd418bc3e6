"""Propose: results -> changes. The plan is hashed, so that a person can approve exactly this and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from reporter.core.clock import iso

VALID_FOR = timedelta(hours=24)


def plan(run_id: str, changes: Sequence[Mapping[str, Any]], modes: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """plan.json: the proposed changes with before and after, what each action may do, the hash of both, and when the plan expires."""
    body = {"run": run_id, "modes": dict(sorted(modes.items())), "changes": list(changes), "expires": iso(now + VALID_FOR)}
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return {**body, "hash": hashlib.sha256(canonical).hexdigest()}
