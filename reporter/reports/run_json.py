"""run.json: who, what, when, with which versions, and what came of it, counted."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from reporter.core.clock import iso
from reporter.reports.queries import clock_offset
from reporter.reports.view import View


def run_json(view: View, folder: Path, *, end: datetime, more: Mapping[str, Any]) -> dict[str, Any]:
    """The run as a JSON object. `more`: what only the runner knows (sequence, job, schedule). Files below raw/ are only counted."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    raw = [name for name in files if name.startswith("raw/")]
    return {
        "id": view.run_id,
        "kind": view.kind,
        "chain": view.chain,
        "start": iso(view.now),
        "end": iso(end),
        "endpoint_override": view.endpoint_override or None,
        "versions": {"reporter": view.version, "python": platform.python_version(), "pandas": pd.__version__},
        "held_back": list(view.held_back),
        "clock_offset_seconds": clock_offset(view),
        "counts": {
            "results": view.by_status(),
            "scopes": view.by_scope_state(),
            "findings": view.by_finding_source(),
            "instances": view.by_protection(),
            "virtual_patches": view.by_patch_state(),
            "bucket_access": view.by_decision(),
            "web_entries": view.by_entry_state(),
            "actions": view.by_action(),
            "changes": len(view.plan.get("changes", ())),
            "changes_since": view.by_change() if view.compared_with else None,
            "results_without_exceptions": view.by_status_without_exceptions(),
            "excluded_instances": view.excluded,
        },
        "files": [name for name in files if not name.startswith("raw/")],
        "raw_files": len(raw),
        **more,
    }
