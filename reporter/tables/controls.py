"""What the checks show of the controls of frameworks."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table

CONTROLS = Table(
    "controls",
    "One row per control of a framework: what the checks of this run show of it. A check supports a control, people assess it",
    ("framework", "control_id"),
    (
        Column("framework", Kind.CATEGORY, "framework and its edition"),
        Column("control_id", Kind.TEXT, "the framework's own id"),
        Column("title", Kind.TEXT, "what it is about, in our own words"),
        Column(
            "status",
            Kind.CATEGORY,
            "the first of FAIL, UNKNOWN, WAIVED, PASS, NOT_APPLICABLE among its checks' results; NO_AUTOMATED_EVIDENCE: no check shows it",
        ),
        Column("confidence", Kind.CATEGORY, "high: the requirement asks for what the check measures; medium: for more than that; low: context only"),
        Column("checks", Kind.TEXTS, "checks that its status rests on; empty: there is none"),
        Column("context", Kind.TEXTS, "checks that only throw light on it: they never close and never fail it"),
        Column("failing", Kind.INTEGER, "results of its checks that are FAIL"),
        Column("unknown", Kind.INTEGER, "results of its checks that are UNKNOWN"),
    ),
)
