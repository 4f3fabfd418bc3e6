"""Which check shows which control of which framework, and what a run's results make of each control.

The data is controls.csv beside this file: ids and our own short words, never a framework's text. `confidence` says how much a check shows: high, the
requirement asks for what the check measures; medium, it asks for more; low, context only. A control's status rests on checks of high and medium
confidence. One that has only context, or whose checks judged nothing in this run, has NO_AUTOMATED_EVIDENCE: that is said as loud as FAIL.

A virtual patch never closes PCI DSS 6.3.3 (patches installed): only patch_outstanding, which no virtual patch satisfies, speaks of it.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pandas as pd

from reporter.core.result import ROLL_UP, Status
from reporter.tables.controls import CONTROLS

NO_EVIDENCE = "NO_AUTOMATED_EVIDENCE"
CONFIDENCES = ("high", "medium", "low")
CONTEXT = "low"

SHORT = {
    "pci-dss": "PCI DSS 4.0.1",
    "nist-800-53": "NIST SP 800-53 r5",
    "iso-27001": "ISO/IEC 27001:2022 Annex A",
    "cis": "CIS Controls v8.1",
    "soc-2": "SOC 2 TSC 2017 (rev. 2022)",
    "hipaa": "HIPAA Security Rule 45 CFR 164",
    "c5-2020": "BSI C5:2020",
    "c5-2026": "BSI C5:2026",
    "grundschutz": "BSI Grundschutz++ (2026-07-29)",
    "nis2": "NIS2 (EU) 2022/2555 Art. 21",
    "nis2-2690": "NIS2 IR (EU) 2024/2690 Annex",
    "dora": "DORA RTS (EU) 2024/1774",
}
"""Short names for schedule.yaml; the full ones are known there too."""


@dataclass(frozen=True)
class Mapped:
    """One check that throws light on one control, how much, and why."""

    framework: str
    control_id: str
    title: str
    check_id: str
    confidence: str
    rationale: str


@cache
def mapping() -> tuple[Mapped, ...]:
    """Every row of controls.csv."""
    text = files(__name__).joinpath("controls.csv").read_text(encoding="utf-8")
    return tuple(Mapped(**row) for row in csv.DictReader(text.splitlines()))


def names() -> tuple[str, ...]:
    """Names that schedule.yaml may use: short ones first."""
    return (*SHORT, *SHORT.values())


def controls(results: pd.DataFrame, chosen: Collection[str] = ()) -> pd.DataFrame:
    """RESULTS -> CONTROLS of the chosen frameworks (by either name; none chosen: all), in the order of the data."""
    wanted = {SHORT.get(name, name) for name in chosen} or set(SHORT.values())
    counted = results.groupby(["check_id", "status"], observed=True).size().to_dict() if len(results) else {}
    by_control: dict[tuple[str, str], list[Mapped]] = {}
    for row in mapping():
        if row.framework in wanted:
            by_control.setdefault((row.framework, row.control_id), []).append(row)
    return CONTROLS.sort(CONTROLS.frame(_row(rows, counted) for rows in by_control.values()))


def _row(rows: Iterable[Mapped], counted: Mapping[tuple[str, str], int]) -> tuple[object, ...]:
    rows = list(rows)
    shown = sorted({row.check_id for row in rows if row.confidence != CONTEXT})
    context = sorted({row.check_id for row in rows if row.confidence == CONTEXT} - set(shown))
    of = {status: sum(counted.get((check, status.value), 0) for check in shown) for status in Status}
    status = next((status.value for status in ROLL_UP if of[status]), NO_EVIDENCE)
    confidence = min((row.confidence for row in rows), key=CONFIDENCES.index)
    first = rows[0]
    return (first.framework, first.control_id, first.title, status, confidence, shown, context, of[Status.FAIL], of[Status.UNKNOWN])
