"""results.jsonl: each result with what results.csv has of it, when it was judged, and its reason in every language of the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from reporter.core.clock import iso
from reporter.core.language import SOURCE
from reporter.reports.record import CONTRACT
from reporter.reports.view import Report, View

FILE = "results.jsonl"
_TABLE, _COLUMNS = CONTRACT["results.csv"]
_TIMES = ("first_seen", "due")


def write(folder: Path, view: View) -> None:
    """One line a result, in the order of results.csv. Values are as they are: what reads JSON runs no formula."""
    with (folder / FILE).open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines(view))


def lines(view: View) -> Iterator[str]:
    """The lines. A reason that stands in many results is said again once."""
    frame = _TABLE.sort(view.results)
    columns = [_values(frame[name], time=name in _TIMES) for name in _COLUMNS]
    reasons = _reasons(view, frame["reason"])
    judged = iso(view.now)
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for values in zip(*columns, strict=True):
        row: dict[str, Any] = dict(zip(_COLUMNS, values, strict=True))
        row["reasons"] = reasons[row["reason"]]
        row["evaluated_at"] = judged
        yield encode(row) + "\n"


def _reasons(view: View, texts: pd.Series) -> dict[Any, dict[str, str]]:
    """Reason -> language -> how it is said there; English is how it was written."""
    others = [one.language for one in view.in_each_language() if one.language.code != SOURCE]
    return {text: {SOURCE: text, **{one.code: one.reason(str(text)) for one in others}} for text in texts.unique().tolist()}


def _values(values: pd.Series, *, time: bool) -> list[Any]:
    present = values.astype(object).where(values.notna(), None)
    return [None if value is None else iso(value) if time else list(value) if isinstance(value, tuple) else value for value in present.tolist()]


REPORT = Report("results_lines", "results.jsonl: the results with their reasons in every language", write)
