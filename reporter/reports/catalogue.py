"""catalogue.json: every check as it was asked in this run, in its own words, with what it needs."""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path

from reporter.reports.view import Report, View


def catalogue(view: View) -> str:
    """The checks as JSON text, by id."""
    checks = [
        {
            "id": check.id,
            "title": check.title,
            "severity": check.severity.value,
            "population": list(check.population),
            "needs": [{"source": need.source, "span": need.span.value} for need in check.needs],
            "own_service": check.own_service or None,
            "about": inspect.cleandoc(check.about),
        }
        for check in sorted(view.checks, key=lambda check: check.id)
    ]
    return json.dumps({"version": view.version, "checks": checks}, indent=2, ensure_ascii=False) + "\n"


def sha256(view: View) -> str:
    """Of catalogue.json: two runs of equal digests asked the same."""
    return hashlib.sha256(catalogue(view).encode()).hexdigest()


def write(folder: Path, view: View) -> None:
    """catalogue.json."""
    (folder / "catalogue.json").write_text(catalogue(view), encoding="utf-8", newline="\n")


REPORT = Report("catalogue", "every check as it was asked", write)
